%% @doc The event loop's guide, which is the specification: every name, arity and default in it, and
%% every block of code, in guide_SUITE_data.
%%
%% There is a file for each group of chapters, with what a block needs before it and what must hold
%% after it; snippets.erl says how blocks are run. Ports and foreign addresses of the guide are
%% replaced by free ports and addresses of this machine's own.
-module(guide_SUITE).

-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-export([suite/0, all/0, groups/0]).
-export([init_per_suite/1, end_per_suite/1, init_per_group/2, end_per_group/2]).
-export([init_per_testcase/2, end_per_testcase/2]).
-export([functions_of_erlang/1, functions_of_python/1, defaults/1]).
-export([udp_server_and_client/1, blocks/1]).

suite() ->
    [{timetrap, {minutes, 3}}].

all() ->
    [
        functions_of_erlang, functions_of_python, defaults, udp_server_and_client
        | [{group, Chapter} || {Chapter, _, _} <- groups()]
    ].

groups() ->
    Files = filelib:wildcard("*.md", project:file("test/guide_SUITE_data")),
    [{list_to_atom(filename:rootname(File)), [], [blocks]} || File <- lists:sort(Files)].

init_per_suite(Config) ->
    ok = ep_test:start(),
    %% Starts the spawner, which stays.
    ok = py:exec(<<
        "import asyncio, erlang\n"
        "async def program():\n"
        "    await (await asyncio.create_subprocess_exec('true')).wait()\n"
        "erlang.run(program())\n"
    >>),
    Config.

end_per_suite(_Config) ->
    ep_test:stop().

init_per_group(Chapter, Config) ->
    [{chapter, atom_to_list(Chapter)} | Config].

end_per_group(_Chapter, _Config) ->
    ok.

init_per_testcase(_Case, Config) ->
    ep_test:before(Config).

end_per_testcase(_Case, Config) ->
    ep_test:audit(Config).

functions_of_erlang(_Config) ->
    Documented = #{
        py_event_loop => [
            {run, [3, 4]}, {create_task, [3, 4]}, {await, [1, 2]}, {spawn_task, [3, 4]}
        ],
        py_event_loop_pool => [
            {run, [3, 4]}, {create_task, [3, 4]}, {await, [1, 2]}, {spawn_task, [3, 4]},
            {get_loop, [0]}, {get_stats, [0]}
        ],
        py_event_worker => [{start_link, [2]}],
        py_callback => [{register, [2]}],
        py => [{call, [3]}, {async_call, [3, 4]}, {await, [1, 2]}],
        py_nif => [
            {event_loop_new, [0]}, {add_reader, [3]}, {remove_reader, [2]}, {poll_events, [2]},
            {get_pending, [1]}, {event_loop_destroy, [1]}, {event_loop_set_worker, [2]},
            {create_test_udp_socket, [1]}, {sendto_test_udp, [4]}, {recvfrom_test_udp, [2]},
            {set_udp_broadcast, [2]}, {close_test_fd, [1]}
        ]
    },
    [
        ?assert(erlang:function_exported(Module, Name, Arity), {Module, Name, Arity})
     || {Module, Functions} <- maps:to_list(Documented),
        {module, Module} =:= code:ensure_loaded(Module),
        {Name, Arities} <- Functions,
        Arity <- Arities
    ].

%% As `inspect' shows them, without annotations.
functions_of_python(_Config) ->
    ok = py:exec(<<
        "import erlang, inspect\n"
        "def shown(name):\n"
        "    signature = inspect.signature(getattr(erlang, name))\n"
        "    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]\n"
        "    return str(signature.replace(\n"
        "        parameters=bare, return_annotation=signature.empty))\n"
    >>),
    [
        ?assertEqual({Name, {ok, Signature}}, {Name, py:call('__main__', shown, [Name])})
     || {Name, Signature} <- [
            {new_event_loop, <<"()">>},
            {install, <<"()">>},
            {detect_mode, <<"()">>},
            {sleep, <<"(seconds)">>},
            {spawn_task, <<"(coro, *, name=None)">>},
            {schedule, <<"(callback_name, *args)">>},
            {schedule_py, <<"(module, func, args=None, kwargs=None)">>},
            {schedule_inline, <<"(module, func, args=None, kwargs=None)">>},
            {consume_time_slice, <<"(percent)">>}
        ]
    ],
    Names = [<<"ErlangEventLoop">>, <<"ErlangEventLoopPolicy">>, <<"ExecutionMode">>,
             <<"ScheduleMarker">>, <<"call">>, <<"run">>, <<"send">>],
    {ok, Public} = py:eval(<<"__import__('erlang').__all__">>),
    ?assertEqual([], Names -- Public).

%% Five seconds: two are not too long, twenty are.
defaults(_Config) ->
    Waits = [
        fun(Seconds) -> Module:run(asyncio, sleep, [Seconds]) end
     || Module <- [py_event_loop, py_event_loop_pool]
    ] ++ [
        fun(Seconds) -> Module:await(Module:create_task(asyncio, sleep, [Seconds])) end
     || Module <- [py_event_loop, py_event_loop_pool]
    ],
    Waiting = [
        {Expected, ep_test:monitored(fun(_) -> exit({gave, Wait(Seconds)}) end)}
     || {Seconds, Expected} <- [{2, {ok, none}}, {20, {error, timeout}}], Wait <- Waits
    ],
    [?assertEqual({gave, Expected}, ep_test:down(Process)) || {Expected, Process} <- Waiting].

%% Two programs, unchanged.
udp_server_and_client(Config) ->
    Replaced = replacements(),
    [Server, Client] = [
        begin
            File = filename:join(?config(priv_dir, Config), Name),
            ok = file:write_file(File, replace(read(Config, Name), Replaced)),
            File
        end
     || Name <- ["udp_echo_server.py", "udp_echo_client.py"]
    ],
    Options = #{env => [{"ERLPY_APP", code:lib_dir(erlang_python)}, {"PYTHONUNBUFFERED", "1"}]},
    Erlpy = project:file("bin/erlpy"),
    Started = program:await_output(program:start(Erlpy, [Server], Options), <<"listening on">>),
    {0, Output, <<>>} = program:run(Erlpy, [Client], Options),
    ?assertMatch(
        [<<"Sending: Hello UDP!">>, <<"Received: Hello UDP! from ", _/binary>>,
         <<"Echo response: Hello UDP!">>, <<>>],
        binary:split(Output, <<"\n">>, [global])
    ),
    {130, Told, _} = program:finish(program:signal(Started, "INT")),
    ?assertMatch({_, _}, binary:match(Told, <<"Received 10 bytes from ('127.0.0.1', ">>)).

read(Config, Name) ->
    {ok, Text} = file:read_file(filename:join(?config(data_dir, Config), Name)),
    Text.

%% A chapter.
blocks(Config) ->
    Name = ?config(chapter, Config) ++ ".md",
    File = filename:join(?config(priv_dir, Config), Name),
    ok = file:write_file(File, replace(read(Config, Name), replacements())),
    Root = filename:dirname(project:file("Makefile")),
    Blocks = snippets:blocks(File),
    Failed = [{Line, Why} || {Line, _, _} = Block <- Blocks,
                             {error, Why} <- [snippets:run(Block, Root)]],
    [ct:pal(error, "~ts:~b: ~tp", [Name, Line, Why]) || {Line, Why} <- Failed],
    ok = py:exec(<<
        "for name in [name for name in globals() if not name.startswith('__')]:\n"
        "    del globals()[name]\n"
    >>),
    Failed =:= [] orelse ct:fail("~ts: ~b blocks failed", [Name, length(Failed)]).

replacements() ->
    [A, B, C] = free_ports(3),
    [
        {"\\b8888\\b", A},
        {"\\b9999\\b", B},
        {"(?<=, )5000\\)", [C, ")"]},
        {"192\\.168\\.1\\.100", "127.0.0.2"},
        {"192\\.168\\.1\\.101", "127.0.0.3"},
        {"255\\.255\\.255\\.255", "127.255.255.255"}
    ].

replace(Text, Replaced) ->
    lists:foldl(
        fun({What, By}, Sofar) -> re:replace(Sofar, What, By, [global, {return, binary}]) end,
        Text,
        Replaced
    ).

%% Free for TCP and for UDP, and not of those that the system hands out, which may soon be
%% somebody's.
free_ports(Count) ->
    [integer_to_list(free_port()) || _ <- lists:seq(1, Count)].

free_port() ->
    Port = 10000 + rand:uniform(20000),
    Udp = gen_udp:open(Port),
    Tcp = gen_tcp:listen(Port, [{reuseaddr, true}]),
    [ok = gen_udp:close(Socket) || {ok, Socket} <- [Udp]],
    [ok = gen_tcp:close(Socket) || {ok, Socket} <- [Tcp]],
    case {Udp, Tcp} of
        {{ok, _}, {ok, _}} -> Port;
        _ -> free_port()
    end.
