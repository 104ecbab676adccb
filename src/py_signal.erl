%% @private
%% @doc Hands signals over to Python's loops that do not run on Python's main thread.
%%
%% While a loop wants a signal, py_signal_handler stands in the place of the VM's own handler. When
%% none wants any more, and when this process ends, everything is as it was.
-module(py_signal).
-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% The name under which priv/python/erlang/_signals.py asks.
-define(FUNCTION, <<"erlang_python.signals">>).

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec init([]) -> {ok, nil}.
init([]) ->
    process_flag(trap_exit, true),
    ok = py_callback:register(?FUNCTION, fun([Operation, Loop, Name, Number]) ->
        gen_server:call(?MODULE, {Operation, Loop, Name, Number}, infinity)
    end),
    {ok, nil}.

%% One after the other: what is installed depends on all of them.
-spec handle_call(term(), gen_server:from(), nil) -> {reply, term(), nil}.
handle_call({<<"add">>, Loop, Name, Number}, _From, nil) ->
    {reply, py_signal_handler:add(Loop, Name, Number), nil};
handle_call({<<"remove">>, Loop, Name, _Number}, _From, nil) ->
    {reply, py_signal_handler:remove(Loop, Name), nil};
handle_call(_Request, _From, nil) ->
    {reply, {error, unknown}, nil}.

-spec handle_cast(term(), nil) -> {noreply, nil}.
handle_cast(_Message, nil) ->
    {noreply, nil}.

-spec handle_info(term(), nil) -> {noreply, nil}.
handle_info(_Other, nil) ->
    {noreply, nil}.

-spec terminate(term(), nil) -> ok.
terminate(_Reason, nil) ->
    py_signal_handler:uninstall().
