%% @private
%% @doc The workers of the default loop and of the pool's loops, restarted one by one, each with a
%% new loop.
-module(py_event_loop_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    Size = py_config:get(event_loop_pool_size),
    persistent_term:put({py_event_loop_pool, size}, Size),
    Keys = [{py_event_loop, default} | [{py_event_loop_pool, N} || N <- lists:seq(1, Size)]],
    Children = [#{id => Key, start => {py_event_worker, start_link, [Key]}} || Key <- Keys],
    {ok, {#{strategy => one_for_one, intensity => 10 * (Size + 1), period => 10}, Children}}.
