%% @private
%% @doc Runs a Python program in place of python3, and ends the VM with its exit status.
%% For bin/erlpy, which starts the VM with `-s erlpy' and passes what `erlang._main' wants as extra
%% arguments.
-module(erlpy).

-export([start/0]).

-spec start() -> pid().
start() ->
    %% The program decides about signals, not the VM.
    ok = os:set_signal(sigterm, default),
    ok = os:set_signal(sigusr1, default),
    spawn(fun main/0).

-spec main() -> no_return().
main() ->
    %% What goes wrong at the start is said in one line, below.
    ok = logger:set_primary_config(level, none),
    case application:ensure_all_started(erlang_python) of
        {ok, _} ->
            ok = logger:set_primary_config(level, notice),
            run([argument(Arg) || Arg <- init:get_plain_arguments()]);
        {error, {erlang_python, {{python_not_started, Text}, _Start}}} ->
            end_without_start("~ts", Text);
        {error, Reason} ->
            end_without_start("~0tp", Reason)
    end.

-spec end_without_start(string(), term()) -> no_return().
end_without_start(Format, Why) ->
    io:format(standard_error, "erlpy: Python did not start: " ++ Format ++ "~n", [Why]),
    halt(1).

-spec run([binary()]) -> no_return().
run(Args) ->
    Tag = make_ref(),
    ok = py_nif:run_program(Tag, Args),
    receive
        {program_ended, Tag, Status} ->
            ok = flush_log(),
            halt(Status, [{flush, false}])
    end.

%% Log records of Python's pass these processes, which answer when they have dealt with all before.
flush_log() ->
    _ = [catch gen_server:call(Name, flush, 1000) || Name <- [py_callback, py_log]],
    _ = logger_std_h:filesync(default),
    {links, Links} = process_info(whereis(standard_error), links),
    lists:foreach(fun(Port) -> drain(Port, 1000) end, [Port || Port <- Links, is_port(Port)]).

%% The port writes on a thread of its own, and tells nobody when it is done. Flushing by halt/2
%% would wait for all ports, without a bound.
drain(_Port, 0) ->
    ok;
drain(Port, Tries) ->
    case erlang:port_info(Port, queue_size) of
        {queue_size, Size} when Size > 0 ->
            receive after 1 -> drain(Port, Tries - 1) end;
        _ ->
            ok
    end.

%% The bytes that the VM was started with: file names and texts need not be UTF-8. What is not comes
%% as a tuple, which init's own specification leaves out.
-dialyzer({no_match, argument/1}).
-spec argument(term()) -> binary().
argument({_NotUtf8, Decoded, Rest}) ->
    <<(argument(Decoded))/binary, Rest/binary>>;
argument(Characters) ->
    unicode:characters_to_binary(Characters, unicode, file:native_name_encoding()).
