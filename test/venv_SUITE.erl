%% @doc Virtual environments: activated while Python runs, configured, active around the node.
-module(venv_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [
        activate_and_deactivate, path_order, activate_another, deactivate_without_one, not_a_venv,
        venv_of_another_python, paths_of_all_kinds, check_of_configuration, configured_venv,
        venv_around_the_node, unusable_configured_venv
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    Dir = filename:join(proplists:get_value(priv_dir, Config), "venvs"),
    {ok, Version} = py:version(),
    [Major, Minor | _] = string:lexemes(binary_to_list(Version), "."),
    [{dir, Dir}, {python, "python" ++ Major ++ "." ++ Minor}, {version, binary_to_list(Version)}
     | Config].

end_per_suite(_Config) -> ep_test:stop().
init_per_testcase(_Case, Config) -> ep_test:before(Config).

end_per_testcase(_Case, Config) ->
    ok = py:deactivate_venv(),
    ep_test:audit(Config).

%% What `python3 -m venv --without-pip' makes, and a module in it; that needs a package of Debian's.
make(Config, Name, Version) ->
    Venv = filename:join(proplists:get_value(dir, Config), Name),
    Packages = filename:join([Venv, "lib", proplists:get_value(python, Config), "site-packages"]),
    ok = filelib:ensure_dir(filename:join(Packages, "x")),
    ok = filelib:ensure_dir(filename:join([Venv, "bin", "x"])),
    {ok, Python} = py:eval(<<"(lambda s: s._base_executable or s.executable)(__import__('sys'))">>),
    _ = file:make_symlink(binary_to_list(Python), filename:join([Venv, "bin", "python3"])),
    ok = file:write_file(filename:join(Venv, "pyvenv.cfg"),
                         ["home = /usr/bin\nversion = ", Version, "\n"]),
    Module = "ep_module_" ++ Name,
    ok = file:write_file(filename:join(Packages, Module ++ ".py"),
                         unicode:characters_to_binary(["where = '", Name, "'\n"])),
    {Venv, list_to_atom(Module)}.

make(Config, Name) ->
    make(Config, Name, proplists:get_value(version, Config)).

activate_and_deactivate(Config) ->
    {Venv, Module} = make(Config, "plain"),
    Prefix = py:eval(<<"__import__('sys').prefix">>),
    Path = py:eval(<<"__import__('sys').path">>),
    Environment = py:eval(<<"dict(__import__('os').environ)">>),
    Executable = py:eval(<<"__import__('sys').executable">>),
    {error, {not_found, Module, where}} = py:call(Module, where, []),
    ok = py:activate_venv(Venv),
    {ok, <<"plain">>} = py:eval(["__import__('", atom_to_list(Module), "').where"]),
    {ok, Active} = py:eval(<<"__import__('sys').prefix">>),
    ?assertEqual(filename:absname(Venv), binary_to_list(Active)),
    {ok, Active} = py:eval(<<"__import__('os').environ['VIRTUAL_ENV']">>),
    ok = py:deactivate_venv(),
    Prefix = py:eval(<<"__import__('sys').prefix">>),
    Path = py:eval(<<"__import__('sys').path">>),
    Environment = py:eval(<<"dict(__import__('os').environ)">>),
    Executable = py:eval(<<"__import__('sys').executable">>),
    {ok, _} = py:call('sys', 'modules.pop', [atom_to_binary(Module)]).

path_order(Config) ->
    {Venv, _} = make(Config, "order"),
    ok = py:activate_venv(Venv),
    Locals = #{venv => unicode:characters_to_binary(Venv)},
    {ok, true} = py:eval(<<"
(lambda path: next(i for i, p in enumerate(path) if p.startswith(venv))
    < next(i for i, p in enumerate(path) if p.endswith('-packages') and not p.startswith(venv)))(
    __import__('sys').path + ['/end/site-packages'])">>, Locals).

activate_another(Config) ->
    {First, FirstModule} = make(Config, "first"),
    {Second, SecondModule} = make(Config, "second"),
    ok = py:activate_venv(First),
    ok = py:activate_venv(First),
    ok = py:activate_venv(Second),
    {error, {not_found, _, _}} = py:call(FirstModule, f, []),
    {error, {not_found, SecondModule, f}} = py:call(SecondModule, f, []),
    {ok, <<"second">>} = py:eval(<<"__import__('ep_module_second').where">>),
    {ok, _} = py:call('sys', 'modules.pop', [atom_to_binary(SecondModule)]).

deactivate_without_one(_) ->
    ok = py:deactivate_venv(),
    ok = py:deactivate_venv().

not_a_venv(Config) ->
    [{error, {exception, #{type := <<"ValueError">>, message := _}}} = py:activate_venv(Dir)
     || Dir <- ["/nowhere at all", proplists:get_value(priv_dir, Config), <<"">>]].

venv_of_another_python(Config) ->
    {Venv, _} = make(Config, "old", "3.1.4"),
    ok = file:rename(filename:join([Venv, "lib", proplists:get_value(python, Config)]),
                     filename:join([Venv, "lib", "python3.1"])),
    {error, {exception, #{type := <<"ValueError">>}}} = py:activate_venv(Venv),
    {error, Why} = py_venv:check(Venv),
    {match, _} = re:run(Why, "3\\.1\\.4").

paths_of_all_kinds(Config) ->
    {Venv, _} = make(Config, "it's $HOME \"" ++ [16#20ac || file:native_name_encoding() =:= utf8]),
    [begin
        ok = py:activate_venv(Path),
        ok = py:deactivate_venv()
     end || Path <- [Venv, unicode:characters_to_binary(Venv), list_to_atom(Venv), [Venv, "/."]]],
    %% A name need not be UTF-8.
    {Plain, _} = make(Config, "bytes"),
    Link = <<(list_to_binary(filename:dirname(Plain)))/binary, "/", 255>>,
    ok = file:make_symlink(Plain, Link),
    ok = py:activate_venv(Link),
    {ok, Link} = py:eval(<<"__import__('os').environb[b'VIRTUAL_ENV']">>),
    ok = py:deactivate_venv(),
    ok = file:delete(Link),
    ?assertError(badarg, py:activate_venv(["/", 16#d800])).

check_of_configuration(Config) ->
    {Venv, _} = make(Config, "checked"),
    ok = py_venv:check(Venv),
    {error, Why} = py_venv:check("/nowhere"),
    true = length(lists:flatten(Why)) > 0.

%% The interpreter is started once in a node's life, so these have nodes of their own.
configured_venv(Config) ->
    {Venv, _} = make(Config, "configured"),
    with_node(fun(Peer) ->
        ok = peer:call(Peer, application, load, [erlang_python]),
        ok = peer:call(Peer, application, set_env, [erlang_python, venv, Venv]),
        works_in(Peer, Venv, "configured")
    end, []).

venv_around_the_node(Config) ->
    {Venv, _} = make(Config, "around"),
    with_node(fun(Peer) -> works_in(Peer, Venv, "around") end, [{"VIRTUAL_ENV", Venv}]).

works_in(Peer, Venv, Name) ->
    {ok, _} = peer:call(Peer, application, ensure_all_started, [erlang_python]),
    {ok, Prefix} = peer:call(Peer, py, eval, [<<"__import__('sys').prefix">>]),
    ?assertEqual(filename:absname(Venv), binary_to_list(Prefix)),
    Where = list_to_binary(["__import__('ep_module_", Name, "').where"]),
    {ok, _} = peer:call(Peer, py, eval, [Where]),
    {ok, 4.0} = peer:call(Peer, py, call, [math, sqrt, [16]]),
    ok = peer:call(Peer, application, stop, [erlang_python]).

unusable_configured_venv(_) ->
    with_node(fun(Peer) ->
        ok = peer:call(Peer, application, load, [erlang_python]),
        ok = peer:call(Peer, application, set_env, [erlang_python, venv, "/nowhere"]),
        {ok, _} = peer:call(Peer, application, ensure_all_started, [erlang_python]),
        {ok, 4.0} = peer:call(Peer, py, call, [math, sqrt, [16]])
    end, []).

with_node(Fun, Environment) ->
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, env => Environment,
                                      args => ["-pa" | code:get_path()]}),
    try Fun(Peer) after peer:stop(Peer) end.
