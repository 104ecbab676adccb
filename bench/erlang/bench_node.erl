%% @doc A node that idles while others look at what it costs.
%%
%% `erl … -run bench_node main STATE POOL': STATE is `empty' (without the application), `used'
%% (started, one call and one task done) or `pool' (started with POOL event loops, one task done).
%% Prints {"pid": N} when that is so.
-module(bench_node).

-export([main/1]).

%% Nobody looks for longer; a node whose benchmark was killed goes by itself.
-define(LIFETIME_MS, 300000).

-spec main([string()]) -> ok.
main([State, Pool]) ->
    %% Not in the caller, which is the process that boots the node.
    _ = spawn(fun() -> idle(State, list_to_integer(Pool)) end),
    ok.

idle(State, Pool) ->
    try
        enter(State, Pool)
    catch
        Class:Reason ->
            io:format(standard_error, "~0P~n", [{Class, Reason}, 20]),
            halt(1)
    end,
    io:format("{\"pid\": ~s}~n", [os:getpid()]),
    timer:sleep(?LIFETIME_MS),
    halt(0).

enter("empty", _) ->
    ok;
enter("used", _) ->
    start(),
    {ok, 4.0} = py:call(math, sqrt, [16.0]),
    {ok, 1} = py_event_loop:run(bench_target, identity_coroutine, [1]);
enter("pool", Size) ->
    ok = application:load(erlang_python),
    ok = application:set_env(erlang_python, event_loop_pool_size, Size),
    start(),
    #{num_loops := Size} = py_event_loop_pool:get_stats(),
    {ok, 1} = py_event_loop_pool:run(bench_target, identity_coroutine, [1]).

start() ->
    {ok, _} = application:ensure_all_started(erlang_python).
