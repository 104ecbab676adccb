%% @private
%% @doc What runs on the runtime: independent services, restarted one by one.
%%
%% Owns the table of registered functions, so that these survive a crash of the router.
-module(py_services_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    ok = py_callback:create_table(),
    Workers = [
        #{id => Module, start => {Module, start_link, []}}
     || Module <- [py_log, py_remote, py_callback, py_spawner, py_signal]
    ],
    Supervisors = [
        #{id => Module, start => {Module, start_link, []}, type => supervisor, shutdown => infinity}
     || Module <- [py_event_loop_sup, py_context_sup]
    ],
    {ok, {#{strategy => one_for_one, intensity => 5, period => 10}, Workers ++ Supervisors}}.
