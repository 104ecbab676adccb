%% @private
%% @doc Owns the Python work that nobody waits for (`py:cast', `spawn_task'), so that it outlives
%% who started it, and logs its failures: the first `?MOST' of a second one by one, of the others
%% how many there were.
-module(py_casts).
-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(MOST, 50).
-define(SECOND, 1000).

%% Failures since the timer was started, if one runs.
-type state() :: non_neg_integer().

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec init([]) -> {ok, state()}.
init([]) ->
    %% Many results may wait here, and none concerns another.
    _ = process_flag(message_queue_data, off_heap),
    {ok, 0}.

-spec handle_call(term(), gen_server:from(), state()) -> {reply, {error, unknown}, state()}.
handle_call(_Request, _From, Failures) ->
    {reply, {error, unknown}, Failures}.

-spec handle_cast(term(), state()) -> {noreply, state()}.
handle_cast(_Message, Failures) ->
    {noreply, Failures}.

-spec handle_info(term(), state()) -> {noreply, state()}.
handle_info({async_result, {cast, What}, {error, Reason}}, Failures) ->
    _ = Failures =:= 0 andalso erlang:send_after(?SECOND, self(), second),
    Failures < ?MOST andalso report(What, Reason),
    {noreply, Failures + 1};
handle_info(second, Failures) ->
    Failures > ?MOST andalso
        logger:error("Python work that nobody waits for failed ~b times more", [Failures - ?MOST]),
    {noreply, 0};
handle_info(_Other, Failures) ->
    {noreply, Failures}.

report(What, Reason) ->
    logger:error("Python work that nobody waits for failed: ~tp: ~ts", [
        What, py:format_error(Reason)
    ]).
