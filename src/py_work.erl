%% @private
%% @doc Handing in work and waiting for its one reply; the one place that does, for calls of
%% contexts and tasks of loops alike.
-module(py_work).

-export([call/4, start/4, cast/4, await/3, cancel/2, drop/1, nested/1]).

-type target() :: py_nif:loop() | undefined | dead.
%% `undefined': the application does not run; `dead': the context has ended.
-type where() :: call | task.
-type result() :: {ok, term()} | {error, py:error()}.

%% @doc Hands in a request and waits for the result until the deadline. A deadline inherited from
%% the call of Python that this process works for ends it earlier.
-spec call(target(), where(), py_nif:request(), py_options:options()) -> result().
call(Loop, _Where, _Request, _Options) when is_atom(Loop) ->
    missing(Loop);
call(Loop, Where, Request, Options) ->
    {Chain, Timeout} = chain(maps:get(timeout, Options)),
    Tag = make_ref(),
    case py_nif:submit(Loop, Where, self(), Tag, Request, Options, Timeout, Chain) of
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
-spec start(target(), where(), py_nif:request(), py_options:options()) -> reference().
start(Loop, _Where, _Request, _Options) when is_atom(Loop) ->
    refused(missing(Loop));
start(Loop, Where, Request, Options) ->
    {Chosen, Chain} = unblocked(Loop),
    case py_nif:submit(Chosen, Where, self(), self, Request, Options, infinity, Chain) of
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

missing(undefined) -> {error, not_started};
missing(dead) -> {error, {executor_died, stopped}}.

%% The caller of an asynchronous function learns of a refusal where it looks for the result.
refused(Error) ->
    Ref = make_ref(),
    self() ! {async_result, Ref, Error},
    Ref.

%% @doc Hands in a request whose result nobody waits for. It outlives its caller; a failure is
%% logged.
-spec cast(target(), where(), py_nif:request(), py_options:options()) -> ok.
cast(Loop, Where, Request, Options) ->
    What = {element(2, Request), element(3, Request)},
    Casts = whereis(py_casts),
    case {Loop, Casts} of
        {undefined, _} -> not_cast(What, missing(undefined));
        {_, undefined} -> not_cast(What, missing(undefined));
        {dead, _} -> not_cast(What, missing(dead));
        _ ->
            Tag = {cast, What},
            case py_nif:submit(Loop, Where, Casts, Tag, Request, Options, infinity, 0) of
                {error, _} = Error -> not_cast(What, Error);
                _Submission -> ok
            end
    end.

not_cast(What, Error) ->
    logger:error("Python work was not started: ~tp: ~ts", [What, py:format_error(Error)]).

%% @doc The result of start/4, for the process that called it. When the time is over the work goes
%% on, and can be awaited again. Fails with `badarg' for a reference that is none of this process's,
%% or whose result has been taken already.
-spec await(term(), term(), py_args:called()) -> result().
await(Ref, Timeout, Called) when is_reference(Ref) ->
    Time = py_args:timeout(Timeout, 2, Called),
    receive
        {async_result, Ref, Result} -> Result
    after 0 ->
        case state(Ref, Called) of
            pending -> wait(Ref, Time);
            sent -> take_sent(Ref, Called);
            cancelled -> {error, cancelled}
        end
    end;
await(_Ref, _Timeout, Called) ->
    py_args:refuse("expected a reference to work that this process has started", 1, Called).

wait(Ref, Time) ->
    receive
        {async_result, Ref, Result} -> Result
    after Time -> {error, timeout}
    end.

%% How far the work is; refuses references to anything else.
state(Ref, Called) ->
    try py_nif:submission_state(Ref) of
        sending ->
            %% The thread that replies is between sending and saying that it has.
            erlang:yield(),
            state(Ref, Called);
        State ->
            State
    catch
        error:badarg ->
            py_args:refuse("this reference is not to work that this process has started", 1, Called)
    end.

take_sent(Ref, Called) ->
    receive
        {async_result, Ref, Result} -> Result
    after 0 -> taken(Ref, Called)
    end.

-spec taken(reference(), py_args:called()) -> no_return().
taken(_Ref, Called) ->
    py_args:refuse("the result of this work has been taken already", 1, Called).

%% @doc Gives up the work of start/4. `true': there will be no result. `false': it has ended before,
%% and its result can be taken. Fails as await/3 does.
-spec cancel(term(), py_args:called()) -> boolean().
cancel(Ref, Called) when is_reference(Ref) ->
    case is_here(Ref) of
        true ->
            false;
        false ->
            case state(Ref, Called) of
                pending -> py_nif:cancel(Ref) =:= ok;
                cancelled -> false;
                sent -> not (is_here(Ref) orelse taken(Ref, Called))
            end
    end;
cancel(_Ref, Called) ->
    py_args:refuse("expected a reference to work that this process has started", 1, Called).

%% Is the result in the mailbox? Nobody else asks for it, so it may change its place there.
is_here(Ref) ->
    receive
        {async_result, Ref, _} = Message ->
            self() ! Message,
            true
    after 0 -> false
    end.

%% @doc Gives up work whose result has not been taken, and leaves no message of it behind.
-spec drop(reference()) -> ok.
drop(Ref) ->
    receive
        {async_result, Ref, _} -> ok
    after 0 ->
        case py_nif:cancel(Ref) of
            ok -> ok;
            sent -> receive {async_result, Ref, _} -> ok end
        end
    end.


chain(Timeout) ->
    case py_callback:chain() of
        undefined -> {0, Timeout};
        %% `infinity' compares greater than any integer.
        {Chain, _Loop, Deadline} -> {Chain, min(Timeout, py_deadline:left(Deadline))}
    end.
