%% @doc Tasks on a pool of event loops: for many callers at once.
%%
%% All tasks of one process go to the same loop, chosen by its pid, so they start in the order in
%% which it submits them. The environment's `event_loop_pool_size' says how many loops there are
%% (default: as many as schedulers).
-module(py_event_loop_pool).

-include("py_args.hrl").

-export([run/3, run/4, create_task/3, create_task/4, create_task/5, await/1, await/2, cancel/1]).
-export([spawn_task/3, spawn_task/4, spawn_task/5, get_loop/0, get_stats/0]).
-export([start/2]).

-define(TIMEOUT, 5000).

%% @doc Runs a function to its end; 5 seconds at most, then it is cancelled.
-spec run(py:name(), py:name(), [term()]) -> py:result().
run(Module, Function, Args) ->
    run_task(Module, Function, Args, #{}, ?CALLED([Module, Function, Args])).

%% @doc Options: `timeout' in milliseconds (5000), `kwargs' (`#{}'), `binary' (see `py:options()').
-spec run(py:name(), py:name(), [term()], py_event_loop:run_options()) -> py:result().
run(Module, Function, Args, Options) ->
    run_task(Module, Function, Args, Options, ?CALLED([Module, Function, Args, Options])).

run_task(Module, Function, Args, Options, Called) ->
    py_event_loop:run_on(py_work:nested(mine()), Module, Function, Args, Options, Called).

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

%% @private
%% @doc Starts what has been checked, on the loop of this process.
-spec start(py_nif:request(), py_options:options()) -> reference().
start(Request, Options) ->
    py_work:start(mine(), task, Request, Options).

cast(Request, Options) ->
    py_work:cast(mine(), task, Request, Options).

%% @doc The loop of this process; the same one for its whole life.
-spec get_loop() -> {ok, py_nif:loop()} | {error, not_started}.
get_loop() ->
    case mine() of
        undefined -> {error, not_started};
        Loop -> {ok, Loop}
    end.

%% @doc `num_loops', 0 if the application does not run, and `supported', always true.
-spec get_stats() -> #{num_loops := non_neg_integer(), supported := true}.
get_stats() ->
    #{num_loops => persistent_term:get({?MODULE, size}, 0), supported => true}.

mine() ->
    case persistent_term:get({?MODULE, size}, 0) of
        0 -> undefined;
        Size -> persistent_term:get({?MODULE, erlang:phash2(self(), Size) + 1}, undefined)
    end.
