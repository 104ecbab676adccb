%% @doc What the suites share: a warm application, and audits of what a case leaves behind.
-module(ep_test).

-export([start/0, start/1, stop/0, warm/0]).
-export([before/1, audit/1, snapshot/0, compare/2]).
-export([wait_until/1, wait_until/2, flush/0, no_message/0, monitored/1, down/1]).
-export([exhaust_descriptors/1, limit_descriptors/1]).
-export([threads/0, descriptors/0, resident/0, python_threads/0]).
-export([define/1, marked/0, unique/0, collect/0, forget_senders/0, with_peer/1]).

-define(PATIENCE, 20000).

%% @doc Starts the application with two contexts and loops, so that cases see more than one.
-spec start() -> ok.
start() ->
    start([{num_contexts, 2}, {event_loop_pool_size, 2}]).

-spec start([{atom(), term()}]) -> ok.
start(Env) ->
    _ = application:load(erlang_python),
    [ok = application:set_env(erlang_python, Key, Value) || {Key, Value} <- Env],
    {ok, _} = application:ensure_all_started(erlang_python),
    warm().

-spec stop() -> ok.
stop() ->
    ok = application:stop(erlang_python),
    [application:unset_env(erlang_python, Key) || Key <- [num_contexts, event_loop_pool_size]],
    ok.

%% @doc Makes everything that is made on first use, so that audits don't take it for a leak.
-spec warm() -> ok.
warm() ->
    ok = py:exec(<<"
import asyncio, gc, logging, os, socket, sys, threading, time, traceback, erlang
async def _warm():
    read, write = os.pipe()
    asyncio.get_running_loop().add_reader(read, lambda: None)
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().remove_reader(read)
    os.close(read)
    os.close(write)
">>),
    Size = fun(Module) -> persistent_term:get({Module, size}) end,
    Contexts = [py:context(N) || N <- lists:seq(1, Size(py_context))],
    [{ok, none} = py:call(Context, '__main__', '_warm', []) || Context <- Contexts],
    {ok, Default} = py_event_loop:get_loop(),
    Loops = [persistent_term:get({py_event_loop_pool, N})
             || N <- lists:seq(1, Size(py_event_loop_pool))],
    [{ok, none} = py_event_loop:run_on(Loop, '__main__', '_warm', [], #{})
     || Loop <- [Default | Loops]],
    ok.

%% @doc For init_per_testcase: what there is before the case.
-spec before(list()) -> list().
before(Config) ->
    _ = py_nif_runs() andalso warm(),
    [{snapshot, snapshot()} | Config].

%% @doc For end_per_testcase: fails if the case has left anything behind.
-spec audit(list()) -> ok | {fail, term()}.
audit(Config) ->
    compare(proplists:get_value(snapshot, Config), ?PATIENCE).

%% @doc Waits until there is no more than there was; what is left over, if that does not happen.
-spec compare(map(), non_neg_integer()) -> ok | {fail, term()}.
compare(Before, Patience) ->
    collect(),
    case left_over(Before, snapshot()) of
        [] ->
            ok;
        Left when Patience =< 0 ->
            {fail, {left_over, Left}};
        _ ->
            receive after 20 -> ok end,
            compare(Before, Patience - 20)
    end.

left_over(Before, After) ->
    Left = fun(Key) -> [describe(Key, X) || X <- maps:get(Key, After) -- maps:get(Key, Before)] end,
    [{Key, Left(Key)} || Key <- maps:keys(Before), Left(Key) =/= []].

describe(processes, Pid) when is_pid(Pid) ->
    {Pid, erlang:process_info(Pid, [current_stacktrace, initial_call, dictionary])};
describe(_, Other) ->
    Other.

%% @doc Processes, ports, descriptors, threads and open Python loops. Threads and descriptors are
%% told apart by what they are, not by their numbers, which are used again.
-spec snapshot() -> map().
snapshot() ->
    #{
        processes => [identity(Pid) || Pid <- erlang:processes()],
        ports => erlang:ports(),
        threads => threads(),
        descriptors => descriptors(),
        loops => python_loops()
    }.

%% The application's own processes are told apart by what they are, so that restarts don't count.
identity(Pid) ->
    case erlang:process_info(Pid, [initial_call, dictionary]) of
        [{initial_call, {application_master, _, _} = Call}, _] ->
            Call;
        [_, {dictionary, Dictionary}] ->
            Ancestors = proplists:get_value('$ancestors', Dictionary, []),
            Call = proplists:get_value('$initial_call', Dictionary),
            case lists:member(erlang_python_sup, Ancestors) orelse is_root(Call) of
                true -> Call;
                false -> Pid
            end;
        undefined ->
            Pid
    end.

is_root({supervisor, erlang_python_sup, _}) -> true;
is_root({application_master, _, _}) -> true;
is_root(_) -> false.

-spec threads() -> [string()].
threads() ->
    {ok, Ids} = file:list_dir("/proc/self/task"),
    lists:sort([Name || Id <- Ids, {ok, Name} <- [comm(Id)]]).

%% Only threads of Python's: the VM's come and go as it likes.
-spec python_threads() -> [string()].
python_threads() ->
    {ok, Ids} = file:list_dir("/proc/self/task"),
    lists:sort([Id || Id <- Ids, {ok, "py_" ++ _} <- [comm(Id)]]).

comm(Id) ->
    case file:read_file(["/proc/self/task/", Id, "/comm"]) of
        {ok, Name} -> {ok, string:trim(binary_to_list(Name))};
        Error -> Error
    end.

-spec descriptors() -> [string()].
descriptors() ->
    {ok, Numbers} = file:list_dir("/proc/self/fd"),
    Targets = [file:read_link(["/proc/self/fd/", N]) || N <- Numbers],
    lists:sort([kind(Target) || {ok, Target} <- Targets]).

%% Sockets and pipes have numbers in their names.
kind(Target) -> hd(string:split(Target, ":[")).

python_loops() ->
    case py_nif_runs() andalso py:eval(<<"
[type(o).__name__ for o in __import__('gc').get_objects()
 if issubclass(type(o), __import__('asyncio').AbstractEventLoop) and not o.is_closed()]
"/utf8>>) of
        {ok, Names} -> Names;
        _ -> []
    end.

py_nif_runs() ->
    is_pid(whereis(py_context_sup)).

%% @doc Lets both garbage collectors drop what nobody has.
-spec collect() -> ok.
collect() ->
    [erlang:garbage_collect(Pid) || Pid <- erlang:processes()],
    _ = py_nif_runs() andalso py:call(gc, collect, []),
    ok.

%% @doc Kilobytes of memory in use by the whole node.
-spec resident() -> pos_integer().
resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Kb]} = re:run(Status, "VmRSS:\\s*(\\d+)", [{capture, [1], list}]),
    list_to_integer(Kb).

%% @doc Waits for a condition that sends no message.
-spec wait_until(fun(() -> boolean())) -> ok.
wait_until(Condition) ->
    wait_until(Condition, ?PATIENCE).

-spec wait_until(fun(() -> boolean()), integer()) -> ok.
wait_until(Condition, Patience) ->
    case Condition() of
        true ->
            ok;
        false when Patience =< 0 ->
            error({never_true, Condition});
        false ->
            receive after 5 -> ok end,
            wait_until(Condition, Patience - 5)
    end.

%% @doc All messages that are in the mailbox.
-spec flush() -> [term()].
flush() ->
    receive Message -> [Message | flush()] after 0 -> [] end.

%% @doc Fails if a message is there, or comes when all that could send one has had its turn.
-spec no_message() -> ok.
no_message() ->
    [{ok, none} = py:call(py:context(N), '__main__', '_warm', [])
     || N <- lists:seq(1, persistent_term:get({py_context, size}))],
    [] = flush(),
    ok.

%% @doc Runs a fun in a process of its own, monitored; the fun gets the parent.
-spec monitored(fun((pid()) -> term())) -> {pid(), reference()}.
monitored(Fun) ->
    Parent = self(),
    spawn_monitor(fun() -> Fun(Parent) end).

%% @doc Waits for a monitored process to end.
-spec down({pid(), reference()}) -> term().
down({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, Reason} -> Reason
    after ?PATIENCE -> error({still_alive, Pid})
    end.

%% @doc Defines names in `__main__'.
-spec define(iodata()) -> ok.
define(Code) ->
    ok = py:exec(Code).

%% @doc A fun for Python to call when it has come to a place; and what to wait for.
-spec marked() -> {fun((term()) -> ok), fun(() -> term())}.
marked() ->
    Self = self(),
    Tag = make_ref(),
    Mark = fun(Value) -> Self ! {Tag, Value}, ok end,
    Wait = fun() -> receive {Tag, Value} -> Value after ?PATIENCE -> error(never_marked) end end,
    {Mark, Wait}.

%% @doc Ends the processes that send to other nodes, which otherwise wait for more to send.
-spec forget_senders() -> ok.
forget_senders() ->
    Old = whereis(py_remote),
    exit(Old, kill),
    wait_until(fun() -> New = whereis(py_remote), is_pid(New) andalso New =/= Old end).

%% @doc Takes all descriptors that the node may have, after `Then'; the limit that it had before,
%% and the open files.
-spec exhaust_descriptors(fun(() -> ok)) -> {pos_integer(), [file:fd()]}.
exhaust_descriptors(Then) ->
    {ok, {Limit, _}} = py:eval(<<"__import__('resource').getrlimit(7)">>),
    {ok, Open} = py:eval(<<"len(__import__('os').listdir('/proc/self/fd'))">>),
    limit_descriptors(Open + 20),
    ok = Then(),
    {Limit, take_descriptors()}.

-spec limit_descriptors(pos_integer()) -> ok.
limit_descriptors(Number) ->
    Limit = <<"(lambda r: r.setrlimit(7, (n, r.getrlimit(7)[1])))(__import__('resource'))">>,
    {ok, none} = py:eval(Limit, #{n => Number}),
    ok.

take_descriptors() ->
    case file:open("/dev/null", [raw, read]) of
        {ok, File} -> [File | take_descriptors()];
        {error, emfile} -> []
    end.

-spec unique() -> binary().
unique() ->
    iolist_to_binary(io_lib:format("ep_~b", [erlang:unique_integer([positive])])).

%% @doc Makes this node one that others can reach, for as long, and gives the name of one that finds
%% all the modules that this one does.
-spec with_peer(fun((node()) -> term())) -> ok.
with_peer(Fun) ->
    _ = os:cmd("epmd -daemon"),
    Name = binary_to_atom(unique()),
    {ok, _} = net_kernel:start([list_to_atom(atom_to_list(Name) ++ "_here@127.0.0.1"), longnames]),
    {ok, Peer, Node} = peer:start_link(#{name => Name, host => "127.0.0.1", longnames => true,
                                         args => ["-pa" | code:get_path()]}),
    try
        Fun(Node),
        ok
    after
        ok = peer:stop(Peer),
        ok = net_kernel:stop(),
        ok = forget_senders()
    end.
