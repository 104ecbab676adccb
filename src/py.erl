%% @doc Python from Erlang.
%%
%% ```
%% {ok, 4.0} = py:call(math, sqrt, [16.0]).
%% {ok, 6}   = py:eval(<<"x * 2">>, #{x => 3}).
%% ok        = py:exec(<<"def greet(name): return 'Hello, ' + name">>).
%% {ok, <<"Hello, Joe">>} = py:call('__main__', greet, [<<"Joe">>]).
%% '''
%% Arguments come in one order everywhere: a context, where one is chosen; what to call; its
%% arguments as a list; its keyword arguments; options. Keyword arguments, local variables and
%% options are maps, or keyword lists as Elixir writes them; options may be a time limit alone.
%% Names are atoms, UTF-8 binaries or charlists; a function may be a dotted path. What is none of
%% that raises, at the public function, and says which argument it is.
%%
%% A function that gives a coroutine is awaited. Every function but the asynchronous ones waits for
%% the result, for 30 seconds by default; when the time is over, the Python code is interrupted and
%% the result is `{error, timeout}'. Terms become objects as docs/conversions.md says, and errors
%% are described in docs/errors.md; format_error/1 makes them readable.
-module(py).

-include("py_args.hrl").

-export([call/3, call/4, call/5, call/6, eval/1, eval/2, eval/3, eval/4, exec/1, exec/2, exec/3]).
-export([cast/3, cast/4, cast/5, cast/6, spawn_call/3, spawn_call/4, spawn_call/5, spawn_call/6]).
-export([await/1, await/2, cancel/1, async_call/3, async_call/4, async_call/5]).
-export([async_await/1, async_await/2, async_gather/1, async_gather/2]).
-export([call_method/3, call_method/4, call_method/5, getattr/2, getattr/3]).
-export([context/0, context/1, interrupt/1]).
-export([register_function/2, register_function/3, unregister_function/1]).
-export([activate_venv/1, deactivate_venv/0, version/0, execution_mode/0, format_error/1]).

-export_type([name/0, kwargs/0, locals/0, code/0, object/0, options/0, start_options/0]).
-export_type([result/0, error/0, binary_as/0, none_as/0]).

-type name() :: atom() | binary() | nonempty_string().
-type kwargs() :: #{name() => term()} | [{name(), term()}].
-type locals() :: kwargs().
-type code() :: unicode:chardata().
-type object() :: reference() | term().
%% An opaque reference to a Python object, or any term that converts to one.
-type binary_as() :: auto | str | bytes.
%% What binaries in arguments become; `auto': str if they are UTF-8, else bytes.
-type none_as() :: none | nil | undefined | default.
%% What None becomes in results; `default': as the context was started, else as the application is
%% set.
-type options() ::
    #{timeout => timeout(), binary => binary_as(), none => none_as()}
    | [{timeout, timeout()} | {binary, binary_as()} | {none, none_as()}]
    | timeout().
-type start_options() ::
    #{binary => binary_as(), none => none_as()}
    | [{binary, binary_as()} | {none, none_as()}].
%% Of what does not wait.
-type result() :: {ok, term()} | {error, error()}.
-type error() ::
    {exception, #{
        type := binary(), module := binary(), message := binary(), traceback := binary(), _ => _
    }}
    | {conversion, Path :: [term()], Why :: atom() | binary()}
    | {not_found, name(), name()}
    | {executor_died, Why :: term()}
    | timeout
    | cancelled
    | overloaded
    | not_started.

-define(TIMEOUT, 30000).

-define(IS_CONTEXT(Term), (is_pid(Term) orelse is_reference(Term))).

%% @doc Calls a function of a module.
-spec call(name(), name(), [term()]) -> result().
call(Module, Function, Args) ->
    Called = ?CALLED([Module, Function, Args]),
    request(mine, py_args:call(Module, Function, Args, #{}, 1, Called), py_options:call(), Called).

%% @doc `call(Module, Function, Args, Kwargs)', or `call(Context, Module, Function, Args)'.
-spec call(name() | py_context:context(), name(), name() | [term()], kwargs() | [term()]) ->
    result().
call(Context, Module, Function, Args) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Module, Function, Args]),
    Request = py_args:call(Module, Function, Args, #{}, 2, Called),
    request(Context, Request, py_options:call(), Called);
call(Module, Function, Args, Kwargs) ->
    Called = ?CALLED([Module, Function, Args, Kwargs]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    request(mine, Request, py_options:call(), Called).

%% @doc `call(Module, Function, Args, Kwargs, Options)', or
%% `call(Context, Module, Function, Args, Kwargs)'.
-spec call(
    name() | py_context:context(), name(), name() | [term()], kwargs() | [term()],
    options() | kwargs()
) -> result().
call(Context, Module, Function, Args, Kwargs) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Module, Function, Args, Kwargs]),
    Request = py_args:call(Module, Function, Args, Kwargs, 2, Called),
    request(Context, Request, py_options:call(), Called);
call(Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    request(mine, Request, py_options:parse(Options, py_options:call(), 5, Called), Called).

%% @doc On a context, with options or a time limit.
-spec call(py_context:context(), name(), name(), [term()], kwargs(), options()) -> result().
call(Context, Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Context, Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 2, Called),
    request(Context, Request, py_options:parse(Options, py_options:call(), 6, Called), Called).

%% @doc The value of an expression in the namespace of `__main__'.
-spec eval(code()) -> result().
eval(Code) ->
    Called = ?CALLED([Code]),
    request(mine, py_args:eval(Code, #{}, 1, Called), py_options:call(), Called).

%% @doc `eval(Code, Locals)', with local variables; or `eval(Context, Code)'.
-spec eval(code() | py_context:context(), locals() | code()) -> result().
eval(Context, Code) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Code]),
    request(Context, py_args:eval(Code, #{}, 2, Called), py_options:call(), Called);
eval(Code, Locals) ->
    Called = ?CALLED([Code, Locals]),
    request(mine, py_args:eval(Code, Locals, 1, Called), py_options:call(), Called).

%% @doc `eval(Code, Locals, Options)', or `eval(Context, Code, Locals)'.
-spec eval(code() | py_context:context(), locals() | code(), options() | locals()) -> result().
eval(Context, Code, Locals) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Code, Locals]),
    request(Context, py_args:eval(Code, Locals, 2, Called), py_options:call(), Called);
eval(Code, Locals, Options) ->
    Called = ?CALLED([Code, Locals, Options]),
    Request = py_args:eval(Code, Locals, 1, Called),
    request(mine, Request, py_options:parse(Options, py_options:call(), 3, Called), Called).

%% @doc On a context, with options or a time limit.
-spec eval(py_context:context(), code(), locals(), options()) -> result().
eval(Context, Code, Locals, Options) ->
    Called = ?CALLED([Context, Code, Locals, Options]),
    Request = py_args:eval(Code, Locals, 2, Called),
    request(Context, Request, py_options:parse(Options, py_options:call(), 4, Called), Called).

%% @doc Runs statements in the namespace of `__main__', which all contexts share.
-spec exec(code()) -> ok | {error, error()}.
exec(Code) ->
    Called = ?CALLED([Code]),
    done(request(mine, py_args:exec(Code, 1, Called), py_options:call(), Called)).

%% @doc `exec(Code, Options)', or `exec(Context, Code)'.
-spec exec(code() | py_context:context(), options() | code()) -> ok | {error, error()}.
exec(Context, Code) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Code]),
    done(request(Context, py_args:exec(Code, 2, Called), py_options:call(), Called));
exec(Code, Options) ->
    Called = ?CALLED([Code, Options]),
    Request = py_args:exec(Code, 1, Called),
    done(request(mine, Request, py_options:parse(Options, py_options:call(), 2, Called), Called)).

%% @doc On a context, with options or a time limit.
-spec exec(py_context:context(), code(), options()) -> ok | {error, error()}.
exec(Context, Code, Options) ->
    Called = ?CALLED([Context, Code, Options]),
    Request = py_args:exec(Code, 2, Called),
    Checked = py_options:parse(Options, py_options:call(), 3, Called),
    done(request(Context, Request, Checked, Called)).

request(mine, Request, Options, _Called) ->
    py_work:call(py_context:mine(), call, Request, Options);
request(Context, Request, Options, Called) ->
    py_context:request(Context, Request, Options, Called).

done({ok, _None}) -> ok;
done({error, _} = Error) -> Error.

%% @doc Calls a function and forgets about it. It outlives its caller; a failure is logged.
-spec cast(name(), name(), [term()]) -> ok.
cast(Module, Function, Args) ->
    Called = ?CALLED([Module, Function, Args]),
    cast_on(mine, py_args:call(Module, Function, Args, #{}, 1, Called), py_options:start(), Called).

%% @doc `cast(Module, Function, Args, Kwargs)', or `cast(Context, Module, Function, Args)'.
-spec cast(name() | py_context:context(), name(), name() | [term()], kwargs() | [term()]) ->
    ok.
cast(Context, Module, Function, Args) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Module, Function, Args]),
    Request = py_args:call(Module, Function, Args, #{}, 2, Called),
    cast_on(Context, Request, py_options:start(), Called);
cast(Module, Function, Args, Kwargs) ->
    Called = ?CALLED([Module, Function, Args, Kwargs]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    cast_on(mine, Request, py_options:start(), Called).

%% @doc `cast(Module, Function, Args, Kwargs, Options)', or
%% `cast(Context, Module, Function, Args, Kwargs)'.
-spec cast(
    name() | py_context:context(), name(), name() | [term()], kwargs() | [term()],
    start_options() | kwargs()
) -> ok.
cast(Context, Module, Function, Args, Kwargs) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Module, Function, Args, Kwargs]),
    Request = py_args:call(Module, Function, Args, Kwargs, 2, Called),
    cast_on(Context, Request, py_options:start(), Called);
cast(Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    cast_on(mine, Request, py_options:parse(Options, py_options:start(), 5, Called), Called).

%% @doc On a context, with options.
-spec cast(py_context:context(), name(), name(), [term()], kwargs(), start_options()) -> ok.
cast(Context, Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Context, Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 2, Called),
    cast_on(Context, Request, py_options:parse(Options, py_options:start(), 6, Called), Called).

cast_on(mine, Request, Options, _Called) ->
    py_work:cast(py_context:mine(), call, Request, Options);
cast_on(Context, Request, Options, Called) ->
    py_work:cast(py_context:loop(Context, 1, Called), call, Request, Options).

%% @doc Starts a call on this process's context; await/1,2 takes the result.
-spec spawn_call(name(), name(), [term()]) -> reference().
spawn_call(Module, Function, Args) ->
    Called = ?CALLED([Module, Function, Args]),
    Request = py_args:call(Module, Function, Args, #{}, 1, Called),
    spawn_call_on(mine, Request, py_options:start(), Called).

%% @doc `spawn_call(Module, Function, Args, Kwargs)', or
%% `spawn_call(Context, Module, Function, Args)'.
-spec spawn_call(name() | py_context:context(), name(), name() | [term()], kwargs() | [term()]) ->
    reference().
spawn_call(Context, Module, Function, Args) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Module, Function, Args]),
    Request = py_args:call(Module, Function, Args, #{}, 2, Called),
    spawn_call_on(Context, Request, py_options:start(), Called);
spawn_call(Module, Function, Args, Kwargs) ->
    Called = ?CALLED([Module, Function, Args, Kwargs]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    spawn_call_on(mine, Request, py_options:start(), Called).

%% @doc `spawn_call(Module, Function, Args, Kwargs, Options)', or
%% `spawn_call(Context, Module, Function, Args, Kwargs)'.
-spec spawn_call(
    name() | py_context:context(), name(), name() | [term()], kwargs() | [term()],
    start_options() | kwargs()
) -> reference().
spawn_call(Context, Module, Function, Args, Kwargs) when ?IS_CONTEXT(Context) ->
    Called = ?CALLED([Context, Module, Function, Args, Kwargs]),
    Request = py_args:call(Module, Function, Args, Kwargs, 2, Called),
    spawn_call_on(Context, Request, py_options:start(), Called);
spawn_call(Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    spawn_call_on(mine, Request, py_options:parse(Options, py_options:start(), 5, Called), Called).

%% @doc On a context, with options.
-spec spawn_call(py_context:context(), name(), name(), [term()], kwargs(), start_options()) ->
    reference().
spawn_call(Context, Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Context, Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 2, Called),
    Checked = py_options:parse(Options, py_options:start(), 6, Called),
    spawn_call_on(Context, Request, Checked, Called).

spawn_call_on(mine, Request, Options, _Called) ->
    py_work:start(py_context:mine(), call, Request, Options);
spawn_call_on(Context, Request, Options, Called) ->
    py_work:start(py_context:loop(Context, 1, Called), call, Request, Options).

%% @doc The result of spawn_call or async_call, in the process that called it; waits 30 seconds.
-spec await(reference()) -> result().
await(Ref) ->
    py_work:await(Ref, ?TIMEOUT, ?CALLED([Ref])).

%% @doc When the time is over the work goes on; its result can be awaited again.
-spec await(reference(), timeout()) -> result().
await(Ref, Timeout) ->
    py_work:await(Ref, Timeout, ?CALLED([Ref, Timeout])).

%% @doc Gives up what spawn_call or async_call has started, in the process that called it.
%% `true': it is skipped, interrupted or cancelled, and there will be no result. `false': it had
%% ended already, and await/1,2 gives its result.
-spec cancel(reference()) -> boolean().
cancel(Ref) ->
    py_work:cancel(Ref, ?CALLED([Ref])).

%% @doc Starts a function, typically a coroutine function, on this process's event loop of the
%% pool; async_await/1,2 or await/1,2 takes the result.
-spec async_call(name(), name(), [term()]) -> reference().
async_call(Module, Function, Args) ->
    Called = ?CALLED([Module, Function, Args]),
    Request = py_args:call(Module, Function, Args, #{}, 1, Called),
    py_event_loop_pool:start(Request, py_options:start()).

%% @doc With keyword arguments.
-spec async_call(name(), name(), [term()], kwargs()) -> reference().
async_call(Module, Function, Args, Kwargs) ->
    Called = ?CALLED([Module, Function, Args, Kwargs]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    py_event_loop_pool:start(Request, py_options:start()).

%% @doc With options.
-spec async_call(name(), name(), [term()], kwargs(), start_options()) -> reference().
async_call(Module, Function, Args, Kwargs, Options) ->
    Called = ?CALLED([Module, Function, Args, Kwargs, Options]),
    Request = py_args:call(Module, Function, Args, Kwargs, 1, Called),
    py_event_loop_pool:start(Request, py_options:parse(Options, py_options:start(), 5, Called)).

%% @doc As await/1.
-spec async_await(reference()) -> result().
async_await(Ref) ->
    py_work:await(Ref, ?TIMEOUT, ?CALLED([Ref])).

%% @doc As await/2.
-spec async_await(reference(), timeout()) -> result().
async_await(Ref, Timeout) ->
    py_work:await(Ref, Timeout, ?CALLED([Ref, Timeout])).

%% @doc Starts several functions at once and waits for all: their results in order, or the first
%% error in that order; then what still runs is cancelled. 30 seconds for all.
-spec async_gather([{name(), name(), [term()]} | {name(), name(), [term()], kwargs()}]) ->
    {ok, [term()]} | {error, error()}.
async_gather(Calls) ->
    gather(Calls, py_options:call(), ?CALLED([Calls])).

%% @doc With options or a time limit for all.
-spec async_gather(
    [{name(), name(), [term()]} | {name(), name(), [term()], kwargs()}], options()
) -> {ok, [term()]} | {error, error()}.
async_gather(Calls, Options) ->
    Called = ?CALLED([Calls, Options]),
    gather(Calls, py_options:parse(Options, py_options:call(), 2, Called), Called).

gather(Calls, #{timeout := Timeout} = Options, Called) ->
    Deadline = py_deadline:in(Timeout),
    %% All are looked at before any is started, so that a bad one leaves nothing running.
    Requests = py_args:calls(Calls, 1, Called),
    Refs = [py_event_loop_pool:start(Request, Options) || Request <- Requests],
    gathered(Refs, Deadline, [], Called).

gathered([], _Deadline, Values, _Called) ->
    {ok, lists:reverse(Values)};
gathered([Ref | Rest] = Refs, Deadline, Values, Called) ->
    case py_work:await(Ref, py_deadline:left(Deadline), Called) of
        {ok, Value} ->
            gathered(Rest, Deadline, [Value | Values], Called);
        {error, timeout} ->
            ok = lists:foreach(fun py_work:drop/1, Refs),
            {error, timeout};
        {error, _} = Error ->
            ok = lists:foreach(fun py_work:drop/1, Rest),
            Error
    end.

%% @doc Calls a method of an object.
-spec call_method(object(), name(), [term()]) -> result().
call_method(Object, Name, Args) ->
    Called = ?CALLED([Object, Name, Args]),
    Request = py_args:call_method(Object, Name, Args, #{}, 1, Called),
    request(mine, Request, py_options:call(), Called).

%% @doc With keyword arguments.
-spec call_method(object(), name(), [term()], kwargs()) -> result().
call_method(Object, Name, Args, Kwargs) ->
    Called = ?CALLED([Object, Name, Args, Kwargs]),
    Request = py_args:call_method(Object, Name, Args, Kwargs, 1, Called),
    request(mine, Request, py_options:call(), Called).

%% @doc With options or a time limit.
-spec call_method(object(), name(), [term()], kwargs(), options()) -> result().
call_method(Object, Name, Args, Kwargs, Options) ->
    Called = ?CALLED([Object, Name, Args, Kwargs, Options]),
    Request = py_args:call_method(Object, Name, Args, Kwargs, 1, Called),
    request(mine, Request, py_options:parse(Options, py_options:call(), 5, Called), Called).

%% @doc An attribute of an object.
-spec getattr(object(), name()) -> result().
getattr(Object, Name) ->
    Called = ?CALLED([Object, Name]),
    request(mine, py_args:getattr(Object, Name, 1, Called), py_options:call(), Called).

%% @doc With options or a time limit.
-spec getattr(object(), name(), options()) -> result().
getattr(Object, Name, Options) ->
    Called = ?CALLED([Object, Name, Options]),
    Request = py_args:getattr(Object, Name, 1, Called),
    request(mine, Request, py_options:parse(Options, py_options:call(), 3, Called), Called).

%% @doc The context of the calling process; the same for its whole life.
-spec context() -> py_context:context() | {error, not_started}.
context() ->
    started(py_context:mine()).

%% @doc One of the application's contexts, from 1 to `num_contexts'.
-spec context(pos_integer()) -> py_context:context() | {error, not_started}.
context(N) ->
    started(py_context:nth(N, ?CALLED([N]))).

started(undefined) -> {error, not_started};
started(Context) -> Context.

%% @doc Raises KeyboardInterrupt in the call that runs on a context, if one does.
-spec interrupt(py_context:context()) -> ok | {error, not_started | {executor_died, stopped}}.
interrupt(Context) ->
    py_context:interrupt(Context, ?CALLED([Context])).

%% @doc As `py_callback:register/2': Python can call the fun by this name.
-spec register_function(name(), fun(([term()]) -> term())) -> ok | {error, not_started}.
register_function(Name, Fun) ->
    py_callback:register_fun(Name, Fun, ?CALLED([Name, Fun])).

%% @doc As `py_callback:register/3'.
-spec register_function(name(), module(), atom()) -> ok | {error, not_started}.
register_function(Name, Module, Function) ->
    py_callback:register_export(Name, Module, Function, ?CALLED([Name, Module, Function])).

%% @doc As `py_callback:unregister/1'.
-spec unregister_function(name()) -> ok | {error, not_started}.
unregister_function(Name) ->
    py_callback:unregister(Name, ?CALLED([Name])).

%% @doc Lets Python import from a virtual environment made for the same version of Python. One at
%% a time: another takes its place. Modules that are imported already stay as they are.
-spec activate_venv(file:name_all()) -> ok | {error, error()}.
activate_venv(Dir) ->
    Path = py_args:path(Dir, 1, ?CALLED([Dir])),
    done(call('erlang._venv', activate, [{bytes, Path}])).

%% @doc Undoes activate_venv/1.
-spec deactivate_venv() -> ok | {error, error()}.
deactivate_venv() ->
    done(call('erlang._venv', deactivate, [])).

%% @doc The version of Python, such as `<<"3.11.2">>'.
-spec version() -> {ok, binary()} | {error, error()}.
version() ->
    call(platform, python_version, []).

%% @doc How Python code of several contexts shares the interpreter.
-spec execution_mode() -> free_threaded | subinterp | shared_gil.
execution_mode() ->
    case py_nif:build_info() of
        #{free_threaded := true} -> free_threaded;
        #{free_threaded := false} -> shared_gil
    end.

%% @doc An error of any function here, or of the application's start, for people; with the traceback
%% if there is one. Of any other term, too.
-spec format_error(error() | {error, error()} | term()) -> unicode:chardata().
format_error(Error) ->
    py_error:format(Error).
