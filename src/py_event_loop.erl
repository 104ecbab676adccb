%% @doc Tasks on the application's default event loop: for one caller, or where order matters.
%%
%% A task is a call of a Python function inside the event loop; if that gives a coroutine or
%% another awaitable it is awaited there, and its result is the task's. Tasks of one process start
%% in the order in which it submits them. When the process dies, its tasks are cancelled.
%% `py_event_loop_pool' has the same functions for many loops.
-module(py_event_loop).

-export([run/3, run/4, create_task/3, create_task/4, await/1, await/2]).
-export([spawn_task/3, spawn_task/4, get_loop/0]).
-export([run_on/5]).

-export_type([run_options/0]).

-type run_options() :: #{timeout => timeout(), kwargs => py:kwargs()}.

-define(TIMEOUT, 5000).

%% @doc Runs a function to its end; 5 seconds at most.
-spec run(py:name(), py:name(), [term()]) -> py:result().
run(Module, Function, Args) ->
    run(Module, Function, Args, #{}).

%% @doc As run/3. Options: `timeout' in milliseconds (5000), `kwargs' (`#{}').
-spec run(py:name(), py:name(), [term()], run_options()) -> py:result().
run(Module, Function, Args, Options) ->
    run_on(py_work:nested(default()), Module, Function, Args, Options).

%% @doc Starts a task; await/1,2 takes its result, in the same process.
-spec create_task(py:name(), py:name(), [term()]) -> reference().
create_task(Module, Function, Args) ->
    create_task(Module, Function, Args, #{}).

%% @doc With keyword arguments.
-spec create_task(py:name(), py:name(), [term()], py:kwargs()) -> reference().
create_task(Module, Function, Args, Kwargs) when is_list(Args), is_map(Kwargs) ->
    py_work:start(default(), task, {call, Module, Function, Args, Kwargs}).

%% @doc The result of a task; waits 5 seconds at most.
-spec await(reference()) -> py:result().
await(Ref) ->
    await(Ref, ?TIMEOUT).

%% @doc The result of a task. When the time is over the task is cancelled, and no result comes.
-spec await(reference(), timeout()) -> py:result().
await(Ref, Timeout) when is_reference(Ref) ->
    py_work:await(Ref, Timeout).

%% @doc Starts a task whose result nobody waits for. It outlives its caller; failures are logged.
-spec spawn_task(py:name(), py:name(), [term()]) -> ok.
spawn_task(Module, Function, Args) ->
    spawn_task(Module, Function, Args, #{}).

%% @doc With keyword arguments.
-spec spawn_task(py:name(), py:name(), [term()], py:kwargs()) -> ok.
spawn_task(Module, Function, Args, Kwargs) when is_list(Args), is_map(Kwargs) ->
    py_work:cast(default(), task, {call, Module, Function, Args, Kwargs}).

%% @doc The default loop.
-spec get_loop() -> {ok, py_nif:loop()} | {error, not_started}.
get_loop() ->
    case default() of
        undefined -> {error, not_started};
        Loop -> {ok, Loop}
    end.

%% @private
-spec run_on(py_nif:loop() | undefined, py:name(), py:name(), [term()], run_options()) ->
    py:result().
run_on(Loop, Module, Function, Args, Options) when is_list(Args), is_map(Options) ->
    Kwargs = maps:get(kwargs, Options, #{}),
    is_map(Kwargs) orelse error({bad_option, {kwargs, Kwargs}}),
    Rest = maps:merge(#{timeout => ?TIMEOUT}, maps:remove(kwargs, Options)),
    py_work:call(Loop, task, {call, Module, Function, Args, Kwargs}, py_work:options(Rest)).

default() ->
    persistent_term:get({?MODULE, default}, undefined).
