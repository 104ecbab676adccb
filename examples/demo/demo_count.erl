%% What has been done so far: counters that many processes add to.
-module(demo_count).

-export([new/0, add/1, get/1]).

-type what() :: requests | tasks | called.

-spec new() -> ok.
new() ->
    persistent_term:put(?MODULE, counters:new(3, [write_concurrency])).

-spec add(what()) -> ok.
add(What) ->
    counters:add(persistent_term:get(?MODULE), index(What), 1).

-spec get(what()) -> non_neg_integer().
get(What) ->
    counters:get(persistent_term:get(?MODULE), index(What)).

index(requests) -> 1;
index(tasks) -> 2;
index(called) -> 3.
