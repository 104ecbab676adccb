%% @private
%% @doc The application's contexts, restarted one by one; and their stand-ins, which are not: they
%% are made when they are needed, by their keeper.
-module(py_context_sup).
-behaviour(supervisor).

-export([start_link/0, start_stand_in/0, init/1]).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

%% @doc A context that stands in for others; not by a process that this supervisor waits for.
-spec start_stand_in() -> supervisor:startchild_ret().
start_stand_in() ->
    Start = {py_context, start_stand_in, []},
    supervisor:start_child(?MODULE, #{id => make_ref(), start => Start, restart => temporary}).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    Size = py_config:get(num_contexts),
    persistent_term:put({py_context, size}, Size),
    Contexts = [#{id => N, start => {py_context, start_numbered, [N]}} || N <- lists:seq(1, Size)],
    Keeper = #{id => py_stand_ins, start => {py_stand_ins, start_link, []}},
    Flags = #{strategy => one_for_one, intensity => 10 * (Size + 1), period => 10},
    {ok, {Flags, [Keeper | Contexts]}}.
