%% @private
%% @doc The NIF library: stubs, and what each does. Not for users: `py', `py_context',
%% `py_event_loop' and `py_callback' are the public modules.
%%
%% No native function waits, runs Python or takes its lock; each takes microseconds on a normal
%% scheduler. What the system refuses, such as a descriptor, is `{error, emfile}' and the like.
%% Answers that need Python come as messages (docs/messages.md).
-module(py_nif).

-export([load/0]).
-export([start/2, stop/2, build_info/0, run_program/2, deliver_signal/1]).
-export([context_new/1, event_loop_new/0, event_loop_set_worker/2, event_loop_destroy/1]).
-export([loop_arm/1, loop_wake/2, loop_close/2, loop_is_blocked/1, event_loop_set_default/1]).
-export([set_none/2]).
-export([submit/8, cancel/1, submission_state/1, interrupt/1]).
-export([stand_in_keeper/1, stand_in_add/2, stand_in_demand/0, stand_in_refuse/0]).
-export([stand_in_retire/2]).
-export([add_reader/3, add_writer/3, remove_reader/2, remove_writer/2]).
-export([poll_events/2, poll_collect/1, poll_arm/1, poll_disarm/1, get_pending/1]).
-export([create_test_udp_socket/1, sendto_test_udp/4, recvfrom_test_udp/2]).
-export([set_udp_broadcast/2, close_test_fd/1]).
-export([set_router/1, add_name/1, remove_name/1, callback_reply/2]).

-export_type([loop/0, watch/0, posix/0, submission/0, call/0, request/0, start_options/0]).

-on_load(init/0).

-type loop() :: reference().
%% A hosted loop; a context is one that has an executor to itself.
-type ended() :: {executor_died, stopped}.
%% Why a loop that has ended refuses something.
-opaque watch() :: pos_integer().
-type posix() :: atom() | {errno, integer()}.
-type submission() :: reference().
-type call() :: reference().
%% A call of an Erlang function that Python waits for.
-type start_options() :: #{
    executable := binary(),  % empty: the one of the build
    package_dir := binary(),
    loop_executors := pos_integer(),
    max_spin := non_neg_integer(),  % microseconds
    max_pending := pos_integer(),
    sandbox := boolean()
}.
-type request() ::
    {call, py:name(), py:name(), [term()], map()}
    | {call_method, term(), py:name(), [term()], map()}
    | {getattr, term(), py:name()}
    | {eval, binary(), map()}
    | {exec, binary()}.

%% Without its library the module is there nevertheless, to say what is wrong with that.
init() ->
    _ = load(),
    ok.

%% @doc Loads the library, if that has not been done; or why that is impossible.
-spec load() -> ok | {error, Text :: string()}.
load() ->
    Library = filename:join(erlang_python_app:priv_dir(), "erlang_python_nif"),
    case erlang:load_nif(Library, 0) of
        ok -> ok;
        {error, {reload, _}} -> ok;
        {error, {_, Text}} -> {error, Text}
    end.

%% @doc Starts the interpreter, if it does not run yet, and the executors that host loops. Without
%% the sandbox Python may fork or replace the VM; that is settled when the interpreter starts.
%% The caller gets `{started, Tag, ok | {error, Text}}'.
-spec start(Tag :: term(), Options :: start_options()) -> ok | {error, posix()}.
start(_Tag, _Options) ->
    erlang:nif_error(not_loaded).

%% @doc Ends all executors but the interpreter's own. The caller gets `{stopped, Tag, Stuck}', after
%% at most that many milliseconds; `Stuck' threads are still held up by Python code.
-spec stop(Tag :: term(), Milliseconds :: non_neg_integer()) -> ok.
stop(_Tag, _Milliseconds) ->
    erlang:nif_error(not_loaded).

%% @doc What the library was built with.
-spec build_info() ->
    #{python_version := binary(), executable := binary(), free_threaded := boolean()}.
build_info() ->
    erlang:nif_error(not_loaded).

%% @doc Runs a program on Python's main thread, for `erlpy'. The caller gets
%% `{program_ended, Tag, ExitStatus}'; after that no Python code runs, and the VM should end.
-spec run_program(Tag :: term(), Arguments :: [binary()]) -> ok.
run_program(_Tag, _Arguments) ->
    erlang:nif_error(not_loaded).

%% @doc Runs what Python's loops have for a signal, given by its number.
-spec deliver_signal(pos_integer()) -> ok.
deliver_signal(_Number) ->
    erlang:nif_error(not_loaded).

%% @doc A hosted loop with an executor, that is an OS thread, of its own. `Name' names the thread.
-spec context_new(Name :: binary()) -> {ok, loop()} | {error, not_started | posix()}.
context_new(_Name) ->
    erlang:nif_error(not_loaded).

%% @doc A hosted loop on one of the shared executors.
-spec event_loop_new() -> {ok, loop()} | {error, not_started | posix()}.
event_loop_new() ->
    erlang:nif_error(not_loaded).

%% @doc Makes a process the worker of a loop: it gets `{park, ...}' messages, and its death ends
%% the loop.
-spec event_loop_set_worker(loop(), pid()) -> ok | {error, ended()}.
event_loop_set_worker(_Loop, _Worker) ->
    erlang:nif_error(not_loaded).

%% @doc Ends a loop: what it owes is answered with `{error, {executor_died, stopped}}'.
-spec event_loop_destroy(loop()) -> ok.
event_loop_destroy(_Loop) ->
    erlang:nif_error(not_loaded).

%% @doc Waits, with `enif_select', for the poller of a parked loop. By its worker.
-spec loop_arm(loop()) -> boolean().
loop_arm(_Loop) ->
    erlang:nif_error(not_loaded).

%% @doc Lets a parked loop look for work, if this is still the park that was meant. By its worker.
-spec loop_wake(loop(), ParkNumber :: non_neg_integer()) -> ok.
loop_wake(_Loop, _ParkNumber) ->
    erlang:nif_error(not_loaded).

%% @doc As event_loop_destroy/1, with another reason.
-spec loop_close(loop(), Why :: term()) -> ok.
loop_close(_Loop, _Why) ->
    erlang:nif_error(not_loaded).

%% @doc What Python's None becomes in results of what is submitted to a loop, and in what Python
%% code sends that works for it, where a submission does not say; `default': what the application
%% says.
%% For `default' instead of a loop: what the application says.
-spec set_none(loop() | default, none | nil | undefined | default) -> ok.
set_none(_Loop, _None) ->
    erlang:nif_error(not_loaded).

%% @doc Collects events of a descriptor for Erlang: poll_events/2 finds them, get_pending/1 gives
%% them. The descriptor stays the caller's; it is never closed here. A watch ends with its
%% descriptor: when that has been closed, its number can be watched anew as soon as it is another's.
-spec add_reader(loop(), Fd :: non_neg_integer(), CallbackId :: non_neg_integer()) ->
    {ok, watch()} | {error, posix() | ended()}.
add_reader(_Loop, _Fd, _CallbackId) ->
    erlang:nif_error(not_loaded).

-spec add_writer(loop(), Fd :: non_neg_integer(), CallbackId :: non_neg_integer()) ->
    {ok, watch()} | {error, posix() | ended()}.
add_writer(_Loop, _Fd, _CallbackId) ->
    erlang:nif_error(not_loaded).

-spec remove_reader(loop(), watch()) -> ok.
remove_reader(_Loop, _Watch) ->
    erlang:nif_error(not_loaded).

-spec remove_writer(loop(), watch()) -> ok.
remove_writer(_Loop, _Watch) ->
    erlang:nif_error(not_loaded).

%% @doc Waits until there are events for get_pending/1; how many there are. 0 when the time is over,
%% and when the loop ends. The process waits for a message of the VM's: that takes no scheduler.
-spec poll_events(loop(), timeout()) -> non_neg_integer() | {error, posix()}.
poll_events(Loop, infinity) ->
    poll_until(Loop, infinity);
poll_events(Loop, Timeout) when is_integer(Timeout), Timeout >= 0 ->
    poll_until(Loop, erlang:monotonic_time(millisecond) + Timeout);
poll_events(Loop, Timeout) ->
    error(badarg, [Loop, Timeout]).

poll_until(Loop, Deadline) ->
    case poll_collect(Loop) of
        0 -> poll_again(Loop, Deadline, poll_time(Deadline));
        Known -> Known
    end.

poll_again(_Loop, _Deadline, 0) ->
    0;
poll_again(Loop, Deadline, Time) ->
    case poll_arm(Loop) of
        stopped ->
            0;
        {error, _} = Error ->
            Error;
        Poll ->
            receive
                {select, Poll, undefined, ready_input} -> poll_disarm(Poll)
            after Time ->
                case poll_disarm(Poll) of
                    ok -> ok;
                    sent -> receive {select, Poll, undefined, ready_input} -> ok end
                end
            end,
            poll_until(Loop, Deadline)
    end.

%% As much of it as `receive ... after' takes.
poll_time(infinity) -> infinity;
poll_time(Deadline) -> min(max(0, Deadline - erlang:monotonic_time(millisecond)), 16#ffffffff).

%% @doc Looks for events; how many there are for get_pending/1.
-spec poll_collect(loop()) -> non_neg_integer() | {error, posix()}.
poll_collect(_Loop) ->
    erlang:nif_error(not_loaded).

%% @doc The caller gets `{select, Poll, undefined, ready_input}' when there may be events, and when
%% the loop ends. `stopped': it has ended.
-spec poll_arm(loop()) -> Poll :: reference() | stopped | {error, posix()}.
poll_arm(_Loop) ->
    erlang:nif_error(not_loaded).

%% @doc By the same process, in any case. `ok': no message will come. `sent': it has come, or will.
-spec poll_disarm(Poll :: reference()) -> ok | sent.
poll_disarm(_Poll) ->
    erlang:nif_error(not_loaded).

%% @doc The events found so far, each once.
-spec get_pending(loop()) -> [{CallbackId :: non_neg_integer(), read | write}].
get_pending(_Loop) ->
    erlang:nif_error(not_loaded).

%% @doc A datagram socket on loopback, for tests. Port 0: any.
-spec create_test_udp_socket(inet:port_number()) ->
    {ok, {Fd :: non_neg_integer(), inet:port_number()}} | {error, posix()}.
create_test_udp_socket(_Port) ->
    erlang:nif_error(not_loaded).

-spec sendto_test_udp(Fd :: non_neg_integer(), iodata(), Host :: binary(), inet:port_number()) ->
    ok | {error, posix()}.
sendto_test_udp(_Fd, _Data, _Host, _Port) ->
    erlang:nif_error(not_loaded).

%% @doc Never waits: `{error, eagain}' if nothing has come.
-spec recvfrom_test_udp(Fd :: non_neg_integer(), MaxBytes :: non_neg_integer()) ->
    {ok, {binary(), {Host :: binary(), inet:port_number()}}} | {error, posix()}.
recvfrom_test_udp(_Fd, _MaxBytes) ->
    erlang:nif_error(not_loaded).

-spec set_udp_broadcast(Fd :: non_neg_integer(), boolean()) -> ok | {error, posix()}.
set_udp_broadcast(_Fd, _Broadcast) ->
    erlang:nif_error(not_loaded).

%% @doc Closes a socket of create_test_udp_socket/1.
-spec close_test_fd(Fd :: non_neg_integer()) -> ok.
close_test_fd(_Fd) ->
    erlang:nif_error(not_loaded).

%% @doc Does Python code on its thread wait for Erlang, with `erlang.call'?
-spec loop_is_blocked(loop()) -> boolean().
loop_is_blocked(_Loop) ->
    erlang:nif_error(not_loaded).

%% @doc Makes a loop the one that `erlang.spawn_task' uses in threads without a loop.
-spec event_loop_set_default(loop()) -> ok.
event_loop_set_default(_Loop) ->
    erlang:nif_error(not_loaded).

%% @doc Makes a process the keeper of stand-ins: it gets `stand_in_wanted' when there is none for
%% work whose thread waits for Erlang.
-spec stand_in_keeper(pid()) -> ok.
stand_in_keeper(_Pid) ->
    erlang:nif_error(not_loaded).

%% @doc Lets a context start the work of others whose threads wait for Erlang, and have its own
%% started by others. `MadeForIt': it has nothing else to do, and is taken first.
-spec stand_in_add(loop(), MadeForIt :: boolean()) -> ok.
stand_in_add(_Loop, _MadeForIt) ->
    erlang:nif_error(not_loaded).

%% @doc How many queues of work ask for a stand-in, and how many have got one since the VM started.
-spec stand_in_demand() -> {Asking :: non_neg_integer(), Served :: non_neg_integer()}.
stand_in_demand() ->
    erlang:nif_error(not_loaded).

%% @doc Answers what is in these queues with `{error, overloaded}'.
-spec stand_in_refuse() -> ok.
stand_in_refuse() ->
    erlang:nif_error(not_loaded).

%% @doc If a context has had nothing to do for as long, and nothing runs in its event loop, it
%% stands in for nobody any more, and its worker gets `retire'.
-spec stand_in_retire(loop(), Milliseconds :: non_neg_integer()) -> ok.
stand_in_retire(_Loop, _Milliseconds) ->
    erlang:nif_error(not_loaded).

%% @doc Hands in work: to the executor (`call') or into the event loop (`task'). `Owner' gets
%% `{async_result, Tag, Result}', once, unless it dies or the submission is cancelled; with `self'
%% as the tag, `Tag' is the submission. The time limit is what the work sees as its deadline; it is
%% the owner who enforces it, by cancel/1. Of the options, those that concern conversions are
%% heeded.
-spec submit(
    loop(),
    call | task,
    Owner :: pid(),
    Tag :: term(),
    request(),
    Options :: #{binary => auto | str | bytes, none => none | nil | undefined | default, _ => _},
    timeout(),
    Chain :: non_neg_integer()
) -> submission() | {error, overloaded | {executor_died, stopped}}.
submit(_Loop, _Where, _Owner, _Tag, _Request, _Options, _Timeout, _Chain) ->
    erlang:nif_error(not_loaded).

%% @doc Skips, interrupts or cancels the work. `ok': no reply will come. `sent': it has come.
-spec cancel(submission()) -> ok | sent.
cancel(_Submission) ->
    erlang:nif_error(not_loaded).

%% @doc How far a submission of the calling process is. `sending': the reply has not been counted as
%% sent, but may have come.
-spec submission_state(submission()) -> pending | sending | sent | cancelled.
submission_state(_Submission) ->
    erlang:nif_error(not_loaded).

%% @doc Raises KeyboardInterrupt in the call that runs on a context.
-spec interrupt(loop()) -> ok.
interrupt(_Loop) ->
    erlang:nif_error(not_loaded).

%% @doc Makes a process the router: calls, and messages that Python can't send itself, go there.
-spec set_router(pid()) -> ok.
set_router(_Pid) ->
    erlang:nif_error(not_loaded).

%% @doc Lets Python know the name of a registered function.
-spec add_name(binary()) -> ok.
add_name(_Name) ->
    erlang:nif_error(not_loaded).

-spec remove_name(binary()) -> ok.
remove_name(_Name) ->
    erlang:nif_error(not_loaded).

%% @doc Answers a call from Python. `false': nobody waits for it any more.
-spec callback_reply(
    call(), {ok, term()} | {error, Class :: atom(), Reason :: term(), Stack :: binary()}
) -> boolean().
callback_reply(_Call, _Result) ->
    erlang:nif_error(not_loaded).
