%% @private
%% @doc Handing in work and waiting for its one reply; the one place that does, for calls of
%% contexts and tasks of loops alike.
-module(py_work).

-export([call/4, start/3, cast/3, await/2, nested/1, router/0, options/1]).

-export_type([options/0]).

-type options() :: #{timeout => timeout(), binary => auto | str | bytes}.
-type where() :: call | task.
-type result() :: {ok, term()} | {error, py:error()}.

%% @doc Hands in a request and waits for the result until the deadline. A deadline inherited from
%% the call of Python that this process works for ends it earlier.
-spec call(py_nif:loop() | undefined, where(), py_nif:request(), options()) -> result().
call(undefined, _Where, _Request, _Options) ->
    {error, not_started};
call(Loop, Where, Request, Options) ->
    {Chain, Timeout} = chain(maps:get(timeout, Options)),
    Binary = maps:get(binary, Options, auto),
    Tag = make_ref(),
    case py_nif:submit(Loop, Where, self(), Tag, Request, Binary, Timeout, Chain) of
        {error, _} = Error ->
            Error;
        Submission ->
            receive
                {async_result, Tag, Result} -> Result
            after Timeout ->
                case py_nif:cancel(Submission) of
                    ok -> {error, timeout};
                    sent -> receive {async_result, Tag, Result} -> Result end
                end
            end
    end.

%% @doc Hands in a request; await/2 takes the result.
-spec start(py_nif:loop() | undefined, where(), py_nif:request()) -> reference().
start(undefined, _Where, _Request) ->
    refused({error, not_started});
start(Loop, Where, Request) ->
    {Chosen, Chain} = unblocked(Loop),
    case py_nif:submit(Chosen, Where, self(), self, Request, auto, infinity, Chain) of
        {error, _} = Error -> refused(Error);
        Submission -> Submission
    end.

%% A process that Python code waits for may in turn wait for what it starts, so that must not queue
%% behind code that waits. Whoever is blocked later than this was started can only wait for what was
%% started later still, so there is no circle. If all are blocked, it runs on top of the code that
%% waits for this process.
unblocked(Loop) ->
    case py_callback:chain() of
        {Chain, Waiting, _Deadline} when Waiting =/= undefined ->
            case [Free || Free <- [Loop | published()], not py_nif:loop_is_blocked(Free)] of
                [Free | _] -> {Free, 0};
                [] -> {Waiting, Chain}
            end;
        _ ->
            {Loop, 0}
    end.

published() ->
    Numbered = [{Module, N} || Module <- [py_event_loop_pool, py_context],
                               N <- lists:seq(1, persistent_term:get({Module, size}, 0))],
    Keys = [{py_event_loop, default} | Numbered],
    Loops = [persistent_term:get(Key, undefined) || Key <- Keys],
    [Loop || Loop <- Loops, Loop =/= undefined].

%% @doc Where a process that Python code waits for runs what it waits for itself: on top of that
%% code, on its thread. Any other thread might come to wait for this one.
-spec nested(py_nif:loop() | undefined) -> py_nif:loop() | undefined.
nested(Loop) ->
    case py_callback:chain() of
        {_Chain, Waiting, _Deadline} when Waiting =/= undefined -> Waiting;
        _ -> Loop
    end.

%% The caller of an asynchronous function learns of a refusal where it looks for the result.
refused(Error) ->
    Ref = make_ref(),
    self() ! {async_result, Ref, Error},
    Ref.

%% @doc Hands in a request whose result nobody waits for. It outlives its caller; a failure is
%% logged.
-spec cast(py_nif:loop() | undefined, where(), py_nif:request()) -> ok.
cast(Loop, Where, Request) ->
    Tag = {cast, {element(2, Request), element(3, Request)}},
    case Loop =/= undefined andalso router() of
        Router when is_pid(Router) ->
            case py_nif:submit(Loop, Where, Router, Tag, Request, auto, infinity, 0) of
                {error, _} = Error ->
                    Router ! {async_result, Tag, Error},
                    ok;
                _Submission ->
                    ok
            end;
        _ ->
            logger:error("Python work was not started: ~tp: erlang_python does not run", [Tag])
    end,
    ok.

%% @doc The result of start/3, for the process that called it. When the time is over the work is
%% cancelled. Fails with `badarg' for a reference that is none of this process's, or whose result
%% has been taken already.
-spec await(reference(), timeout()) -> result().
await(Ref, Timeout) ->
    is_timeout(Timeout) orelse error(badarg, [Ref, Timeout]),
    receive
        {async_result, Ref, Result} -> Result
    after 0 ->
        case py_nif:submission_state(Ref) of
            pending -> wait(Ref, Timeout);
            sent -> take_sent(Ref);
            cancelled -> {error, cancelled}
        end
    end.

wait(Ref, Timeout) ->
    receive
        {async_result, Ref, Result} -> Result
    after Timeout ->
        case py_nif:cancel(Ref) of
            ok -> {error, timeout};
            sent -> arrive(Ref)
        end
    end.

%% It is there now, or on its way; or it has been taken before it counted as sent.
arrive(Ref) ->
    receive
        {async_result, Ref, Result} -> Result
    after 1 ->
        case py_nif:submission_state(Ref) of
            pending -> arrive(Ref);
            sent -> take_sent(Ref)
        end
    end.

take_sent(Ref) ->
    receive
        {async_result, Ref, Result} -> Result
    after 0 -> error(badarg, [Ref])
    end.

%% @private
-spec router() -> pid() | undefined.
router() ->
    whereis(py_callback).

%% @doc Checks and completes options.
-spec options(options() | timeout()) -> options().
options(Options) when is_map(Options) ->
    Known = #{timeout => 30000, binary => auto},
    case maps:keys(maps:without(maps:keys(Known), Options)) of
        [] -> check(maps:merge(Known, Options));
        [Unknown | _] -> error({unknown_option, Unknown})
    end;
options(Timeout) ->
    check(#{timeout => Timeout, binary => auto}).

check(#{timeout := Timeout, binary := Binary} = Options) ->
    is_timeout(Timeout) orelse error({bad_option, {timeout, Timeout}}),
    lists:member(Binary, [auto, str, bytes]) orelse error({bad_option, {binary, Binary}}),
    Options.

%% What `receive ... after' takes.
is_timeout(Timeout) ->
    Timeout =:= infinity orelse (is_integer(Timeout) andalso Timeout >= 0 andalso
                                     Timeout =< 16#ffffffff).

chain(Timeout) ->
    case py_callback:chain() of
        undefined -> {0, Timeout};
        {Chain, _Loop, infinity} -> {Chain, Timeout};
        {Chain, _Loop, Deadline} -> {Chain, min(Timeout, left(Deadline))}
    end.

%% `infinity' compares greater than any integer.
left(Deadline) ->
    max(0, Deadline - erlang:monotonic_time(millisecond)).
