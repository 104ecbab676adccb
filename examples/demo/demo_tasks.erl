%% Python coroutines, started on the pool of event loops and awaited.
-module(demo_tasks).

-export([run/3, run_callbacks/3, double/1]).

-define(AT_ONCE, 100).
-define(TIMEOUT, 30000).

%% A coroutine for each number, a hundred under way at a time; gives the first wrong result, if any.
-spec run(pos_integer(), pos_integer(), fun(() -> ok)) -> {ok, []} | {wrong, term()}.
run(First, Last, Done) ->
    in_batches(fun(N) -> {add, [N, 1], N + 1} end, First, Last, Done).

%% The same with coroutines that call double/1, here.
-spec run_callbacks(pos_integer(), pos_integer(), fun(() -> ok)) -> {ok, []} | {wrong, term()}.
run_callbacks(First, Last, Done) ->
    in_batches(fun(N) -> {ask, [N], 2 * N} end, First, Last, Done).

%% What Python calls, as demo_double.
-spec double([integer()]) -> integer().
double([N]) ->
    ok = demo_count:add(called),
    2 * N.

in_batches(_Work, First, Last, _Done) when First > Last ->
    {ok, []};
in_batches(Work, First, Last, Done) ->
    Next = min(First + ?AT_ONCE, Last + 1),
    Started = [start(Work(N)) || N <- lists:seq(First, Next - 1)],
    case [Wrong || {wrong, _} = Wrong <- [await(Task, Done) || Task <- Started]] of
        [] -> in_batches(Work, Next, Last, Done);
        [Wrong | _] -> Wrong
    end.

start({Function, Args, Expected}) ->
    {py_event_loop_pool:create_task(coroutines, Function, Args), Expected}.

await({Ref, Expected}, Done) ->
    case py_event_loop_pool:await(Ref, ?TIMEOUT) of
        {ok, Expected} -> Done();
        Other -> {wrong, {{expected, Expected}, Other}}
    end.
