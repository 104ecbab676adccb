%% Conversions between terms and objects, by example; prop_convert_SUITE has the properties.
-module(convert_SUITE).

-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-export([all/0, init_per_suite/1, end_per_suite/1, init_per_testcase/2, end_per_testcase/2]).
-export([terms_become_objects/1, objects_become_terms/1, binaries_as_asked/1]).
-export([subclasses_convert_as_their_base/1, identifiers_are_values_in_python/1]).
-export([a_fun_is_callable/1, an_opaque_object_comes_back_itself/1]).
-export([an_opaque_object_dies_with_its_last_term/1, a_shared_binary_keeps_its_str/1]).
-export([terms_without_a_row/1, objects_without_a_term/1, keys_that_become_one/1]).
-export([keys_that_raise/1, nested_a_million_times/1, nested_on_a_small_stack/1]).
-export([cycles/1, integers_beyond_the_vm/1]).
-export([changed_while_converted/1, a_long_improper_list/1, a_huge_key_is_shown_short/1]).
-export([no_atom_is_created/1, none_as_asked/1, none_of_the_application/1]).
-export([scalars_of_numpy_are_numbers/1]).
-export([a_reference_from_another_node/1, no_object_behind_a_reference/1]).
-export([exceptions_have_one_shape/1, exceptions_that_misbehave/1, exceptions_of_any_size/1]).

all() ->
    [
        terms_become_objects, objects_become_terms, binaries_as_asked,
        subclasses_convert_as_their_base, identifiers_are_values_in_python, a_fun_is_callable,
        an_opaque_object_comes_back_itself, an_opaque_object_dies_with_its_last_term,
        a_shared_binary_keeps_its_str, terms_without_a_row, objects_without_a_term,
        keys_that_become_one, keys_that_raise, nested_a_million_times, nested_on_a_small_stack,
        cycles, integers_beyond_the_vm, changed_while_converted, a_long_improper_list,
        a_huge_key_is_shown_short, no_atom_is_created, none_as_asked, none_of_the_application,
        scalars_of_numpy_are_numbers, a_reference_from_another_node, no_object_behind_a_reference,
        exceptions_have_one_shape, exceptions_that_misbehave, exceptions_of_any_size
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    {ok, Code} = file:read_file(filename:join(?config(data_dir, Config), "objects.py")),
    ok = py:exec(Code),
    %% It starts threads that stay.
    ok = py:exec(<<"try: import numpy\nexcept ImportError: numpy = None\n">>),
    Config.

end_per_suite(_Config) ->
    ep_test:stop().

init_per_testcase(_Case, Config) ->
    ep_test:before(Config).

end_per_testcase(_Case, Config) ->
    ep_test:audit(Config).

%%% Rows of the table

terms_become_objects(_) ->
    Rows = [
        {1, <<"1">>},
        {-1 bsl 100, <<"-1267650600228229401496703205376">>},
        {1.5, <<"1.5">>},
        {true, <<"True">>},
        {false, <<"False">>},
        {none, <<"None">>},
        {nil, <<"None">>},
        {undefined, <<"None">>},
        {ok, <<"Atom('ok')">>},
        {'grüße', <<"Atom('grüße')"/utf8>>},
        {'день', <<"Atom('день')"/utf8>>},
        {<<"text">>, <<"'text'">>},
        {<<"grüße"/utf8>>, <<"'grüße'"/utf8>>},
        {<<"a", 0, "b">>, <<"'a\\x00b'">>},
        {<<255>>, <<"b'\\xff'">>},
        {{bytes, <<"text">>}, <<"b'text'">>},
        {{bytes, text}, <<"(Atom('bytes'), Atom('text'))">>},
        {[], <<"[]">>},
        {[1, [a]], <<"[1, [Atom('a')]]">>},
        {"ab", <<"[97, 98]">>},
        {{}, <<"()">>},
        {{1, {}}, <<"(1, ())">>},
        {#{1 => #{}}, <<"{1: {}}">>},
        {#{{1, <<"a">>} => 2}, <<"{(1, 'a'): 2}">>}
    ],
    [?assertEqual({Term, {ok, Repr}}, {Term, repr(Term)}) || {Term, Repr} <- Rows].

objects_become_terms(_) ->
    Rows = [
        {<<"10 ** 30">>, 1000000000000000000000000000000},
        {<<"-2 ** 63">>, -(1 bsl 63)},
        {<<"1.5">>, 1.5},
        {<<"float('nan')">>, nan},
        {<<"float('inf')">>, infinity},
        {<<"float('-inf')">>, neg_infinity},
        {<<"True">>, true},
        {<<"None">>, none},
        {<<"erlang.atom('ok')">>, ok},
        {<<"'grüße'"/utf8>>, <<"grüße"/utf8>>},
        {<<"'a\\0b'">>, <<"a", 0, "b">>},
        {<<"b'\\xff'">>, <<255>>},
        {<<"bytearray(b'\\xff')">>, <<255>>},
        {<<"memoryview(b'abcdef')[1:4]">>, <<"bcd">>},
        {<<"memoryview(b'abcdef')[::-2]">>, <<"fdb">>},
        {<<"memoryview(b'')">>, <<>>},
        {<<"[1, [2]]">>, [1, [2]]},
        {<<"(1, ())">>, {1, {}}},
        {<<"{'a': {2: None}}">>, #{<<"a">> => #{2 => none}}},
        {<<"{1}">>, [1]},
        {<<"frozenset([1])">>, [1]}
    ],
    [?assertEqual({Code, {ok, Term}}, {Code, py:eval(Code)}) || {Code, Term} <- Rows].

binaries_as_asked(_) ->
    Arguments = [<<"a">>, {bytes, <<"b">>}, {bytes, [<<"c">>]}],
    Repr = fun(Options) -> py:call(builtins, repr, [Arguments], #{}, Options) end,
    ?assertEqual({ok, <<"['a', b'b', (Atom('bytes'), ['c'])]">>}, Repr(#{binary => str})),
    ?assertEqual({ok, <<"[b'a', b'b', (Atom('bytes'), [b'c'])]">>}, Repr(#{binary => bytes})),
    ?assertEqual(
        {error, {conversion, [{index, 0}], not_utf8}},
        py:call(builtins, repr, [<<255>>], #{}, #{binary => str})
    ).

subclasses_convert_as_their_base(_) ->
    ?assertEqual({ok, {1, 2}}, py:eval(<<"Point(1, 2)">>)),
    ?assertEqual({ok, [2, <<"red">>]}, py:eval(<<"[Number.TWO, Name.RED]">>)),
    ?assertEqual({ok, #{<<"a">> => 2, <<"b">> => 1}}, py:eval(<<"collections.Counter('aab')">>)),
    %% What they are counts, not what they say they are.
    ?assertEqual(
        {ok, {[1], #{1 => 2}, [1], 1, 1.0, <<"a">>, <<"b">>}},
        py:eval(
            <<"(LyingList([1]), LyingDict({1: 2}), LyingSet([1]), LyingInt(1), LyingFloat(1.0),"
                " LyingStr('a'), LyingBytes(b'b'))">>
        )
    ),
    ?assertEqual({ok, -(1 bsl 100)}, py:eval(<<"LyingInt(-2 ** 100)">>)).

%%% Pids, references, ports, funs, opaque objects

identifiers_are_values_in_python(_) ->
    Fun = fun() -> ok end,
    [
        begin
            Locals = #{a => Term, b => Term, other => Other},
            ?assertEqual(
                {ok, [true, true, true, true, true, false]},
                py:eval(
                    <<"[a == b, hash(a) == hash(b), {a: 1}[b] == 1, a != other,"
                        " copy.deepcopy(a) is a, a == 1]">>,
                    Locals
                )
            ),
            ?assertEqual({ok, Type}, py:eval(<<"type(a).__name__">>, Locals)),
            [
                ?assertMatch(
                    {error, {exception, #{type := <<"TypeError">>}}}, py:eval(Code, Locals)
                )
             || Code <- [
                    <<"type(a)()">>,
                    <<"type('X', (type(a),), {})">>,
                    <<"setattr(type(a), 'x', 1)">>,
                    <<"pickle.dumps(a)">>,
                    <<"a < b">>
                ]
            ],
            ?assertMatch(
                {error, {exception, #{type := <<"AttributeError">>}}},
                py:eval(<<"setattr(a, 'x', 1)">>, Locals)
            )
        end
     || {Term, Other, Type} <- [
            {self(), whereis(init), <<"Pid">>},
            {make_ref(), make_ref(), <<"Ref">>},
            {hd(erlang:ports()), make_ref(), <<"Port">>},
            {Fun, fun() -> error end, <<"Fun">>},
            {fun lists:map/2, fun lists:map/3, <<"Fun">>}
        ]
    ],
    Shown = iolist_to_binary(io_lib:format("<erlang.Pid ~p>", [self()])),
    ?assertEqual({ok, Shown}, repr(self())).

a_fun_is_callable(_) ->
    Fun = fun(X, Y) -> {X, Y} end,
    ?assertEqual({ok, {1, <<"a">>}}, py:eval(<<"f(1, 'a')">>, #{f => Fun})),
    ?assertMatch(
        {error, {exception, #{type := <<"TypeError">>}}}, py:eval(<<"f(1, y=2)">>, #{f => Fun})
    ).

an_opaque_object_comes_back_itself(_) ->
    {ok, Thing} = py:eval(<<"thing">>),
    ?assert(is_reference(Thing)),
    ?assertEqual({ok, true}, py:eval(<<"x is thing">>, #{x => Thing})),
    ?assertEqual({ok, true}, py:eval(<<"x[0][0] is thing">>, #{x => [{Thing}]})),
    ?assertEqual({ok, 7}, py:eval(<<"d[thing]">>, #{d => #{Thing => 7}})),
    {ok, Again} = py:eval(<<"{'x': [thing]}['x'][0]">>),
    ?assertEqual({ok, true}, py:eval(<<"x is y">>, #{x => Thing, y => Again})),
    %% A reference that another process got, and that crossed in the external format.
    Copy = binary_to_term(term_to_binary(Thing)),
    ?assertEqual({ok, true}, py:eval(<<"x is thing">>, #{x => Copy})).

an_opaque_object_dies_with_its_last_term(_) ->
    Self = self(),
    {Holder, Monitor} = spawn_monitor(fun() ->
        {ok, Things} = py:eval(<<"[announce_death(Thing(), pid) for _ in range(1000)]">>, #{
            pid => Self
        }),
        Self ! {self(), held},
        receive
            stop -> length(Things)
        end
    end),
    receive
        {Holder, held} -> ok
    end,
    receive
        <<"dead">> -> ct:fail(died_too_early)
    after 0 -> ok
    end,
    Holder ! stop,
    receive
        {'DOWN', Monitor, process, Holder, normal} -> ok
    end,
    await_deaths(1000).

a_shared_binary_keeps_its_str(_) ->
    Self = self(),
    Size = 1000000,
    {Holder, Monitor} = spawn_monitor(fun() ->
        {ok, Text} = py:eval(<<"announce_death(Text('x' * n), pid)">>, #{n => Size, pid => Self}),
        garbage_collect(),
        ?assertEqual(binary:copy(<<"x">>, Size), Text),
        Part = binary:part(Text, 10, 10),
        receive
            stop -> ?assertEqual(<<"xxxxxxxxxx">>, Part)
        end
    end),
    Holder ! stop,
    receive
        {'DOWN', Monitor, process, Holder, Reason} -> ?assertEqual(normal, Reason)
    end,
    await_deaths(1).

await_deaths(0) ->
    ok;
await_deaths(N) ->
    receive
        <<"dead">> -> await_deaths(N - 1)
    after 10000 -> ct:fail({still_alive, N})
    end.

%%% What has no counterpart

terms_without_a_row(_) ->
    Failures = [
        {[1 | 2], [], improper_list},
        {[0, [1 | 2]], [{index, 1}], improper_list},
        {<<1:1>>, [], bitstring},
        {{bytes, <<1:1>>}, [{index, 1}], bitstring},
        {#{a => [<<1:1>>]}, [{key, a}, {index, 0}], bitstring},
        {#{<<"k">> => {x, <<1:1>>}}, [{key, <<"k">>}, {index, 1}], bitstring},
        {#{[1] => a}, [{map_key, <<"[1]">>}], unhashable_key},
        {#{#{} => a}, [{map_key, <<"#{}">>}], unhashable_key},
        {#{{1, []} => a}, [{map_key, <<"{1,[]}">>}], unhashable_key},
        {#{5 => #{<<1:1>> => a}}, [{key, 5}, {map_key, <<"<<1:1>>">>}], bitstring}
    ],
    [
        ?assertEqual({Term, {error, {conversion, [{index, 0} | Path], Why}}}, {Term, repr(Term)})
     || {Term, Path, Why} <- Failures
    ].

objects_without_a_term(_) ->
    Failures = [
        {<<"'\\ud800'">>, [], lone_surrogate},
        {<<"'\\ud800' * 100000">>, [], lone_surrogate},
        {<<"[0, {'a': ('\\udfff',)}]">>, [{index, 1}, {key, <<"a">>}, {index, 0}], lone_surrogate},
        {<<"{1: {('\\ud800',)}}">>, [{key, 1}, {index, 0}, {index, 0}], lone_surrogate},
        {<<"{('\\ud800',): 1}">>, [{map_key, <<"<tuple>">>}, {index, 0}], lone_surrogate},
        {<<"{'\\ud800': 1}">>, [{map_key, <<"\\ud800">>}], lone_surrogate}
    ],
    [
        ?assertEqual({Code, {error, {conversion, Path, Why}}}, {Code, py:eval(Code)})
     || {Code, Path, Why} <- Failures
    ],
    ?assertMatch(
        {error, {conversion, [{index, 0}], <<"ValueError: ", _/binary>>}},
        py:eval(<<"[released_memoryview()]">>)
    ).

keys_that_become_one(_) ->
    [
        ?assertMatch(
            {Map, {error, {conversion, [{index, 0}, {map_key, _}], duplicate_key}}},
            {Map, repr(Map)}
        )
     || Map <- [
            #{1 => a, 1.0 => b},
            #{true => a, 1 => b},
            #{false => a, 0.0 => b},
            #{none => a, nil => b},
            #{a => 1, <<"a">> => 2},
            #{{1, true} => a, {true, 1.0} => b}
        ]
    ],
    [
        ?assertEqual(
            {Code, {error, {conversion, [{map_key, Key}], duplicate_key}}}, {Code, py:eval(Code)}
        )
     || {Code, Key} <- [
            {<<"{'a': 1, b'a': 2}">>, <<"a">>},
            {<<"{None: 1, erlang.atom('none'): 2}">>, none},
            {<<"{float('nan'): 1, float('nan'): 2}">>, nan},
            {<<"{**{i: i for i in range(100)}, '': 0, b'': 0}">>, <<>>}
        ]
    ].

keys_that_raise(_) ->
    {ok, Key} = py:eval(<<"BadKey()">>),
    ?assertMatch(
        {error, {conversion, [{index, 0}, {map_key, _}], <<"RuntimeError: no hash today">>}},
        repr(#{Key => 1})
    ).

nested_a_million_times(_) ->
    [
        ?assertMatch({error, {conversion, [_ | _], too_deep}}, repr(nest(1000000, Wrap, a)))
     || Wrap <- [list, tuple, value, key]
    ],
    ?assertMatch({error, {conversion, [_ | _], too_deep}}, py:eval(<<"nested(1000000)">>)).

nest(0, _Wrap, Term) -> Term;
nest(N, Wrap, Term) -> nest(N - 1, Wrap, wrap(Wrap, Term)).

wrap(list, Term) -> [Term];
wrap(tuple, Term) -> {Term};
wrap(value, Term) -> #{a => Term};
wrap(key, Term) -> #{{Term} => a}.

nested_on_a_small_stack(_) ->
    ok = py:exec(<<"
import erlang, threading
def on_a_small_stack(size, function):
    outcome = []
    def body():
        try: outcome.append(function())
        except erlang.ConversionError as error: outcome.append(str(error))
    threading.stack_size(size)
    thread = threading.Thread(target=body)
    thread.start()
    threading.stack_size(0)
    thread.join()
    return outcome[0]
def there(size, term, call): return on_a_small_stack(size, lambda: len(call(term)))
def back(size, call): return on_a_small_stack(size, lambda: len(call()))
">>),
    [begin
        Deep = nest(900, Wrap, a),
        There = fun(Size, Term) -> py:call('__main__', there, [Size, Term, fun(X) -> X end]) end,
        Back = fun(Size, Term) -> py:call('__main__', back, [Size, fun() -> Term end]) end,
        [begin
            {ok, 1} = Way(16#100000, Deep),
            {ok, 1} = Way(16#10000, nest(20, Wrap, a)),
            [begin
                {ok, Text} = Way(Size, Deep),
                {_, _} = binary:match(Text, <<"nested too deeply">>)
             end || Size <- [16#10000, 16#18000]]
         end || Way <- [There, Back]]
     end || Wrap <- [list, tuple, value]].

cycles(_) ->
    [
        ?assertMatch({Code, {error, {conversion, [_ | _], too_deep}}}, {Code, py:eval(Code)})
     || Code <- [<<"cyclic_list()">>, <<"cyclic_dict()">>, <<"(1, cyclic_list())">>]
    ].

integers_beyond_the_vm(_) ->
    N = 1 bsl 100000,
    ?assertEqual({ok, [N, -N]}, py:eval(<<"[n, -n]">>, #{n => N})),
    TooLarge = {error, {conversion, [{index, 1}], too_large}},
    ?assertEqual(TooLarge, py:eval(<<"[0, 1 << 100000000]">>)).

%% Whether it happens depends on when Python collects garbage; it must be safe if it does.
changed_while_converted(_) ->
    [
        begin
            {ok, Trap} = py:call('__main__', 'Trap', [Kind]),
            Result = py:call_method(Trap, set_up, []),
            {ok, none} = py:call_method(Trap, take_down, []),
            case Result of
                {ok, Elements} when Kind =:= list -> ?assert(is_list(Elements));
                {ok, Elements} -> ?assertEqual(100, map_size(Elements));
                {error, {conversion, _, Why}} -> ?assertEqual({dict, changed}, {Kind, Why})
            end
        end
     || Kind <- [list, dict]
    ].

a_long_improper_list(_) ->
    Improper = lists:foldl(fun(N, Tail) -> [N | Tail] end, tail, lists:seq(1, 1000000)),
    ?assertEqual({error, {conversion, [{index, 0}], improper_list}}, repr(Improper)).

a_huge_key_is_shown_short(_) ->
    [
        begin
            {error, {conversion, [{index, 0}, {key, Shown}], bitstring}} = repr(#{Key => <<1:1>>}),
            ?assert(byte_size(Shown) < 100)
        end
     || Key <- [
            binary:copy(<<"k">>, 1000000),
            binary:copy(<<"€"/utf8>>, 1000000),
            list_to_tuple(lists:seq(1, 100000)),
            1 bsl 100000
        ]
    ],
    {error, {conversion, [{key, Shown}], lone_surrogate}} =
        py:eval(<<"{'k' * 10 ** 7: '\\ud800'}">>),
    ?assert(byte_size(Shown) < 200).

no_atom_is_created(_) ->
    Names = <<"['never_seen_%d' % i for i in range(1000)]">>,
    {ok, _} = py:eval(Names),
    Before = erlang:system_info(atom_count),
    {ok, [_ | _]} = py:eval(Names),
    {ok, 1000} = py:eval(<<"no_such_atoms(", Names/binary, ")">>),
    ?assertEqual(Before, erlang:system_info(atom_count)).

%%% None

none_as_asked(_) ->
    Value = fun(None) -> {ok, #{<<"a">> => [None, {None, None}], None => None}} end,
    Code = <<"{'a': [None, (None, None)], None: None}">>,
    Asked = fun(None) -> py:eval(Code, #{}, #{none => None}) end,
    ?assertEqual(Value(none), py:eval(Code)),
    [?assertEqual(Value(None), Asked(None)) || None <- [none, nil, undefined]],
    ?assertEqual(Value(none), Asked(default)),
    ?assertError({bad_option, {none, null}}, Asked(null)),
    ?assertEqual({ok, nil}, py:call(typing, cast, [1, nil], #{}, #{none => nil})),
    %% Of a context.
    {ok, Context} = py_context:start_link([{none, nil}]),
    ?assertEqual(Value(nil), py_context:eval(Context, Code)),
    ?assertEqual(Value(none), py_context:eval(Context, Code, #{}, #{none => none})),
    ?assertEqual(ok, py_context:exec(Context, <<"unused = None">>)),
    %% What its code sends, from the call and from a task, is the same.
    Self = self(),
    Send = fun(X) -> Self ! {called, X}, X end,
    ?assertEqual({ok, nil}, py_context:eval(Context, <<"f(None)">>, #{f => Send})),
    ?assertEqual({ok, nil}, py_context:call(Context, '__main__', send_none, [Self, Send])),
    ?assertEqual([{called, nil}, {called, nil}, nil], received(3)),
    ok = py_context:stop(Context).

none_of_the_application(_) ->
    Args = ["-erlang_python", "none", "nil", "-pa" | code:get_path()],
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => Args}),
    Call = fun(Module, Function, Arguments) ->
        peer:call(Peer, Module, Function, Arguments, 60000)
    end,
    {ok, _} = Call(application, ensure_all_started, [erlang_python]),
    ?assertEqual({ok, [nil]}, Call(py, eval, [<<"[None]">>])),
    ?assertEqual({ok, [none]}, Call(py, eval, [<<"[None]">>, #{}, #{none => none}])),
    ?assertEqual(ok, Call(py, exec, [<<"unused = None">>])),
    ?assertEqual({ok, nil}, Call(py_event_loop, run, [asyncio, sleep, [0]])),
    ?assertEqual({ok, <<"nil">>},
                 Call(py, eval, [<<"f(None)">>, #{f => fun erlang:atom_to_binary/1}])),
    ok = peer:stop(Peer).

received(0) -> [];
received(N) ->
    receive
        Message -> [Message | received(N - 1)]
    after 10000 -> ct:fail(no_message)
    end.

scalars_of_numpy_are_numbers(_) ->
    case py:eval(<<"numpy is None">>) of
        {ok, true} -> {skip, no_numpy};
        _ -> scalars_of_numpy()
    end.

scalars_of_numpy() ->
    [
        ?assertEqual({Code, {ok, Number}}, {Code, py:eval(<<"numpy.", Code/binary>>)})
     || {Code, Number} <- [
            {<<"int64(-5)">>, -5},
            {<<"int8(127)">>, 127},
            {<<"uint64(2 ** 64 - 1)">>, 1 bsl 64 - 1},
            {<<"float32(0.1)">>, 0.10000000149011612},
            {<<"float16(-1.5)">>, -1.5},
            {<<"float64(0.1)">>, 0.1},
            {<<"float32('nan')">>, nan},
            {<<"float16('-inf')">>, neg_infinity},
            {<<"bool_(True)">>, true},
            {<<"bool_(False)">>, false},
            {<<"array([1, 2])[1]">>, 2},
            {<<"arange(6.0).sum() > 3">>, true},
            {<<"str_('text')">>, <<"text">>},
            {<<"arange(3).tolist()">>, [0, 1, 2]}
        ]
    ],
    ?assertEqual({ok, #{1 => [{true, 2}]}},
                 py:eval(<<"{numpy.int32(1): [(numpy.bool_(1), numpy.uint8(2))]}">>)),
    [?assertMatch({Code, {ok, Ref}} when is_reference(Ref),
                  {Code, py:eval(<<"numpy.", Code/binary>>)})
     || Code <- [<<"longdouble(1)">>, <<"complex64(1)">>, <<"timedelta64(1, 's')">>,
                 <<"datetime64('2020-01-01')">>, <<"array(1)">>, <<"array([1, 2])">>]].

%%% References that travel

%% A reference that is kept at home only by way of another node is kept by nobody.
a_reference_from_another_node(_) ->
    ep_test:with_peer(fun(Node) ->
        Keep = fun() -> receive {give, To} -> To ! {given, get(kept)} end end,
        Abroad = fun(Ref) ->
            spawn(Node, erlang, apply, [fun() -> put(kept, Ref), Keep() end, []])
        end,
        Given = fun(Pid) -> Pid ! {give, self()}, receive {given, Ref} -> Ref end end,
        %% Kept at home as well: it is the object.
        {ok, Thing} = py:eval(<<"thing">>),
        Back = Given(Abroad(Thing)),
        ?assertEqual({ok, true}, py:eval(<<"x is thing">>, #{x => Back})),
        ?assert(is_reference(Thing)),
        %% Not kept: the object goes, as any does with its last term.
        Self = self(),
        Traveller = spawn_link(fun() ->
            {ok, Mortal} = py:eval(<<"announce_death(Thing(), pid)">>, #{pid => Self}),
            Self ! {abroad, Abroad(Mortal)}
        end),
        Holder = receive {abroad, Pid} -> Pid end,
        await_deaths(1),
        ?assertNot(is_process_alive(Traveller)),
        Dead = Given(Holder),
        ?assert(is_reference(Dead)),
        gone(Dead)
    end).

no_object_behind_a_reference(_) ->
    gone(make_ref()),
    gone(binary_to_term(<<131, 90, 3:16, 119, 10, "other@host", 7:32, 1:32, 2:32, 3:32>>)).

gone(Ref) ->
    NoObject = {error, {conversion, [], no_object}},
    ?assertEqual(NoObject, py:call_method(Ref, append, [1])),
    ?assertEqual(NoObject, py:getattr(Ref, name)),
    ?assertEqual({ok, <<"Ref">>}, py:eval(<<"type(x).__name__">>, #{x => Ref})),
    {error, {exception, #{type := <<"AttributeError">>, message := Message}}} =
        py:eval(<<"x.append(1)">>, #{x => Ref}),
    ?assertMatch({_, _}, binary:match(Message, <<"to no Python object, or to one that has gone">>)),
    ?assertEqual({ok, false}, py:eval(<<"hasattr(x, 'append')">>, #{x => Ref})).

%%% Exceptions

exceptions_have_one_shape(_) ->
    {error, {exception, Reason}} = py:eval(<<"fail(KeyError('grüße'))"/utf8>>),
    ?assertMatch(
        #{
            type := <<"KeyError">>,
            module := <<"builtins">>,
            message := <<"'grüße'"/utf8>>,
            traceback := <<"Traceback (most recent call last):\n", _/binary>>
        },
        Reason
    ),
    ?assertEqual(4, map_size(Reason)),
    ?assertMatch({_, _}, binary:match(maps:get(traceback, Reason), <<", in fail\n">>)),
    [
        ?assertMatch({error, {exception, #{type := Type, module := <<"builtins">>}}}, py:eval(Code))
     || {Code, Type} <- [
            {<<"fail(SystemExit(3))">>, <<"SystemExit">>},
            {<<"fail(KeyboardInterrupt())">>, <<"KeyboardInterrupt">>},
            {<<"fail(GeneratorExit())">>, <<"GeneratorExit">>},
            {<<"1 +">>, <<"SyntaxError">>}
        ]
    ],
    ?assertMatch(
        {error, {exception, #{type := <<"Outer.Inner">>, module := <<"__main__">>}}},
        py:eval(<<"fail(Outer.Inner())">>)
    ),
    ?assertEqual({error, cancelled}, py:eval(<<"fail(asyncio.CancelledError())">>)).

exceptions_that_misbehave(_) ->
    [
        begin
            {error, {exception, #{type := Got, message := Message, traceback := Traceback}}} =
                py:eval(Code),
            ?assertEqual({Code, Type}, {Code, Got}),
            ?assert(is_binary(Message) andalso is_binary(Traceback))
        end
     || {Code, Type} <- [
            {<<"fail(StrRaises())">>, <<"StrRaises">>},
            {<<"fail(StrGivesInt())">>, <<"StrGivesInt">>},
            {<<"fail(SpoiltType())">>, <<"SpoiltType">>},
            {<<"fail(ValueError('\\ud800'))">>, <<"ValueError">>},
            {<<"fail(cyclic_cause())">>, <<"ValueError">>},
            {<<"recurse()">>, <<"RecursionError">>}
        ]
    ].

exceptions_of_any_size(_) ->
    [
        begin
            {error, {exception, #{message := Message, traceback := Traceback}}} = py:eval(Code),
            ?assert(byte_size(Message) < 100000),
            ?assert(byte_size(Traceback) < 300000),
            ?assertMatch({_, _}, binary:match(Traceback, <<" characters left out] ...">>))
        end
     || Code <- [
            <<"fail(ValueError('x' * 10 ** 7))">>,
            <<"fail(ValueError('€' * 10 ** 7))"/utf8>>,
            <<"fail(long_chain(1000))">>
        ]
    ].

repr(Term) ->
    py:call(builtins, repr, [Term]).
