%% @private
%% @doc The application's contexts, restarted one by one.
-module(py_context_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    Size = py_config:get(num_contexts),
    persistent_term:put({py_context, size}, Size),
    Children = [#{id => N, start => {py_context, start_numbered, [N]}} || N <- lists:seq(1, Size)],
    {ok, {#{strategy => one_for_one, intensity => 10 * Size, period => 10}, Children}}.
