%% c_src/terms against the VM: what one writes, the other reads. Its own tests are beside it.
-module(terms_SUITE).

-include_lib("stdlib/include/assert.hrl").

-export([all/0, init_per_suite/1, end_per_suite/1]).
-export([any_term/1, each_size/1, any_options/1, what_the_vm_refuses/1]).

all() ->
    [any_term, each_size, any_options, what_the_vm_refuses].

init_per_suite(Config) ->
    Build = os:cmd(project:file("scripts/build") ++ " --terms-echo"),
    Program = project:file("_build/cmake/tests/terms_echo"),
    filelib:is_regular(Program) orelse ct:fail("~ts", [Build]),
    [{program, Program} | Config].

end_per_suite(_Config) ->
    ok.

any_term(Config) ->
    with_echo(Config, fun(Echo) ->
        Property = proper:forall(prop_convert:any_value(), fun(Term) -> comes_back(Echo, Term) end),
        Options = [{numtests, 400}, {max_size, 40}, {on_output, fun ct:pal/2}],
        ?assert(proper:quickcheck(Property, Options))
    end).

each_size(Config) ->
    Sizes = [0, 1, 31, 32, 33, 127, 128, 129, 255, 256, 1000, 65535, 65536, 100000, 1000000],
    with_echo(Config, fun(Echo) ->
        [
            ?assert(comes_back(Echo, Term))
         || Size <- Sizes,
            Term <- [
                lists:seq(1, Size),
                lists:duplicate(Size, $x),
                lists:duplicate(Size, a) ++ tail,
                list_to_tuple(lists:duplicate(Size, {})),
                maps:from_list([{N, [N]} || N <- lists:seq(1, Size)]),
                maps:from_list([{integer_to_binary(N), N} || N <- lists:seq(1, Size)]),
                binary:copy(<<"x">>, Size),
                <<0:Size, 1:1>>,
                1 bsl min(Size, 4000000),
                -(1 bsl min(Size, 4000000)) + 1,
                lists:foldl(fun(_, Inner) -> [Inner] end, [], lists:seq(1, Size)),
                lists:foldl(fun(_, Inner) -> #{k => {Inner}} end, [], lists:seq(1, Size))
            ]
        ]
    end).

%% The VM's older ways to write things.
any_options(Config) ->
    Terms = [1.5, -0.0, ä, 'день', {<<"binary">>, self(), make_ref()}, #{1 => 2, 1.0 => 3}],
    Options = [[], [deterministic] | [[{minor_version, Minor}] || Minor <- [0, 1, 2]]],
    with_echo(Config, fun(Echo) ->
        [
            ?assertEqual(Term, binary_to_term(Echo(Encoded)))
         || Term <- Terms,
            Option <- Options,
            Encoded <- [encoded(Term, Option)],
            is_binary(Encoded)
        ]
    end).

%% Not in all versions.
encoded(Term, Options) ->
    try
        term_to_binary(Term, Options)
    catch
        error:badarg -> none
    end.

what_the_vm_refuses(Config) ->
    Whole = term_to_binary({#{1 => [a, "text", 2.5]}, 1 bsl 100, <<"b">>, <<1:3>>, self()}),
    Cut = [binary:part(Whole, 0, Size) || Size <- lists:seq(0, byte_size(Whole) - 1)],
    Changed = [
        <<Before/binary, Byte, After/binary>>
     || At <- lists:seq(0, byte_size(Whole) - 1),
        Byte <- [0, 1, 70, 97, 104, 108, 116, 131, 255],
        <<Before:At/binary, _, After/binary>> <- [Whole]
    ],
    with_echo(Config, fun(Echo) -> [same_verdict(Echo, Bin) || Bin <- Cut ++ Changed] end).

same_verdict(Echo, Bin) ->
    Expected =
        try
            {term, binary_to_term(Bin)}
        catch
            error:badarg -> none
        end,
    case {Expected, Echo(Bin)} of
        {none, _} -> ok;  % we may take more than it does, such as an atom with an odd name
        {{term, _}, <<>>} -> ct:fail({refused, Bin});
        {{term, Term}, Again} -> ?assertEqual(Term, binary_to_term(Again))
    end.

comes_back(Echo, Term) ->
    case binary_to_term(Echo(term_to_binary(Term))) of
        Term ->
            true;
        Back ->
            ct:pal("~tP came back as ~tP", [Term, 50, Back, 50]),
            false
    end.

%% Gives the function a function that gives what the program makes of an encoded term.
with_echo(Config, Function) ->
    Port = open_port({spawn_executable, proplists:get_value(program, Config)}, [
        {packet, 4}, binary, exit_status
    ]),
    Echo = fun(Encoded) ->
        port_command(Port, Encoded),
        receive
            {Port, {data, Again}} -> Again;
            {Port, {exit_status, Status}} -> ct:fail({echo_ended, Status})
        end
    end,
    try
        Function(Echo)
    after
        port_close(Port)
    end.
