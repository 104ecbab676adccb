%% @doc Contexts: Python threads that run calls, one after the other.
%%
%% The application starts `num_contexts' of them, and each process has one of these, by its pid.
%% start_link/1 makes one of your own: a thread whose calls wait for nobody else's. All contexts
%% share the interpreter, so `__main__' and imported modules too. A context is named by its
%% process or by the reference that `py:context/0' gives.
-module(py_context).
-behaviour(gen_server).

-export([start_link/0, start_link/1, stop/1]).
-export([call/4, call/5, call/6, eval/2, eval/3, eval/4, exec/2, exec/3]).
-export([call_method/4, call_method/5, getattr/3, interrupt/1]).
-export([mine/0, nth/1, ref/1, start_numbered/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-export_type([context/0]).

-type context() :: pid() | atom() | py_nif:loop().
-type option() :: {name, atom()}.

%% @doc A context without a name.
-spec start_link() -> gen_server:start_ret().
start_link() ->
    start_link([]).

%% @doc A context; `[{name, Name}]' registers its process.
-spec start_link([option()]) -> gen_server:start_ret().
start_link(Options) when is_list(Options) ->
    case [Option || Option <- Options, not is_option(Option)] of
        [] -> ok;
        [Unknown | _] -> error({unknown_option, Unknown})
    end,
    case proplists:lookup(name, Options) of
        none -> gen_server:start_link(?MODULE, own, []);
        {name, Name} -> gen_server:start_link({local, Name}, ?MODULE, own, [])
    end.

is_option({name, Name}) -> is_atom(Name);
is_option(_) -> false.

%% @doc Ends a context that start_link made. Work in it is answered with `executor_died'.
-spec stop(pid() | atom()) -> ok.
stop(Context) ->
    gen_server:stop(Context).

%% @doc As `py:call/3', on this context.
-spec call(context(), py:name(), py:name(), [term()]) -> py:result().
call(Context, Module, Function, Args) ->
    call(Context, Module, Function, Args, #{}, #{}).

%% @doc As `py:call/4', on this context.
-spec call(context(), py:name(), py:name(), [term()], py:kwargs()) -> py:result().
call(Context, Module, Function, Args, Kwargs) ->
    call(Context, Module, Function, Args, Kwargs, #{}).

%% @doc As `py:call/5', on this context.
-spec call(context(), py:name(), py:name(), [term()], py:kwargs(), py:options()) -> py:result().
call(Context, Module, Function, Args, Kwargs, Options) when is_list(Args), is_map(Kwargs) ->
    request(Context, {call, Module, Function, Args, Kwargs}, Options).

%% @doc As `py:eval/1', on this context.
-spec eval(context(), py:code()) -> py:result().
eval(Context, Code) ->
    eval(Context, Code, #{}, #{}).

%% @doc As `py:eval/2', on this context.
-spec eval(context(), py:code(), py:locals()) -> py:result().
eval(Context, Code, Locals) ->
    eval(Context, Code, Locals, #{}).

%% @doc As `py:eval/3', on this context.
-spec eval(context(), py:code(), py:locals(), py:options()) -> py:result().
eval(Context, Code, Locals, Options) when is_map(Locals) ->
    request(Context, {eval, code(Code), Locals}, Options).

%% @doc As `py:exec/1', on this context.
-spec exec(context(), py:code()) -> ok | {error, py:error()}.
exec(Context, Code) ->
    exec(Context, Code, #{}).

%% @doc As `py:exec/2', on this context.
-spec exec(context(), py:code(), py:options()) -> ok | {error, py:error()}.
exec(Context, Code, Options) ->
    case request(Context, {exec, code(Code)}, Options) of
        {ok, none} -> ok;
        {error, _} = Error -> Error
    end.

%% @doc As `py:call_method/3', on this context.
-spec call_method(context(), py:object(), py:name(), [term()]) -> py:result().
call_method(Context, Object, Name, Args) ->
    call_method(Context, Object, Name, Args, #{}).

%% @doc As `py:call_method/4', on this context.
-spec call_method(context(), py:object(), py:name(), [term()], py:kwargs()) -> py:result().
call_method(Context, Object, Name, Args, Kwargs) when is_list(Args), is_map(Kwargs) ->
    request(Context, {call_method, Object, Name, Args, Kwargs}, #{}).

%% @doc As `py:getattr/2', on this context.
-spec getattr(context(), py:object(), py:name()) -> py:result().
getattr(Context, Object, Name) ->
    request(Context, {getattr, Object, Name}, #{}).

%% @doc As `py:interrupt/1'.
-spec interrupt(context()) -> ok | {error, not_started | {executor_died, stopped}}.
interrupt(Context) ->
    case ref(Context) of
        undefined -> {error, not_started};
        dead -> {error, {executor_died, stopped}};
        Ref -> py_nif:interrupt(Ref)
    end.

request(Context, Request, Options) ->
    Checked = py_work:options(Options),
    case ref(Context) of
        dead -> {error, {executor_died, stopped}};
        Loop -> py_work:call(Loop, call, Request, Checked)
    end.

code(Code) ->
    case unicode:characters_to_binary(Code) of
        Binary when is_binary(Binary) -> Binary;
        _ -> error(badarg, [Code])
    end.

%% @private
%% @doc The context of the calling process: that of the Python code that waits for it, or else one
%% of the application's, by its pid.
-spec mine() -> py_nif:loop() | undefined.
mine() ->
    py_work:nested(
        case persistent_term:get({?MODULE, size}, 0) of
            0 -> undefined;
            Size -> numbered(erlang:phash2(self(), Size) + 1)
        end
    ).

%% @private
-spec nth(pos_integer()) -> py_nif:loop() | undefined.
nth(N) ->
    Size = persistent_term:get({?MODULE, size}, 0),
    is_integer(N) andalso N >= 1 andalso (Size =:= 0 orelse N =< Size) orelse error(badarg, [N]),
    numbered(N).

numbered(N) ->
    persistent_term:get({?MODULE, N}, undefined).

%% @private
-spec ref(context() | atom()) -> py_nif:loop() | undefined | dead.
ref(Context) when is_pid(Context); is_atom(Context), Context =/= undefined ->
    try
        gen_server:call(Context, ref, infinity)
    catch
        exit:{_Reason, {gen_server, call, _}} -> dead
    end;
ref(Context) ->
    Context.

%% @private
-spec start_numbered(pos_integer()) -> gen_server:start_ret().
start_numbered(N) ->
    gen_server:start_link(?MODULE, {numbered, N}, []).

%% @private
-spec init(own | {numbered, pos_integer()}) -> {ok, py_nif:loop()} | {stop, not_started}.
init(Which) ->
    process_flag(trap_exit, true),
    case py_nif:context_new(name(Which)) of
        {ok, Loop} ->
            {ok, _Worker} = py_event_worker:start_link(name(Which), Loop),
            case Which of
                {numbered, N} -> persistent_term:put({?MODULE, N}, Loop);
                own -> ok
            end,
            {ok, Loop};
        {error, not_started} ->
            {stop, not_started}
    end.

name({numbered, N}) -> <<"py_context_", (integer_to_binary(N))/binary>>;
name(own) -> <<"py_context">>.

%% @private
-spec handle_call(term(), gen_server:from(), py_nif:loop()) -> {reply, term(), py_nif:loop()}.
handle_call(ref, _From, Loop) ->
    {reply, Loop, Loop};
handle_call(_Request, _From, Loop) ->
    {reply, {error, unknown}, Loop}.

%% @private
-spec handle_cast(term(), py_nif:loop()) -> {noreply, py_nif:loop()}.
handle_cast(_Message, Loop) ->
    {noreply, Loop}.

%% @private
-spec handle_info(term(), py_nif:loop()) -> {noreply, py_nif:loop()} | {stop, term(), py_nif:loop()}.
handle_info({'EXIT', _Worker, Reason}, Loop) ->
    {stop, Reason, Loop};
handle_info(_Other, Loop) ->
    {noreply, Loop}.

%% @private
-spec terminate(term(), py_nif:loop()) -> ok.
terminate(Reason, Loop) ->
    py_nif:loop_close(Loop, reason(Reason)).

reason(Reason) when Reason =:= normal; Reason =:= shutdown -> stopped;
reason(Reason) -> Reason.
