%% @private
%% @doc The root: without the runtime nothing below it can go on, so its restart restarts all.
-module(erlang_python_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    %% Whatever else is restarted: what is registered stays registered.
    ok = py_callback:create_table(),
    Runtime = #{id => py_runtime, start => {py_runtime, start_link, []}, shutdown => 15000},
    Services = #{
        id => py_services_sup,
        start => {py_services_sup, start_link, []},
        type => supervisor,
        shutdown => infinity
    },
    {ok, {#{strategy => rest_for_one, intensity => 3, period => 10}, [Runtime, Services]}}.
