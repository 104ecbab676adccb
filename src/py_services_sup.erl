%% @private
%% @doc What runs on the runtime: independent services, restarted one by one.
-module(py_services_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

-define(WORKERS, [py_log, py_casts, py_remote, py_callback, py_spawner, py_signal]).
-define(SUPERVISORS, [py_event_loop_sup, py_context_sup]).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    ok = lists:foreach(fun await_end/1, ?WORKERS ++ ?SUPERVISORS),
    Workers = [
        #{id => Module, start => {Module, start_link, []}}
     || Module <- ?WORKERS
    ],
    Supervisors = [
        #{id => Module, start => {Module, start_link, []}, type => supervisor, shutdown => infinity}
     || Module <- ?SUPERVISORS
    ],
    {ok, {#{strategy => one_for_one, intensity => 5, period => 10}, Workers ++ Supervisors}}.

%% If this supervisor was killed, what it had started is on its way out, and still has its names.
await_end(Name) ->
    case whereis(Name) of
        undefined ->
            ok;
        Pid ->
            Monitor = monitor(process, Pid),
            receive
                {'DOWN', Monitor, process, Pid, _} -> ok
            end
    end.
