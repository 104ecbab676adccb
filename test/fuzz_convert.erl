%% @doc Sends random terms every way between Erlang and Python, until the time is over; scripts/fuzz
%% runs it, with the native part built for the sanitizers.
-module(fuzz_convert).

-export([main/2]).

-define(WAYS, [call, task, local, callback, callback_argument, message, cast, kept]).
%% A generator's size, and how long one term may take, in milliseconds.
-define(SIZE, 30).
-define(PATIENCE, 300000).

%% @doc Ends the VM, with status 1 if a term was not as it should be.
-spec main(Seconds :: pos_integer(), Seed :: integer()) -> no_return().
main(Seconds, Seed) ->
    io:format("seed ~b~n", [Seed]),
    rand:seed(exsss, Seed),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<"
import asyncio, erlang
kept = []
async def later(value): return value
def ask(function, *arguments): return function(*arguments)
def keep(function):
    kept.append(function)
    return {function: function}[function]
def kept_value(): return kept.pop()()
">>),
    Stop = erlang:monotonic_time(second) + Seconds,
    Count = run(Stop, 0),
    io:format("~b terms~n", [Count]),
    ok = application:stop(erlang_python),
    halt(0).

run(Stop, Count) ->
    case erlang:monotonic_time(second) < Stop of
        true ->
            one(seed()),
            run(Stop, Count + 1);
        false ->
            Count
    end.

seed() ->
    {rand:uniform(1 bsl 30), rand:uniform(1 bsl 30), rand:uniform(1 bsl 30)}.

%% PropEr's generators take their numbers from the process's own state of `rand'.
one(Seed) ->
    Size = rand:uniform(?SIZE),
    {ok, Term} = proper_gen:pick(prop_convert:any_value(), Size, Seed),
    Expected = prop_convert:back(Term),
    _ = rand:seed(exsss, Seed),
    [
        case way(Way, Term) of
            Expected -> ok;
            Got -> wrong(Way, Seed, Size, Expected, Got)
        end
     || Way <- ?WAYS
    ].

wrong(Way, Seed, Size, Expected, Got) ->
    io:format("~p, seed ~w, size ~b: expected ~tP~ngot ~tP~n",
              [Way, Seed, Size, Expected, 50, Got, 50]),
    halt(1).

way(call, Term) ->
    value(py:call(typing, cast, [none, Term], #{}, ?PATIENCE));
way(task, Term) ->
    value(py_event_loop:run('__main__', later, [Term], #{timeout => ?PATIENCE}));
way(local, Term) ->
    value(py:eval(<<"x">>, #{x => Term}, ?PATIENCE));
way(callback, Term) ->
    value(py:call('__main__', ask, [fun() -> Term end], #{}, ?PATIENCE));
way(callback_argument, Term) ->
    Self = self(),
    Ref = make_ref(),
    Send = fun(X) -> Self ! {Ref, X}, ok end,
    ok = value(py:call('__main__', ask, [Send, Term], #{}, ?PATIENCE)),
    receive {Ref, X} -> X after ?PATIENCE -> no_message end;
way(message, Term) ->
    Ref = make_ref(),
    none = value(py:call(erlang, send, [self(), {Ref, Term}], #{}, ?PATIENCE)),
    receive {Ref, X} -> X after ?PATIENCE -> no_message end;
way(cast, Term) ->
    Ref = make_ref(),
    ok = py:cast(erlang, send, [self(), {Ref, Term}]),
    receive {Ref, X} -> X after ?PATIENCE -> no_message end;
way(kept, Term) ->
    Fun = value(py:call('__main__', keep, [fun() -> Term end], #{}, ?PATIENCE)),
    Same = Fun(),
    case value(py:call('__main__', kept_value, [], #{}, ?PATIENCE)) of
        Value when Same =:= Term -> Value;
        _ -> Same
    end.

value({ok, Value}) -> Value;
value(Error) -> Error.
