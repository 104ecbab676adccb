%% @doc Tasks on the application's default event loop: for one caller, or where order matters.
%%
%% A task is a call of a Python function inside the event loop; if that gives a coroutine or
%% another awaitable it is awaited there, and its result is the task's. Tasks of one process start
%% in the order in which it submits them. When the process dies, its tasks are cancelled.
%% `py_event_loop_pool' has the same functions for many loops.
-module(py_event_loop).

-include("py_args.hrl").

-export([run/3, run/4, create_task/3, create_task/4, create_task/5, await/1, await/2, cancel/1]).
-export([spawn_task/3, spawn_task/4, spawn_task/5, get_loop/0]).
-export([run_on/5, run_on/6]).

-export_type([run_options/0]).

-type run_options() ::
    #{
        timeout => timeout(),
        kwargs => py:kwargs(),
        binary => py:binary_as(),
        none => py:none_as()
    }
    | [
        {timeout, timeout()}
        | {kwargs, py:kwargs()}
        | {binary, py:binary_as()}
        | {none, py:none_as()}
    ]
    | timeout().

-define(TIMEOUT, 5000).

%% @doc Runs a function to its end; 5 seconds at most, then it is cancelled.
-spec run(py:name(), py:name(), [term()]) -> py:result().
run(Module, Function, Args) ->
    run_task(Module, Function, Args, #{}, ?CALLED([Module, Function, Args])).

%% @doc Options: `timeout' in milliseconds (5000), `kwargs' (`#{}'), `binary' (see `py:options()').
-spec run(py:name(), py:name(), [term()], run_options()) -> py:result().
run(Module, Function, Args, Options) ->
    run_task(Module, Function, Args, Options, ?CALLED([Module, Function, Args, Options])).

run_task(Module, Function, Args, Options, Called) ->
    run_on(py_work:nested(default()), Module, Function, Args, Options, Called).

%% @doc Starts a task; await/1,2 takes its result, in the same process.
-spec create_task(py:name(), py:name(), [term()]) -> reference().
create_task(Module, Function, Args) ->
    Called = ?CALLED([Module, Function, Args]),
    start(py_args:call(Module, Function, Args, #{}, 1, Called), py_options:start()).

%% @doc With keyword arguments.
-spec create_task(py:name(), py:name(), [term()], py:kwargs()) -> reference().
create_task(Module, Function, Args, Kwargs) ->
    Called = ?CALLED([Module, Function, Args, Kwargs]),
    start(py_args:call(Module, Function, Args, Kwargs, 1, Called), py_options:start()).

%% @doc With options.
-spec create_task(py:name(), py:name(), [term()], py:kwargs(), py:start_options()) -> reference().
create_task(Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    start(Request, py_options:parse(Options, py_options:start(), 5, Called)).

%% @doc The result of a task; waits 5 seconds at most.
-spec await(reference()) -> py:result().
await(Ref) ->
    py_work:await(Ref, ?TIMEOUT, ?CALLED([Ref])).

%% @doc The result of a task. When the time is over the task goes on, and can be awaited again.
-spec await(reference(), timeout()) -> py:result().
await(Ref, Timeout) ->
    py_work:await(Ref, Timeout, ?CALLED([Ref, Timeout])).

%% @doc Cancels a task of the calling process. `true': there will be no result. `false': it had
%% ended already, and await/1,2 gives its result.
-spec cancel(reference()) -> boolean().
cancel(Ref) ->
    py_work:cancel(Ref, ?CALLED([Ref])).

%% @doc Starts a task whose result nobody waits for. It outlives its caller; failures are logged.
-spec spawn_task(py:name(), py:name(), [term()]) -> ok.
spawn_task(Module, Function, Args) ->
    Called = ?CALLED([Module, Function, Args]),
    cast(py_args:call(Module, Function, Args, #{}, 1, Called), py_options:start()).

%% @doc With keyword arguments.
-spec spawn_task(py:name(), py:name(), [term()], py:kwargs()) -> ok.
spawn_task(Module, Function, Args, Kwargs) ->
    Called = ?CALLED([Module, Function, Args, Kwargs]),
    cast(py_args:call(Module, Function, Args, Kwargs, 1, Called), py_options:start()).

%% @doc With options.
-spec spawn_task(py:name(), py:name(), [term()], py:kwargs(), py:start_options()) -> ok.
spawn_task(Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    cast(Request, py_options:parse(Options, py_options:start(), 5, Called)).

start(Request, Options) ->
    py_work:start(default(), task, Request, Options).

cast(Request, Options) ->
    py_work:cast(default(), task, Request, Options).

%% @doc The default loop.
-spec get_loop() -> {ok, py_nif:loop()} | {error, not_started}.
get_loop() ->
    case default() of
        undefined -> {error, not_started};
        Loop -> {ok, Loop}
    end.

%% @private
%% @doc run/4 of a certain loop.
-spec run_on(py_nif:loop(), py:name(), py:name(), [term()], run_options()) -> py:result().
run_on(Loop, Module, Function, Args, Options) ->
    Called = {?MODULE, run, [Module, Function, Args, Options]},
    run_on(Loop, Module, Function, Args, Options, Called).

%% @private
-spec run_on(
    py_nif:loop() | undefined, term(), term(), term(), term(), py_args:called()
) -> py:result().
run_on(Loop, Module, Function, Args, Options, Called) ->
    #{kwargs := Kwargs} = Checked = py_options:parse(Options, py_options:run(), 4, Called),
    py_work:call(Loop, task, py_args:call(Module, Function, Args, Kwargs, 1, Called), Checked).

default() ->
    persistent_term:get({?MODULE, default}, undefined).
