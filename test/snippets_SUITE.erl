%% @doc Runs every code block of the documentation, and every example.
%%
%% A group for each file, named after it, so that a new file is found by itself. How a block is
%% run, and how one is marked that is not, is in snippets.erl; an example is run as its suffix says.
-module(snippets_SUITE).

-include_lib("common_test/include/ct.hrl").

-export([all/0, groups/0, suite/0, init_per_group/2, end_per_group/2]).
-export([blocks/1, program/1, failures_are_noticed/1, links_lead_somewhere/1]).
-export([architecture_names_every_module/1, public_functions_are_documented/1]).

-define(LIMIT, 120000).

suite() ->
    [{timetrap, {minutes, 10}}].

all() ->
    [
        failures_are_noticed, links_lead_somewhere, architecture_names_every_module,
        public_functions_are_documented
    ] ++ [{group, Name} || {Name, _, _} <- groups()].

groups() ->
    [{list_to_atom(File), [], [blocks]} || File <- pages(), has_blocks(File)] ++
        [{list_to_atom(File), [], [program]} || File <- programs()].

pages() ->
    files(["*.md", "docs/*.md", "docs/*/*.md", "examples/*.md", "c_src/*.md"]).

has_blocks(File) ->
    snippets:blocks(filename:join(root(), File)) =/= [].

%% A folder is a Mix project, but for `demo', which `make demo' runs.
programs() ->
    files(["examples/*.py", "examples/*.escript", "examples/*.exs", "examples/*/mix.exs"]).

files(Patterns) ->
    lists:append([lists:sort(filelib:wildcard(Pattern, root())) || Pattern <- Patterns]).

%% The folder of the sources; the suite itself lies somewhere below it.
root() ->
    root(filename:dirname(filename:absname(code:which(?MODULE)))).

root(Folder) ->
    case filelib:is_file(filename:join([Folder, "examples", "README.md"])) of
        true -> Folder;
        false -> root(filename:dirname(Folder))
    end.

init_per_group(Name, Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    [{file, atom_to_list(Name)} | Config].

end_per_group(_Name, _Config) ->
    ok = application:stop(erlang_python).

blocks(Config) ->
    File = ?config(file, Config),
    Blocks = snippets:blocks(filename:join(root(), File)),
    Results = [{Line, snippets:run(Block, root())} || {Line, _, _} = Block <- Blocks],
    ct:comment("~b of ~b blocks run", [length([ok || {_, ok} <- Results]), length(Results)]),
    Failed = [{Line, Why} || {Line, {error, Why}} <- Results],
    [ct:pal(error, "~ts:~b: ~ts", [File, Line, printed(Why)]) || {Line, Why} <- Failed],
    Failed =:= [] orelse ct:fail("~ts: ~b blocks failed", [File, length(Failed)]).

printed(Why) ->
    case io_lib:printable_unicode_list(Why) of
        true -> Why;
        false -> io_lib:format("~tp", [Why])
    end.

failures_are_noticed(_Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Failing = [
        {"erlang", "1 = 2."},
        {"erlang", "no dots, no"},
        {"python", "assert False"},
        {"python", "raise SystemExit(0)"},
        {"elixir", "1 = 2"},
        {"sh", "false\ntrue"},
        {"erlnag", ""}
    ],
    [{error, _} = snippets:run({1, Language, Code}, root()) || {Language, Code} <- Failing],
    ok = application:stop(erlang_python).

links_lead_somewhere(_Config) ->
    [] = [{File, Link} || File <- pages(), Link <- links(File), not leads_somewhere(File, Link)].

%% Its picture is what people look for a module in.
architecture_names_every_module(_Config) ->
    {ok, Page} = file:read_file(filename:join(root(), "docs/architecture.md")),
    Files = files(["src/*.erl", "priv/python/erlang/_*.py"]) -- ["priv/python/erlang/__init__.py"],
    Modules = [filename:basename(filename:rootname(File)) || File <- Files],
    [] = [Module || Module <- Modules, nomatch =:= re:run(Page, "\\b" ++ Module ++ "\\b")].

%% A comment before every -spec, a docstring for every name.
public_functions_are_documented(_Config) ->
    Public = [py, py_context, py_callback, py_event_loop, py_event_loop_pool, py_event_worker],
    [] = [{Module, Bare} || Module <- Public, Bare <- undocumented(Module)],
    {ok, _} = application:ensure_all_started(erlang_python),
    {ok, []} = py:eval(<<
        "[n for n in __import__('erlang').__all__ if not getattr(__import__('erlang'), n).__doc__]"
    >>),
    ok = application:stop(erlang_python).

undocumented(Module) ->
    {ok, Text} = file:read_file(filename:join([root(), "src", [atom_to_list(Module), ".erl"]])),
    Pattern = "\\n(?:[^%\\n][^\\n]*)?\\n-spec (\\w+)",
    case re:run(Text, Pattern, [global, {capture, [1], list}]) of
        {match, Found} -> lists:append(Found);
        nomatch -> []
    end.

%% Those to other files of the project, without what comes after #.
links(File) ->
    {ok, Text} = file:read_file(filename:join(root(), File)),
    Pattern = "\\]\\((?!https?:)([^)#]+)",
    case re:run(Text, Pattern, [global, {capture, [1], list}]) of
        {match, Found} -> lists:append(Found);
        nomatch -> []
    end.

leads_somewhere(File, Link) ->
    filelib:is_file(filename:join(folder(File), Link)).

folder(File) ->
    filename:dirname(filename:join(root(), File)).

program(Config) ->
    File = ?config(file, Config),
    case run(File, filename:extension(File)) of
        ok -> ok;
        {error, {Why, _Status, Output}} -> ct:fail("~ts: ~tp~n~ts", [File, Why, Output]);
        {error, Why} -> ct:fail("~ts: ~tp", [File, Why])
    end.

run(File, ".py") ->
    snippets:program(filename:join(root(), "bin/erlpy"), [File], root(), ?LIMIT);
run(File, ".escript") ->
    snippets:program("escript", [File], root(), ?LIMIT);
run(File, ".exs") ->
    case filename:basename(File) of
        "mix.exs" -> snippets:program("mix", ["test"], folder(File), ?LIMIT);
        _ -> snippets:program("elixir", [File], root(), ?LIMIT)
    end.
