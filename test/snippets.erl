%% @doc Code blocks of Markdown files, and running them.
%%
%% The word after the three backticks says what becomes of a block:
%%
%%   erlang   an expression sequence, or several, each ended by a full stop; a block that begins
%%            with `-module' is compiled and loaded instead. Each block has its own process and
%%            variables. It fails if it raises, so `{ok, 4.0} = ...' is an assertion.
%%   python   runs in `__main__', which the blocks of a file share.
%%   elixir   a script for a VM of its own, with erlang_python on the path.
%%   sh       runs in the root folder, with `set -e'.
%%   text, console, or nothing: not run. Any other word is an error, lest a block be missed.
-module(snippets).

-export([blocks/1, run/2, program/4]).

-type block() :: {Line :: pos_integer(), Language :: string(), Code :: string()}.

%% Longer than anything here should take, on a slow machine as well.
-define(LIMIT, 120000).

%% @doc The blocks of a file, with the line on which the code of each begins.
-spec blocks(file:filename()) -> [block()].
blocks(File) ->
    {ok, Text} = file:read_file(File),
    Lines = string:split(unicode:characters_to_list(Text), "\n", all),
    find(lists:zip(lists:seq(1, length(Lines)), Lines), []).

find([], Blocks) ->
    lists:reverse(Blocks);
find([{N, "```" ++ Info} | Lines], Blocks) ->
    {Code, [_Closing | Rest]} = lists:splitwith(fun({_, Line}) -> Line =/= "```" end, Lines),
    Text = lists:append([Line ++ "\n" || {_, Line} <- Code]),
    find(Rest, [{N + 1, string:trim(Info), Text} | Blocks]);
find([_ | Lines], Blocks) ->
    find(Lines, Blocks).

%% @doc Runs a block of the project in `Root', with the application started.
-spec run(block(), Root :: file:filename()) -> ok | not_run | {error, term()}.
run({Line, Language, Code}, Root) ->
    case Language of
        "" -> not_run;
        "text" -> not_run;
        "console" -> not_run;
        "erlang" -> in_process(fun() -> erlang_block(Line, Code) end);
        "python" -> in_process(fun() -> python_block(Line, Code) end);
        "elixir" -> script("elixir", "snippet.exs", Code, Root);
        "sh" -> script("bash", "snippet.sh", "set -e\n" ++ Code, Root);
        _ -> {error, {unknown_language, Language}}
    end.

in_process(Fun) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({done, Fun()}) end),
    receive
        {'DOWN', Monitor, process, Pid, {done, Result}} -> Result;
        {'DOWN', Monitor, process, Pid, Reason} -> {error, Reason}
    after ?LIMIT ->
        exit(Pid, kill),
        {error, still_running}
    end.

erlang_block(Line, Code) ->
    {ok, Tokens, _} = erl_scan:string(Code, Line),
    case Code of
        "-module" ++ _ -> load(forms(Tokens));
        _ -> evaluate(forms(Tokens), erl_eval:new_bindings())
    end.

evaluate([], _Bindings) ->
    ok;
evaluate([Tokens | Rest], Bindings) ->
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, _, More} = erl_eval:exprs(Expressions, Bindings),
    evaluate(Rest, More).

%% Token lists, each up to and with its full stop. The last may lack it, as in a shell's input.
forms(Tokens) ->
    case lists:splitwith(fun(Token) -> element(1, Token) =/= dot end, Tokens) of
        {[], []} -> [];
        {Rest, []} -> [Rest ++ [{dot, element(2, lists:last(Rest))}]];
        {Form, [Dot | Rest]} -> [Form ++ [Dot] | forms(Rest)]
    end.

load(Forms) ->
    Parsed = [begin {ok, Form} = erl_parse:parse_form(Tokens), Form end || Tokens <- Forms],
    {ok, Module, Beam} = compile:forms(Parsed),
    {module, Module} = code:load_binary(Module, "snippet", Beam),
    ok.

python_block(Line, Code) ->
    %% Empty lines before it, so that tracebacks have the line numbers of the file.
    Padded = [lists:duplicate(Line - 1, $\n), Code],
    case py:exec(Padded, #{timeout => ?LIMIT}) of
        ok -> ok;
        {error, Reason} -> {error, unicode:characters_to_list(py:format_error(Reason))}
    end.

script(Command, Name, Code, Root) ->
    File = filename:join(os:getenv("TMPDIR", "/tmp"), os:getpid() ++ "-" ++ Name),
    ok = file:write_file(File, unicode:characters_to_binary(Code)),
    try
        program(Command, [File], Root, ?LIMIT)
    after
        file:delete(File)
    end.

%% @doc Runs a program in a folder, with erlang_python where Erlang finds it. Killed at the limit.
-spec program(string(), [string()], file:filename(), pos_integer()) -> ok | {error, term()}.
program(Command, Arguments, Folder, Limit) ->
    case os:find_executable(Command) of
        false -> {error, {not_installed, Command}};
        Path -> collect(start(Path, Arguments, Folder), deadline(Limit), [])
    end.

start(Path, Arguments, Folder) ->
    App = code:lib_dir(erlang_python),
    Rebar = case os:find_executable("rebar3") of false -> "rebar3"; Found -> Found end,
    open_port({spawn_executable, Path}, [
        binary, exit_status, stderr_to_stdout, use_stdio, {args, Arguments}, {cd, Folder},
        {env, [
            {"ERL_LIBS", filename:dirname(App)},
            {"ERLPY_APP", App},
            {"MIX_REBAR3", Rebar},
            {"PYTHONDONTWRITEBYTECODE", "1"}
        ]}
    ]).

collect(Port, Deadline, Output) ->
    receive
        {Port, {data, Data}} -> collect(Port, Deadline, [Output, Data]);
        {Port, {exit_status, 0}} -> ok;
        {Port, {exit_status, Status}} -> {error, {exit_status, Status, text(Output)}}
    after max(0, Deadline - erlang:monotonic_time(millisecond)) ->
        {os_pid, Pid} = erlang:port_info(Port, os_pid),
        _ = os:cmd("kill -9 " ++ integer_to_list(Pid)),
        {error, {still_running, text(Output)}}
    end.

text(Output) -> unicode:characters_to_list(iolist_to_binary(Output)).

deadline(Limit) -> erlang:monotonic_time(millisecond) + Limit.
