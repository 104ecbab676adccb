%% @doc Programs under test: started with arguments, sent signals, and judged by their exit status
%% and by what they write to stdout and stderr.
-module(program).

-export([run/2, run/3, start/3, await_output/2, number_after/2, signal/2, finish/1]).

-type outcome() :: {Status :: non_neg_integer(), Stdout :: binary(), Stderr :: binary()}.
%% A program that a signal has killed has the status 128 + its number, as in a shell.
-type options() :: #{stdin => iodata(), env => [{string(), string() | false}], cd => file:name()}.
-opaque program() :: #{port := port(), pid := integer(), stderr := file:name(), stdout := binary()}.

-export_type([program/0, outcome/0]).

-define(LIMIT, 120000).

-spec run(file:name(), [string() | binary()]) -> outcome().
run(Executable, Args) ->
    run(Executable, Args, #{}).

-spec run(file:name(), [string() | binary()], options()) -> outcome().
run(Executable, Args, Options) ->
    finish(start(Executable, Args, Options)).

%% The shell is replaced by the program, so its process id is the program's.
-spec start(file:name(), [string() | binary()], options()) -> program().
start(Executable, Args, Options) ->
    [Stdin, Stderr] = [scratch_file() || _ <- [stdin, stderr]],
    ok = file:write_file(Stdin, maps:get(stdin, Options, <<>>)),
    Redirect = "in=$1 err=$2; shift 2; exec \"$@\" <\"$in\" 2>\"$err\"",
    Port = open_port({spawn_executable, "/bin/sh"}, [
        {args, ["-c", Redirect, "sh", Stdin, Stderr, Executable | Args]},
        {env, maps:get(env, Options, [])},
        {cd, maps:get(cd, Options, ".")},
        binary,
        exit_status,
        use_stdio
    ]),
    {os_pid, Pid} = erlang:port_info(Port, os_pid),
    #{port => Port, pid => Pid, stderr => Stderr, stdout => <<>>}.

scratch_file() ->
    Name = ["program_", os:getpid(), $_, integer_to_list(erlang:unique_integer([positive]))],
    filename:join(os:getenv("TMPDIR", "/tmp"), Name).

%% Waits until it has written this to stdout, and flushed it.
-spec await_output(program(), binary()) -> program().
await_output(#{stdout := Stdout} = Program, Text) ->
    case binary:match(Stdout, Text) of
        nomatch ->
            case next(Program) of
                {data, Data} ->
                    await_output(Program#{stdout := <<Stdout/binary, Data/binary>>}, Text);
                {exit_status, Status} ->
                    error({ended, Status, Stdout, stderr(Program)})
            end;
        _ ->
            Program
    end.

%% The number that follows a text in what a program has written.
-spec number_after(program(), binary()) -> integer().
number_after(#{stdout := Stdout}, Text) ->
    [_, After] = binary:split(Stdout, Text),
    {Number, _} = string:to_integer(After),
    Number.

%% The name is as kill(1) wants it: "INT".
-spec signal(program(), string()) -> program().
signal(#{pid := Pid} = Program, Name) ->
    "" = os:cmd(lists:concat(["kill -", Name, " ", Pid])),
    Program.

-spec finish(program()) -> outcome().
finish(#{stdout := Stdout} = Program) ->
    case next(Program) of
        {data, Data} -> finish(Program#{stdout := <<Stdout/binary, Data/binary>>});
        {exit_status, Status} -> {Status, Stdout, stderr(Program)}
    end.

next(#{port := Port, stdout := Stdout} = Program) ->
    receive
        {Port, Event} -> Event
    after ?LIMIT ->
        _ = signal(Program, "KILL"),
        error({hangs, Stdout, stderr(Program)})
    end.

stderr(#{stderr := File}) ->
    {ok, Text} = file:read_file(File),
    ok = file:delete(File),
    Text.
