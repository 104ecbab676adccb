%% @doc Tasks on a pool of event loops: for many callers at once.
%%
%% All tasks of one process go to the same loop, chosen by its pid, so they start in the order in
%% which it submits them. The environment's `event_loop_pool_size' says how many loops there are
%% (default: as many as schedulers).
-module(py_event_loop_pool).

-export([run/3, run/4, create_task/3, create_task/4, await/1, await/2]).
-export([spawn_task/3, spawn_task/4, get_loop/0, get_stats/0]).

%% @doc As `py_event_loop:run/3', on the loop of this process.
-spec run(py:name(), py:name(), [term()]) -> py:result().
run(Module, Function, Args) ->
    run(Module, Function, Args, #{}).

%% @doc As `py_event_loop:run/4', on the loop of this process.
-spec run(py:name(), py:name(), [term()], py_event_loop:run_options()) -> py:result().
run(Module, Function, Args, Options) ->
    py_event_loop:run_on(py_work:nested(mine()), Module, Function, Args, Options).

%% @doc As `py_event_loop:create_task/3', on the loop of this process.
-spec create_task(py:name(), py:name(), [term()]) -> reference().
create_task(Module, Function, Args) ->
    create_task(Module, Function, Args, #{}).

%% @doc With keyword arguments.
-spec create_task(py:name(), py:name(), [term()], py:kwargs()) -> reference().
create_task(Module, Function, Args, Kwargs) when is_list(Args), is_map(Kwargs) ->
    py_work:start(mine(), task, {call, Module, Function, Args, Kwargs}).

%% @doc As `py_event_loop:await/1'.
-spec await(reference()) -> py:result().
await(Ref) ->
    py_event_loop:await(Ref).

%% @doc As `py_event_loop:await/2'.
-spec await(reference(), timeout()) -> py:result().
await(Ref, Timeout) ->
    py_event_loop:await(Ref, Timeout).

%% @doc As `py_event_loop:spawn_task/3', on the loop of this process.
-spec spawn_task(py:name(), py:name(), [term()]) -> ok.
spawn_task(Module, Function, Args) ->
    spawn_task(Module, Function, Args, #{}).

%% @doc With keyword arguments.
-spec spawn_task(py:name(), py:name(), [term()], py:kwargs()) -> ok.
spawn_task(Module, Function, Args, Kwargs) when is_list(Args), is_map(Kwargs) ->
    py_work:cast(mine(), task, {call, Module, Function, Args, Kwargs}).

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
