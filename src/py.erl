%% @doc Python from Erlang.
%%
%% ```
%% {ok, 4.0} = py:call(math, sqrt, [16.0]).
%% {ok, 6}   = py:eval(<<"x * 2">>, #{x => 3}).
%% ok        = py:exec(<<"def greet(name): return 'Hello, ' + name">>).
%% {ok, <<"Hello, Joe">>} = py:call('__main__', greet, [<<"Joe">>]).
%% '''
%% Names are atoms or UTF-8 binaries; a function may be a dotted path. A function that gives a
%% coroutine is awaited. Every function but the asynchronous ones waits for the result, for 30
%% seconds by default; when the time is over, the Python code is interrupted and the result is
%% `{error, timeout}'. Terms become objects as docs/conversions.md says, and errors are described in
%% docs/errors.md; format_error/1 makes them readable.
-module(py).

-export([call/3, call/4, call/5, eval/1, eval/2, eval/3, exec/1, exec/2, cast/3, cast/4]).
-export([spawn_call/3, spawn_call/4, await/1, await/2]).
-export([async_call/3, async_call/4, async_await/1, async_await/2, async_gather/1, async_gather/2]).
-export([call_method/3, call_method/4, getattr/2, context/0, context/1, interrupt/1]).
-export([register_function/2, register_function/3, unregister_function/1]).
-export([activate_venv/1, deactivate_venv/0, version/0, execution_mode/0, format_error/1]).

-export_type([name/0, kwargs/0, locals/0, code/0, object/0, options/0, result/0, error/0]).

-type name() :: atom() | binary().
-type kwargs() :: #{name() => term()}.
-type locals() :: #{name() => term()}.
-type code() :: unicode:chardata().
-type object() :: reference() | term().
%% An opaque reference to a Python object, or any term that converts to one.
-type options() :: #{timeout => timeout(), binary => auto | str | bytes} | timeout().
%% `binary': what binaries in arguments become; `auto': str if they are UTF-8, else bytes.
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

%% @doc Calls a function of a module.
-spec call(name(), name(), [term()]) -> result().
call(Module, Function, Args) ->
    py_context:call(py_context:mine(), Module, Function, Args).

%% @doc With keyword arguments; or on a context: `call(Context, Module, Function, Args)'.
-spec call(name() | py_context:context(), name(), name() | [term()], kwargs() | [term()]) ->
    result().
call(Module, Function, Args, Kwargs) when is_list(Args) ->
    py_context:call(py_context:mine(), Module, Function, Args, Kwargs);
call(Context, Module, Function, Args) when is_pid(Context); is_reference(Context) ->
    py_context:call(Context, Module, Function, Args).

%% @doc With options or a time limit; or on a context:
%% `call(Context, Module, Function, Args, Kwargs)'.
-spec call(
    name() | py_context:context(), name(), name() | [term()], kwargs() | [term()],
    options() | kwargs()
) -> result().
call(Module, Function, Args, Kwargs, Options) when is_list(Args) ->
    py_context:call(py_context:mine(), Module, Function, Args, Kwargs, Options);
call(Context, Module, Function, Args, Kwargs) when is_pid(Context); is_reference(Context) ->
    py_context:call(Context, Module, Function, Args, Kwargs).

%% @doc The value of an expression in the namespace of `__main__'.
-spec eval(code()) -> result().
eval(Code) ->
    eval(Code, #{}).

%% @doc With local variables.
-spec eval(code(), locals()) -> result().
eval(Code, Locals) ->
    eval(Code, Locals, #{}).

%% @doc With options or a time limit.
-spec eval(code(), locals(), options()) -> result().
eval(Code, Locals, Options) ->
    py_context:eval(py_context:mine(), Code, Locals, Options).

%% @doc Runs statements in the namespace of `__main__', which all contexts share.
-spec exec(code()) -> ok | {error, error()}.
exec(Code) ->
    exec(Code, #{}).

%% @doc With options or a time limit; or on a context: `exec(Context, Code)'.
-spec exec(code() | py_context:context(), options() | code()) -> ok | {error, error()}.
exec(Context, Code) when is_pid(Context); is_reference(Context) ->
    py_context:exec(Context, Code);
exec(Code, Options) ->
    py_context:exec(py_context:mine(), Code, Options).

%% @doc Calls a function and forgets about it. It outlives its caller; a failure is logged.
-spec cast(name(), name(), [term()]) -> ok.
cast(Module, Function, Args) ->
    cast(Module, Function, Args, #{}).

%% @doc With keyword arguments.
-spec cast(name(), name(), [term()], kwargs()) -> ok.
cast(Module, Function, Args, Kwargs) when is_list(Args), is_map(Kwargs) ->
    py_work:cast(py_context:mine(), call, {call, Module, Function, Args, Kwargs}).

%% @doc Starts a call on this process's context; await/1,2 takes the result.
-spec spawn_call(name(), name(), [term()]) -> reference().
spawn_call(Module, Function, Args) ->
    spawn_call(Module, Function, Args, #{}).

%% @doc With keyword arguments.
-spec spawn_call(name(), name(), [term()], kwargs()) -> reference().
spawn_call(Module, Function, Args, Kwargs) when is_list(Args), is_map(Kwargs) ->
    py_work:start(py_context:mine(), call, {call, Module, Function, Args, Kwargs}).

%% @doc The result of spawn_call or async_call, in the process that called it; waits 30 seconds.
-spec await(reference()) -> result().
await(Ref) ->
    await(Ref, ?TIMEOUT).

%% @doc When the time is over the work is interrupted or cancelled, and no result comes.
-spec await(reference(), timeout()) -> result().
await(Ref, Timeout) when is_reference(Ref) ->
    py_work:await(Ref, Timeout).

%% @doc Starts a function, typically a coroutine function, on this process's event loop of the
%% pool; async_await/1,2 or await/1,2 takes the result.
-spec async_call(name(), name(), [term()]) -> reference().
async_call(Module, Function, Args) ->
    async_call(Module, Function, Args, #{}).

%% @doc With keyword arguments.
-spec async_call(name(), name(), [term()], kwargs()) -> reference().
async_call(Module, Function, Args, Kwargs) ->
    py_event_loop_pool:create_task(Module, Function, Args, Kwargs).

%% @doc As await/1.
-spec async_await(reference()) -> result().
async_await(Ref) ->
    await(Ref).

%% @doc As await/2.
-spec async_await(reference(), timeout()) -> result().
async_await(Ref, Timeout) ->
    await(Ref, Timeout).

%% @doc Starts several functions at once and waits for all: their results in order, or the first
%% error in that order; then what still runs is cancelled. 30 seconds for all.
-spec async_gather([{name(), name(), [term()]} | {name(), name(), [term()], kwargs()}]) ->
    {ok, [term()]} | {error, error()}.
async_gather(Calls) ->
    async_gather(Calls, ?TIMEOUT).

%% @doc With a time limit for all.
-spec async_gather([{name(), name(), [term()]} | {name(), name(), [term()], kwargs()}], timeout()) ->
    {ok, [term()]} | {error, error()}.
async_gather(Calls, Timeout) ->
    _ = py_work:options(Timeout),  % raises, if it is none
    Deadline = deadline(Timeout),
    %% All are looked at before any is started, so that a bad one leaves nothing running.
    Requests = [gather_args(Call) || Call <- Calls],
    gather([apply(fun async_call/4, Request) || Request <- Requests], Deadline, []).

gather_args({Module, Function, Args}) -> gather_args({Module, Function, Args, #{}});
gather_args({Module, Function, Args, Kwargs}) when is_list(Args), is_map(Kwargs) ->
    [Module, Function, Args, Kwargs].

gather([], _Deadline, Values) ->
    {ok, lists:reverse(Values)};
gather([Ref | Refs], Deadline, Values) ->
    case await(Ref, left(Deadline)) of
        {ok, Value} ->
            gather(Refs, Deadline, [Value | Values]);
        {error, _} = Error ->
            _ = [await(Rest, 0) || Rest <- Refs],
            Error
    end.

deadline(infinity) -> infinity;
deadline(Timeout) -> erlang:monotonic_time(millisecond) + Timeout.

left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

%% @doc Calls a method of an object.
-spec call_method(object(), name(), [term()]) -> result().
call_method(Object, Name, Args) ->
    call_method(Object, Name, Args, #{}).

%% @doc With keyword arguments.
-spec call_method(object(), name(), [term()], kwargs()) -> result().
call_method(Object, Name, Args, Kwargs) ->
    py_context:call_method(py_context:mine(), Object, Name, Args, Kwargs).

%% @doc An attribute of an object.
-spec getattr(object(), name()) -> result().
getattr(Object, Name) ->
    py_context:getattr(py_context:mine(), Object, Name).

%% @doc The context of the calling process; the same for its whole life.
-spec context() -> py_context:context() | {error, not_started}.
context() ->
    started(py_context:mine()).

%% @doc One of the application's contexts, from 1 to `num_contexts'.
-spec context(pos_integer()) -> py_context:context() | {error, not_started}.
context(N) ->
    started(py_context:nth(N)).

started(undefined) -> {error, not_started};
started(Context) -> Context.

%% @doc Raises KeyboardInterrupt in the call that runs on a context, if one does.
-spec interrupt(py_context:context()) -> ok | {error, not_started | {executor_died, stopped}}.
interrupt(Context) ->
    py_context:interrupt(Context).

%% @doc As `py_callback:register/2': Python can call the fun by this name.
-spec register_function(name(), fun(([term()]) -> term())) -> ok | {error, not_started}.
register_function(Name, Fun) ->
    py_callback:register(Name, Fun).

%% @doc As `py_callback:register/3'.
-spec register_function(name(), module(), atom()) -> ok | {error, not_started}.
register_function(Name, Module, Function) ->
    py_callback:register(Name, Module, Function).

%% @doc As `py_callback:unregister/1'.
-spec unregister_function(name()) -> ok | {error, not_started}.
unregister_function(Name) ->
    py_callback:unregister(Name).

%% @doc Lets Python import from a virtual environment made for the same version of Python. One at
%% a time: another takes its place. Modules that are imported already stay as they are.
-spec activate_venv(file:name_all()) -> ok | {error, error()}.
activate_venv(Dir) ->
    done(call('erlang._venv', activate, [{bytes, native_name(Dir)}])).

%% The bytes that the system knows a file by.
native_name(Name) when is_binary(Name) ->
    Name;
native_name(Name) ->
    Flat = filename:flatten(Name),
    case unicode:characters_to_binary(Flat, unicode, file:native_name_encoding()) of
        Binary when is_binary(Binary) -> Binary;
        _ -> error(badarg, [Name])
    end.

%% @doc Undoes activate_venv/1.
-spec deactivate_venv() -> ok | {error, error()}.
deactivate_venv() ->
    done(call('erlang._venv', deactivate, [])).

done({ok, none}) -> ok;
done({error, _} = Error) -> Error.

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

%% @doc An error of any function here, for people; with the traceback if there is one.
-spec format_error(error()) -> unicode:chardata().
format_error({error, Reason}) ->
    format_error(Reason);
format_error({exception, #{traceback := Traceback}}) when Traceback =/= <<>> ->
    Traceback;
format_error({exception, #{type := Type, message := Message}}) ->
    [Type, <<": ">>, Message];
format_error({conversion, Path, Why}) ->
    io_lib:format("cannot convert ~ts: ~ts", [format_path(Path), format_why(Why)]);
format_error({not_found, Module, Function}) ->
    io_lib:format("there is no ~ts.~ts in Python", [Module, Function]);
format_error({executor_died, Why}) ->
    io_lib:format("the Python thread or event loop ended before there was a result: ~tp", [Why]);
format_error(timeout) ->
    "there was no result in time";
format_error(cancelled) ->
    "the work was cancelled";
format_error(overloaded) ->
    "too much work is queued";
format_error(not_started) ->
    "the application erlang_python is not running";
format_error(Other) ->
    io_lib:format("~tp", [Other]).

format_path([]) -> "the value";
format_path(Path) -> [format_step(Step) || Step <- Path].

format_step({index, N}) -> io_lib:format("[~b]", [N]);
format_step({key, Key}) -> io_lib:format("[~tp]", [Key]);
format_step({map_key, Key}) -> io_lib:format("[key ~tp]", [Key]);
format_step(Other) -> io_lib:format("~tp", [Other]).

format_why(Why) when is_binary(Why) -> Why;
format_why(Why) -> string:replace(atom_to_list(Why), "_", " ", all).
