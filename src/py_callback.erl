%% @doc Erlang functions that Python can call by name.
%%
%% ```
%% py_callback:register(<<"compute">>, fun([X]) -> X * 2 end).
%% '''
%% In Python it is then `erlang.call('compute', 21)', or `erlang.compute(21)'. The fun gets the
%% arguments as one list, runs in a process of its own, and may call Python in turn: such calls run
%% on the thread that waits for it. What other processes call meanwhile runs elsewhere.
%%
%% The process of this module is the router: it starts those processes, and passes on what Python
%% can't send itself.
-module(py_callback).
-behaviour(gen_server).
-compile({no_auto_import, [register/2, unregister/1]}).

-include("py_args.hrl").

-export([register/2, register/3, unregister/1]).
-export([register_fun/3, register_export/4, unregister/2]).
-export([start_link/0, create_table/0, chain/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(TABLE, py_callback_functions).
-define(CHAIN, '$erlang_python_chain').

-type callback() :: fun(([term()]) -> term()).

%% @doc Registers a fun under a name; replaces one of the same name.
-spec register(py:name(), callback()) -> ok | {error, not_started}.
register(Name, Fun) ->
    register_fun(Name, Fun, ?CALLED([Name, Fun])).

%% @doc Registers `Module:Function/1'; later versions of the module are called.
-spec register(py:name(), module(), atom()) -> ok | {error, not_started}.
register(Name, Module, Function) ->
    register_export(Name, Module, Function, ?CALLED([Name, Module, Function])).

%% @doc Python can't call it any more. `ok' also if there was no such name.
-spec unregister(py:name()) -> ok | {error, not_started}.
unregister(Name) ->
    unregister(Name, ?CALLED([Name])).

%% @private
-spec register_fun(term(), term(), py_args:called()) -> ok | {error, not_started}.
register_fun(Name, Fun, Called) when is_function(Fun, 1) ->
    ask({register, key(py_args:name(Name, 1, Called)), Fun});
register_fun(_Name, _Fun, Called) ->
    py_args:refuse("expected a fun of one argument, the list of Python's arguments", 2, Called).

%% @private
-spec register_export(term(), term(), term(), py_args:called()) -> ok | {error, not_started}.
register_export(Name, Module, Function, Called) ->
    is_atom(Module) orelse py_args:refuse("expected the name of a module, an atom", 2, Called),
    is_atom(Function) orelse py_args:refuse("expected the name of a function, an atom", 3, Called),
    register_fun(Name, fun Module:Function/1, Called).

%% @private
-spec unregister(term(), py_args:called()) -> ok | {error, not_started}.
unregister(Name, Called) ->
    ask({unregister, key(py_args:name(Name, 1, Called))}).

%% One after the other, so that the table and the names that Python sees agree.
ask(Request) ->
    try
        gen_server:call(?MODULE, Request, infinity)
    catch
        exit:{_Reason, {gen_server, call, _}} -> {error, not_started}
    end.

key(Name) when is_atom(Name) -> atom_to_binary(Name);
key(Name) when is_binary(Name) -> Name.

%% @private
-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% @private
-spec create_table() -> ok.
create_table() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, {read_concurrency, true}]),
    ok.

%% @private
%% @doc Which chain of nested calls the calling process belongs to: its number, the loop that
%% waits for it, and by when.
-spec chain() -> undefined | {pos_integer(), py_nif:loop() | undefined, py_deadline:deadline()}.
chain() ->
    get(?CHAIN).

%% State: the running calls, by the process that does each, and the processes by call.
-type state() :: #{pid() => py_nif:call(), py_nif:call() => pid()}.

%% @private
-spec init([]) -> {ok, state()}.
init([]) ->
    %% The processes that run functions are linked: they end with this one.
    process_flag(trap_exit, true),
    ok = py_nif:set_router(self()),
    [ok = py_nif:add_name(Name) || {Name, _Fun} <- ets:tab2list(?TABLE)],
    {ok, #{}}.

%% @private
-spec handle_call(term(), gen_server:from(), state()) -> {reply, ok | {error, unknown}, state()}.
handle_call({register, Name, Fun}, _From, State) ->
    true = ets:insert(?TABLE, {Name, Fun}),
    {reply, py_nif:add_name(Name), State};
handle_call({unregister, Name}, _From, State) ->
    ok = py_nif:remove_name(Name),
    true = ets:delete(?TABLE, Name),
    {reply, ok, State};
handle_call(_Request, _From, State) ->
    {reply, {error, unknown}, State}.

%% @private
-spec handle_cast(term(), state()) -> {noreply, state()}.
handle_cast(_Message, State) ->
    {noreply, State}.

%% @private
-spec handle_info(term(), state()) -> {noreply, state()}.
handle_info({py_call, Call, Target, Args, Timeout, Chain, Loop}, State) ->
    Pid = spawn_link(fun() -> run(Call, Target, Args, {Chain, Loop, py_deadline:in(Timeout)}) end),
    {noreply, State#{Pid => Call, Call => Pid}};
handle_info({'EXIT', Pid, Reason}, State) ->
    {noreply, ended(Pid, Reason, State)};
handle_info({py_cancel, Call}, State) ->
    case State of
        #{Call := Pid} -> exit(Pid, kill);
        #{} -> true
    end,
    {noreply, State};
handle_info({py_send, To, Message}, State) ->
    ok = py_remote:send(To, Message),
    {noreply, State};
handle_info(Message, State) when element(1, Message) =:= py_log ->
    catch py_log ! Message,
    {noreply, State};
handle_info(_Other, State) ->
    {noreply, State}.

%% A process that has answered ends normally; for one that was killed the answer is given here.
ended(Pid, Reason, State) ->
    case maps:take(Pid, State) of
        {Call, Rest} ->
            Reason =:= normal orelse
                py_nif:callback_reply(Call, {error, exit, Reason, <<"the process was killed">>}),
            maps:remove(Call, Rest);
        error ->
            State
    end.

run(Call, Target, Args, Chain) ->
    put(?CHAIN, Chain),
    Result =
        try
            {ok, apply_target(Target, Args)}
        catch
            Class:Reason:Stack ->
                Text = erl_error:format_exception(Class, Reason, Stack),
                {error, Class, Reason, unicode:characters_to_binary(Text)}
        end,
    py_nif:callback_reply(Call, Result).

apply_target(Fun, Args) when is_function(Fun) ->
    apply(Fun, Args);
apply_target(Name, Args) ->
    case ets:lookup(?TABLE, key(Name)) of
        [{_, Fun}] -> Fun(Args);
        [] -> error({not_found, Name})
    end.
