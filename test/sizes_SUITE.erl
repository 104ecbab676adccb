%% Containers of every size, by every way that a term takes between Erlang and Python.
%%
%% The sizes are those at which the VM changes how it keeps or makes a map, and their neighbours,
%% and what is large. Python makes the values of `make(kind, n)', Erlang those of make/2, and both
%% are compared whole.
-module(sizes_SUITE).
-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(SIZES, [0, 1, 2, 31, 32, 33, 127, 128, 129, 130, 1000, 4095, 4096, 4097, 100000, 1000000]).
-define(KINDS, [map, texts, tuples, list, tuple, nested]).

suite() -> [{timetrap, {minutes, 3}}].

all() ->
    [
        result, result_of_json, result_of_task, argument, local_variable, keyword_arguments, cast,
        message, message_from_thread, argument_of_callback, answer_of_callback,
        argument_of_async_call, answer_of_async_call, reason_of_error, logging_metadata,
        kept_in_fun, exception_with_attributes,
        keys_that_become_one_among_many, one_object_many_times, memory_is_bounded
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    {ok, Code} = file:read_file(filename:join(?config(data_dir, Config), "sizes.py")),
    ok = py:exec(Code),
    Config.

end_per_suite(_Config) ->
    ep_test:stop().

init_per_testcase(_Case, Config) ->
    ep_test:before(Config).

end_per_testcase(_Case, Config) ->
    ok = py:exec(<<"forget()">>),
    ep_test:audit(Config).

%% As make(kind, n) of sizes.py.
make(map, N) -> maps:from_list([{I, I} || I <- lists:seq(1, N)]);
make(texts, N) -> maps:from_list([{integer_to_binary(I), [I]} || I <- lists:seq(1, N)]);
make(tuples, N) -> maps:from_list([{{I, <<"k">>}, I / 2} || I <- lists:seq(1, N)]);
make(names, N) ->
    maps:from_list([{<<"name", (integer_to_binary(I))/binary>>, I} || I <- lists:seq(1, N)]);
make(list, N) -> lists:seq(1, N);
make(tuple, N) -> list_to_tuple(lists:seq(1, N));
make(nested, N) -> [make(map, N), #{<<"in">> => make(map, N)}, make(texts, N)].

%% Goes one way with each kind and size.
each(Way) ->
    each(?SIZES, Way).

each(Sizes, Way) ->
    [
        begin
            Term = make(Kind, N),
            case Way(Kind, N, Term) of
                Term -> ok;
                Other -> ct:fail({not_the_same, Kind, N, clipped(Other)})
            end
        end
     || N <- Sizes, Kind <- kinds(N)
    ],
    ok.

%% Of the largest, what differs for the VM.
kinds(1000000) -> [map];
kinds(100000) -> [map, tuples, list];
kinds(_) -> ?KINDS.

clipped(Term) -> lists:sublist(lists:flatten(io_lib:format("~tP", [Term, 20])), 300).

call(Function, Args) ->
    {ok, Value} = py:call('__main__', Function, Args, #{}, infinity),
    Value.

receive_one() ->
    receive
        Message -> Message
    after 60000 -> no_message
    end.

%%% Ways out of Python

result(_) ->
    each(fun(Kind, N, _) -> call(make, [Kind, N]) end).

result_of_json(_) ->
    each(fun
        (texts, N, _) -> call(through_json, [N]);
        (_, _, Term) -> Term
    end).

result_of_task(_) ->
    each(fun(Kind, N, _) ->
        Options = #{timeout => infinity},
        {ok, Value} = py_event_loop:run('__main__', make_later, [Kind, N], Options),
        Value
    end).

message(_) ->
    each(fun(Kind, N, _) ->
        none = call(send, [self(), Kind, N]),
        receive_one()
    end).

message_from_thread(_) ->
    each(fun(Kind, N, _) ->
        none = call(send_from_thread, [self(), Kind, N]),
        receive_one()
    end).

argument_of_callback(_) ->
    Self = self(),
    each(fun(Kind, N, _) ->
        none = call(call_with, [fun(Value) -> Self ! Value, none end, Kind, N]),
        receive_one()
    end).

argument_of_async_call(_) ->
    Self = self(),
    each(fun(Kind, N, _) ->
        none = call(async_call_with, [fun(Value) -> Self ! Value, none end, Kind, N]),
        receive_one()
    end).

logging_metadata(_) ->
    ok = ep_log:start(),
    [
        begin
            none = call(log, [N]),
            #{meta := #{python := Metadata}} = ep_log:wait_for(integer_to_list(N)),
            ?assertEqual({N, N}, {N, map_size(maps:with(maps:keys(make(names, N)), Metadata))})
        end
     || N <- ?SIZES, N =< 100000
    ],
    ok = ep_log:stop().

exception_with_attributes(_) ->
    [
        ?assertMatch(
            {error, {exception, #{type := <<"Full">>}}},
            py:call('__main__', fail_with, [Kind, N], #{}, infinity)
        )
     || N <- ?SIZES, Kind <- kinds(N)
    ].

%%% Ways into Python

argument(_) ->
    each(fun(Kind, N, Term) ->
        true = call(is_made, [Kind, N, Term]),
        call(same, [Term])
    end).

local_variable(_) ->
    each(fun(Kind, N, Term) ->
        Locals = #{kind => Kind, n => N, term => Term},
        {ok, true} = py:eval(<<"is_made(kind, n, term)">>, Locals, infinity),
        Term
    end).

keyword_arguments(_) ->
    [
        begin
            Kwargs = make(names, N),
            ?assertEqual({ok, Kwargs}, py:call('__main__', keywords, [], Kwargs, infinity))
        end
     || N <- ?SIZES, N =< 100000
    ].

cast(_) ->
    each(fun(_, _, Term) ->
        ok = py:cast(erlang, send, [self(), Term]),
        receive_one()
    end).

answer_of_callback(_) ->
    each(fun(Kind, N, Term) ->
        true = call(is_answer, [fun() -> Term end, Kind, N]),
        Term
    end).

answer_of_async_call(_) ->
    each(fun(Kind, N, Term) ->
        true = call(is_async_answer, [fun() -> Term end, Kind, N]),
        Term
    end).

reason_of_error(_) ->
    each([N || N <- ?SIZES, N =< 100000], fun(Kind, N, Term) ->
        true = call(is_reason, [fun() -> exit(Term) end, Kind, N]),
        Term
    end).

%%% There and back, as itself

%% Hashed, compared, copied, sent and called; the term is in the fun's environment.
kept_in_fun(_) ->
    each(fun(Kind, N, Term) ->
        none = call(keep, [fun() -> Term end]),
        true = call(is_kept, [fun() -> Term end, Kind, N]),
        Fun = call(kept, []),
        Fun()
    end).

%%% What else depends on size

keys_that_become_one_among_many(_) ->
    [
        begin
            Result = py:call('__main__', twice, [N, First, Second], #{}, infinity),
            ?assertEqual({N, {error, {conversion, [{map_key, Key}], duplicate_key}}}, {N, Result})
        end
     || N <- ?SIZES,
        {First, Second, Key} <- [
            {<<"'a'">>, <<"b'a'">>, <<"a">>},
            {<<"erlang.atom('none')">>, <<"None">>, none},
            {<<"float('nan')">>, <<"float('nan')">>, nan},
            {<<"('a',)">>, <<"(b'a',)">>, <<"{<<\"a\">>}">>}
        ]
    ],
    %% What is one key in Python is one in Erlang.
    [?assertEqual(1, map_size(call(twice, [0, First, Second])))
     || {First, Second} <- [{<<"1">>, <<"True">>}, {<<"1">>, <<"1.0">>}, {<<"0.0">>, <<"-0.0">>}]].

one_object_many_times(_) ->
    Large = make(map, 200),
    ?assertEqual(lists:duplicate(1000, Large), call(many_times, [1000, 200])).

%% Making a map leaves garbage behind that is many times as large as the map.
memory_is_bounded(_) ->
    N = 300000,
    _ = make(map, N) =:= call(make, [map, N]),
    erlang:garbage_collect(),
    true = call(reset_peak, []),
    Before = call(peak, []),
    ?assertEqual(N, map_size(call(make, [map, N]))),
    Grown = call(peak, []) - Before,
    %% In bytes for each pair; the map itself takes some 45, its garbage would take 500.
    ?assert(Grown div N < 300).
