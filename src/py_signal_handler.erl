%% @private
%% @doc Stands in the place of the VM's own signal handler while Python's loops want signals: passes
%% theirs on to Python, and leaves all others to it.
%%
%% What loops want is known here and nowhere else, so that it survives a crash of py_signal.
-module(py_signal_handler).
-behaviour(gen_event).

-export([add/3, remove/2, uninstall/0]).
-export([init/1, handle_event/2, handle_call/2, handle_info/2, terminate/2]).

-define(SERVER, erl_signal_server).
-define(STANDARD, erl_signal_handler).

-type signal() :: atom().
-type option() :: default | handle | ignore.

%% A signal that some loops want: its number, those loops, and what the VM did with it before.
-record(wanted, {number :: pos_integer(), loops :: [pos_integer()], before :: option()}).

-record(state, {
    wanted = #{} :: #{signal() => #wanted{}},
    %% The state of the VM's own handler; `none' if somebody has removed that.
    standard = none :: none | term()
}).

%% @doc A loop wants a signal; `false' if the VM can't hand it over.
-spec add(Loop :: pos_integer(), Name :: binary(), Number :: pos_integer()) -> boolean().
add(Loop, Name, Number) ->
    case [Signal || Signal <- signals(), atom_to_binary(Signal) =:= Name] of
        [Signal] -> install() andalso is_added(call({add, Loop, Signal, Number}));
        [] -> false
    end.

is_added(true) ->
    true;
is_added(false) ->
    %% What was installed for it alone must not stay.
    _ = call(is_idle) andalso uninstall(),
    false.

%% @doc A loop does not want a signal any more.
-spec remove(Loop :: pos_integer(), Name :: binary()) -> ok.
remove(Loop, Name) ->
    case installed() andalso call({remove, Loop, Name}) of
        none_left -> uninstall();
        _ -> ok
    end.

%% @doc Nobody wants any signal.
-spec uninstall() -> ok.
uninstall() ->
    case installed() andalso call(has_standard) of
        false -> ok;
        {ok, true} -> swap({?MODULE, stop}, {?STANDARD, []});
        {ok, false} -> delete()
    end.

delete() ->
    _ = gen_event:delete_handler(?SERVER, ?MODULE, stop),
    ok.

%% Those that os:set_signal/2 knows in some version of OTP; SIGSTOP can't be had.
signals() ->
    [
        sighup, sigquit, sigabrt, sigalrm, sigterm, sigusr1, sigusr2, sigchld, sigtstp,
        sigcont, sigwinch, siginfo
    ].

installed() ->
    whereis(?SERVER) =/= undefined andalso
        lists:member(?MODULE, gen_event:which_handlers(?SERVER)).

%% `false' in a VM that was started without a signal server.
install() ->
    case whereis(?SERVER) of
        undefined -> false;
        _ -> installed() orelse swap({?STANDARD, swap}, {?MODULE, []}) =:= ok
    end.

swap(Old, New) ->
    ok = gen_event:swap_handler(?SERVER, Old, New).

call(Request) ->
    gen_event:call(?SERVER, ?MODULE, Request, infinity).

%% The second of the arguments is what the handler that was swapped out has left.
-spec init({term(), term()}) -> {ok, #state{}}.
init({_Args, error}) ->
    {ok, #state{}};
init({_Args, _Left}) ->
    {ok, Standard} = ?STANDARD:init([]),
    {ok, #state{standard = Standard}}.

-spec handle_event(term(), #state{}) -> {ok, #state{}}.
handle_event(Signal, #state{wanted = Wanted} = State) when is_map_key(Signal, Wanted) ->
    #{Signal := #wanted{number = Number}} = Wanted,
    try py_nif:deliver_signal(Number) of
        ok -> {ok, State}
    catch
        %% The application has died without a last word.
        error:badarg -> by_standard(Signal, State)
    end;
handle_event(Signal, State) ->
    by_standard(Signal, State).

by_standard(_Signal, #state{standard = none} = State) ->
    {ok, State};
by_standard(Signal, #state{standard = Standard} = State) ->
    {ok, Next} = ?STANDARD:handle_event(Signal, Standard),
    {ok, State#state{standard = Next}}.

-spec handle_call(term(), #state{}) -> {ok, term(), #state{}}.
handle_call({add, Loop, Signal, Number}, #state{wanted = Wanted} = State) ->
    case Wanted of
        #{Signal := #wanted{loops = Loops} = Known} ->
            More = Known#wanted{loops = [Loop | lists:delete(Loop, Loops)]},
            {ok, true, State#state{wanted = Wanted#{Signal := More}}};
        #{} ->
            Before = disposition(Number),
            case set(Signal, handle) of
                ok ->
                    New = #wanted{number = Number, loops = [Loop], before = Before},
                    {ok, true, State#state{wanted = Wanted#{Signal => New}}};
                unknown ->
                    {ok, false, State}
            end
    end;
handle_call({remove, Loop, Name}, #state{wanted = Wanted} = State) ->
    Left = maps:filtermap(
        fun(Signal, #wanted{loops = Loops} = Known) ->
            case atom_to_binary(Signal) =:= Name of
                true -> keep(Signal, Known#wanted{loops = lists:delete(Loop, Loops)});
                false -> true
            end
        end,
        Wanted
    ),
    Answer =
        case map_size(Left) of
            0 -> none_left;
            _ -> ok
        end,
    {ok, Answer, State#state{wanted = Left}};
handle_call(is_idle, #state{wanted = Wanted} = State) ->
    {ok, map_size(Wanted) =:= 0, State};
handle_call(has_standard, #state{standard = Standard} = State) ->
    {ok, {ok, Standard =/= none}, State}.

-spec handle_info(term(), #state{}) -> {ok, #state{}}.
handle_info(_Info, State) ->
    {ok, State}.

-spec terminate(term(), #state{}) -> ok.
terminate(_Args, #state{wanted = Wanted}) ->
    maps:foreach(fun restore/2, Wanted).

keep(Signal, #wanted{loops = []} = Known) ->
    ok = restore(Signal, Known),
    false;
keep(_Signal, Known) ->
    {true, Known}.

restore(Signal, #wanted{before = Before}) ->
    ok = set(Signal, Before).

%% This version of OTP may not know it.
set(Signal, Option) ->
    try
        os:set_signal(Signal, Option)
    catch
        error:badarg -> unknown
    end.

%% What the VM does with a signal; there is no os:get_signal.
-spec disposition(Number :: pos_integer()) -> option().
disposition(Number) ->
    {ok, Status} = file:read_file("/proc/self/status"),
    IsIn = fun(Field) ->
        {match, [Mask]} = re:run(Status, Field ++ ":\\s*([0-9a-f]+)", [{capture, [1], list}]),
        list_to_integer(Mask, 16) band (1 bsl (Number - 1)) =/= 0
    end,
    case {IsIn("SigCgt"), IsIn("SigIgn")} of
        {true, _} -> handle;
        {_, true} -> ignore;
        _ -> default
    end.
