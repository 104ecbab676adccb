%% @doc Contexts: Python threads that run calls, one after the other.
%%
%% The application starts `num_contexts' of them, and each process has one of these, by its pid.
%% start_link/1 makes one of your own: a thread whose calls wait for nobody else's. All contexts
%% share the interpreter, so `__main__' and imported modules too. A context is named by its
%% process, by the name that this is registered under, or by what `py:context/0' gives.
%% The other arguments are those of the functions of the same names in `py'.
-module(py_context).
-behaviour(gen_server).

-include("py_args.hrl").

-export([start_link/0, start_link/1, stop/1]).
-export([call/4, call/5, call/6, eval/2, eval/3, eval/4, exec/2, exec/3]).
-export([call_method/4, call_method/5, call_method/6, getattr/3, getattr/4, interrupt/1]).
-export([request/4, interrupt/2, loop/3, mine/0, nth/2, ref/1, start_numbered/1, start_stand_in/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-export_type([context/0]).

-type context() :: pid() | atom() | py_nif:loop().

%% Under which a context's process keeps its loop, for ref/1.
-define(LOOP, '$erlang_python_context').

%% @doc A context without a name.
-spec start_link() -> gen_server:start_ret().
start_link() ->
    start_link([]).

%% @doc A context; `{name, Name}' registers its process, `{none, Atom}' says what None becomes in
%% its results, and in what its code sends, unless a call says so itself.
-spec start_link(
    [{name, atom()} | {none, py:none_as()}] | #{name => atom(), none => py:none_as()}
) -> gen_server:start_ret().
start_link(Options) ->
    Known = #{name => undefined, none => default},
    #{name := Name, none := None} = py_options:parse(Options, Known, 1, ?CALLED([Options])),
    case Name of
        undefined -> gen_server:start_link(?MODULE, {own, None}, []);
        _ -> gen_server:start_link({local, Name}, ?MODULE, {own, None}, [])
    end.

%% @doc Ends a context that start_link made. Work in it is answered with `executor_died'. `ok' if it
%% has ended already.
-spec stop(pid() | atom()) -> ok.
stop(Context) ->
    Called = ?CALLED([Context]),
    is_reference(Context) andalso
        py_args:refuse("expected the process of a context, or its registered name", 1, Called),
    case loop(Context, 1, Called) of
        dead ->
            ok;
        undefined ->
            ok;
        _Loop ->
            try
                gen_server:stop(Context)
            catch
                exit:noproc -> ok;
                exit:normal -> ok
            end
    end.

%% @doc As `py:call/3', on this context.
-spec call(context(), py:name(), py:name(), [term()]) -> py:result().
call(Context, Module, Function, Args) ->
    Called = ?CALLED([Context, Module, Function, Args]),
    Request = py_args:call(Module, Function, Args, #{}, 2, Called),
    request(Context, Request, py_options:call(), Called).

%% @doc With keyword arguments.
-spec call(context(), py:name(), py:name(), [term()], py:kwargs()) -> py:result().
call(Context, Module, Function, Args, Kwargs) ->
    Called = ?CALLED([Context, Module, Function, Args, Kwargs]),
    Request = py_args:call(Module, Function, Args, Kwargs, 2, Called),
    request(Context, Request, py_options:call(), Called).

%% @doc With options or a time limit.
-spec call(context(), py:name(), py:name(), [term()], py:kwargs(), py:options()) -> py:result().
call(Context, Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Context, Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 2, Called),
    request(Context, Request, py_options:parse(Options, py_options:call(), 6, Called), Called).

%% @doc As `py:eval/1', on this context.
-spec eval(context(), py:code()) -> py:result().
eval(Context, Code) ->
    Called = ?CALLED([Context, Code]),
    request(Context, py_args:eval(Code, #{}, 2, Called), py_options:call(), Called).

%% @doc With local variables.
-spec eval(context(), py:code(), py:locals()) -> py:result().
eval(Context, Code, Locals) ->
    Called = ?CALLED([Context, Code, Locals]),
    request(Context, py_args:eval(Code, Locals, 2, Called), py_options:call(), Called).

%% @doc With options or a time limit.
-spec eval(context(), py:code(), py:locals(), py:options()) -> py:result().
eval(Context, Code, Locals, Options) ->
    Called = ?CALLED([Context, Code, Locals, Options]),
    Request = py_args:eval(Code, Locals, 2, Called),
    request(Context, Request, py_options:parse(Options, py_options:call(), 4, Called), Called).

%% @doc As `py:exec/1', on this context.
-spec exec(context(), py:code()) -> ok | {error, py:error()}.
exec(Context, Code) ->
    Called = ?CALLED([Context, Code]),
    done(request(Context, py_args:exec(Code, 2, Called), py_options:call(), Called)).

%% @doc With options or a time limit.
-spec exec(context(), py:code(), py:options()) -> ok | {error, py:error()}.
exec(Context, Code, Options) ->
    Called = ?CALLED([Context, Code, Options]),
    Request = py_args:exec(Code, 2, Called),
    Checked = py_options:parse(Options, py_options:call(), 3, Called),
    done(request(Context, Request, Checked, Called)).

done({ok, _None}) -> ok;
done({error, _} = Error) -> Error.

%% @doc As `py:call_method/3', on this context.
-spec call_method(context(), py:object(), py:name(), [term()]) -> py:result().
call_method(Context, Object, Name, Args) ->
    Called = ?CALLED([Context, Object, Name, Args]),
    Request = py_args:call_method(Object, Name, Args, #{}, 2, Called),
    request(Context, Request, py_options:call(), Called).

%% @doc With keyword arguments.
-spec call_method(context(), py:object(), py:name(), [term()], py:kwargs()) -> py:result().
call_method(Context, Object, Name, Args, Kwargs) ->
    Called = ?CALLED([Context, Object, Name, Args, Kwargs]),
    Request = py_args:call_method(Object, Name, Args, Kwargs, 2, Called),
    request(Context, Request, py_options:call(), Called).

%% @doc With options or a time limit.
-spec call_method(context(), py:object(), py:name(), [term()], py:kwargs(), py:options()) ->
    py:result().
call_method(Context, Object, Name, Args, Kwargs, Options) ->
    Called = ?CALLED([Context, Object, Name, Args, Kwargs, Options]),
    Request = py_args:call_method(Object, Name, Args, Kwargs, 2, Called),
    request(Context, Request, py_options:parse(Options, py_options:call(), 6, Called), Called).

%% @doc As `py:getattr/2', on this context.
-spec getattr(context(), py:object(), py:name()) -> py:result().
getattr(Context, Object, Name) ->
    Called = ?CALLED([Context, Object, Name]),
    request(Context, py_args:getattr(Object, Name, 2, Called), py_options:call(), Called).

%% @doc With options or a time limit.
-spec getattr(context(), py:object(), py:name(), py:options()) -> py:result().
getattr(Context, Object, Name, Options) ->
    Called = ?CALLED([Context, Object, Name, Options]),
    Request = py_args:getattr(Object, Name, 2, Called),
    request(Context, Request, py_options:parse(Options, py_options:call(), 4, Called), Called).

%% @doc As `py:interrupt/1'.
-spec interrupt(context()) -> ok | {error, not_started | {executor_died, stopped}}.
interrupt(Context) ->
    interrupt(Context, ?CALLED([Context])).

%% @private
-spec interrupt(term(), py_args:called()) -> ok | {error, not_started | {executor_died, stopped}}.
interrupt(Context, Called) ->
    case loop(Context, 1, Called) of
        undefined -> {error, not_started};
        dead -> {error, {executor_died, stopped}};
        Loop -> py_nif:interrupt(Loop)
    end.

%% @private
%% @doc Runs what has been checked, on the context that is the first argument of a public function.
-spec request(term(), py_nif:request(), py_options:options(), py_args:called()) -> py:result().
request(Context, Request, Options, Called) ->
    py_work:call(loop(Context, 1, Called), call, Request, Options).

%% @private
%% @doc The loop of a context that a caller has named; refuses what is none.
-spec loop(term(), pos_integer(), py_args:called()) -> py_nif:loop() | undefined | dead.
loop(Context, At, Called) ->
    case ref(Context) of
        none -> py_args:refuse("expected a context: its process, name or reference", At, Called);
        Loop -> Loop
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
-spec nth(term(), py_args:called()) -> py_nif:loop() | undefined.
nth(N, Called) ->
    Size = persistent_term:get({?MODULE, size}, 0),
    if
        is_integer(N), N >= 1, Size =:= 0 -> undefined;
        is_integer(N), N >= 1, N =< Size -> numbered(N);
        true -> py_args:refuse(io_lib:format("expected a number from 1 to ~b", [Size]), 1, Called)
    end.

numbered(N) ->
    persistent_term:get({?MODULE, N}, undefined).

%% @private
%% @doc The loop of a context. `undefined': the application does not run; `dead': it has ended;
%% `none': this is no context.
-spec ref(term()) -> py_nif:loop() | undefined | dead | none.
ref(undefined) ->
    undefined;
ref(Name) when is_atom(Name) ->
    case whereis(Name) of
        Pid when is_pid(Pid) -> ref(Pid);
        _ -> dead
    end;
ref(Pid) when is_pid(Pid), node(Pid) =:= node() ->
    %% Anybody's process may be asked this way, and does not have to answer.
    case process_info(Pid, dictionary) of
        {dictionary, Dictionary} -> proplists:get_value(?LOOP, Dictionary, none);
        undefined -> dead
    end;
ref(Loop) when is_reference(Loop) ->
    try py_nif:loop_is_blocked(Loop) of
        _ -> Loop
    catch
        error:badarg -> none
    end;
ref(_) ->
    none.

%% @private
-spec start_numbered(pos_integer()) -> gen_server:start_ret().
start_numbered(N) ->
    gen_server:start_link(?MODULE, {numbered, N}, []).

%% @private
%% @doc One that only starts the work of others (py_stand_ins).
-spec start_stand_in() -> gen_server:start_ret().
start_stand_in() ->
    gen_server:start_link(?MODULE, stand_in, []).

%% @private
-spec init({own, py:none_as()} | stand_in | {numbered, pos_integer()}) ->
    {ok, py_nif:loop()} | {stop, not_started | py_nif:posix() | term()}.
init(Which) ->
    process_flag(trap_exit, true),
    case py_nif:context_new(name(Which)) of
        {ok, Loop} ->
            case py_event_worker:start_link(name(Which), Loop) of
                {ok, _Worker} ->
                    put(?LOOP, Loop),
                    ok = publish(Which, Loop),
                    {ok, Loop};
                {error, Reason} ->
                    {stop, Reason}
            end;
        {error, Reason} ->
            {stop, Reason}
    end.

publish({own, None}, Loop) ->
    py_nif:set_none(Loop, None);
publish(stand_in, Loop) ->
    py_nif:stand_in_add(Loop, true);
publish({numbered, N}, Loop) ->
    persistent_term:put({?MODULE, N}, Loop),
    py_nif:stand_in_add(Loop, false).

name({numbered, N}) -> <<"py_context_", (integer_to_binary(N))/binary>>;
name(stand_in) -> <<"py_stand_in">>;
name({own, _None}) -> <<"py_context">>.

%% @private
-spec handle_call(term(), gen_server:from(), py_nif:loop()) ->
    {reply, {error, unknown}, py_nif:loop()}.
handle_call(_Request, _From, Loop) ->
    {reply, {error, unknown}, Loop}.

%% @private
-spec handle_cast(term(), py_nif:loop()) -> {noreply, py_nif:loop()}.
handle_cast(_Message, Loop) ->
    {noreply, Loop}.

%% @private
-spec handle_info(term(), py_nif:loop()) ->
    {noreply, py_nif:loop()} | {stop, term(), py_nif:loop()}.
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
