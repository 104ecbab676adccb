%% @doc Properties of the conversions between terms and objects; prop_convert_SUITE runs them.
%%
%% Terms go through `typing.cast', which gives back its second argument. `back/1' is the model: what
%% a term is when it comes back.
-module(prop_convert).

-include("generators.hrl").

-export([prop_round_trip/0, prop_path/0, prop_depth/0, prop_integers/0, prop_floats/0]).
-export([prop_binaries/0, prop_binaries_as_asked/0, prop_atoms/0, prop_sizes/0]).
-export([any_value/0, back/1]).

-define(MAX_DEPTH, 1000).

%%% Properties

%% Any term that has a row in the table comes back as the table says.
prop_round_trip() ->
    ?FORALL(Term, value(), same({ok, back(Term)}, identity(Term))).

%% What has no row is an error that says where it is, wherever that may be.
prop_path() ->
    ?FORALL(
        {Term, Path, Why},
        planted(),
        same({error, {conversion, [{index, 1} | Path], Why}}, identity(Term))
    ).

%% Nesting is converted up to a depth, and beyond it an error, whatever it is made of.
prop_depth() ->
    ?FORALL({Depth, Wraps}, {depth(), non_empty(list(oneof([list, tuple, map])))}, begin
        Term = nest(Depth, Wraps, 1),
        case identity(Term) of
            {ok, Back} -> Depth =< ?MAX_DEPTH andalso Back =:= Term;
            {error, {conversion, Path, too_deep}} -> Depth > ?MAX_DEPTH andalso length(Path) < 50
        end
    end).

%% Containers of all sizes, also inside of others.
prop_sizes() ->
    ?FORALL(Term, long(), same({ok, back(Term)}, identity(Term))).

prop_integers() ->
    ?FORALL(N, any_integer(), same({ok, N}, identity(N))).

prop_floats() ->
    ?FORALL(F, any_float(), begin
        {ok, Back} = identity(F),
        same(<<F/float>>, <<Back/float>>)
    end).

%% Whatever a binary holds and becomes, it comes back as it was; {bytes, Bin} without its tuple.
prop_binaries() ->
    ?FORALL(Bin, any_binary(), same({ok, [Bin, Bin]}, identity([Bin, {bytes, Bin}]))).

prop_binaries_as_asked() ->
    ?FORALL(Bin, any_binary(), begin
        TypeName = fun(Options) -> py:eval(<<"type(x).__name__">>, #{x => Bin}, Options) end,
        {Auto, AsStr} =
            case is_utf8(Bin) of
                true -> {<<"str">>, {ok, <<"str">>}};
                false -> {<<"bytes">>, {error, {conversion, [{key, <<"x">>}], not_utf8}}}
            end,
        same({ok, <<"bytes">>}, TypeName(#{binary => bytes})) andalso
            same(AsStr, TypeName(#{binary => str})) andalso
            same({ok, Auto}, TypeName(#{binary => auto}))
    end).

%% An atom is equal to the str of its text, and can be had by that from Python.
prop_atoms() ->
    ?FORALL(Atom, any_atom(), begin
        Found = <<"__import__('erlang').atom(text)">>,
        Locals = #{text => atom_to_binary(Atom), other => {Atom}},
        same({ok, Atom}, py:eval(Found, Locals)) andalso
            same({ok, true}, py:eval([Found, <<" == text">>], Locals))
    end).

same(Expected, Expected) ->
    true;
same(Expected, Got) ->
    io:format("expected ~tp~ngot ~tp~n", [Expected, Got]),
    false.

identity(Term) ->
    Called = py:call(typing, cast, [none, Term]),
    %% What small terms of a task are kept in until it runs is another way.
    Called = py:await(py_event_loop:create_task(typing, cast, [none, Term])).

%%% The model

back(nil) -> none;
back(undefined) -> none;
back({bytes, Bin}) when is_binary(Bin) -> Bin;
back(List) when is_list(List) -> [back(Element) || Element <- List];
back(Tuple) when is_tuple(Tuple) -> list_to_tuple(back(tuple_to_list(Tuple)));
back(Map) when is_map(Map) -> maps:from_list([{back(K), back(V)} || {K, V} <- maps:to_list(Map)]);
back(Term) -> Term.

%% Equal for two keys if they are the same key of a dict.
dict_key(true) -> 1;
dict_key(false) -> 0;
dict_key(F) when is_float(F), trunc(F) == F -> trunc(F);
dict_key(Tuple) when is_tuple(Tuple) -> list_to_tuple([dict_key(E) || E <- tuple_to_list(Tuple)]);
dict_key(Atom) when is_atom(Atom), Atom =/= none -> atom_to_binary(Atom);
dict_key(Term) -> Term.

is_utf8(Bin) ->
    is_list(unicode:characters_to_list(Bin)).

nest(0, _Wraps, Term) ->
    Term;
nest(Depth, [Wrap | Wraps], Term) ->
    nest(Depth - 1, Wraps ++ [Wrap], wrap(Wrap, Term)).

wrap(list, Term) -> [Term];
wrap(tuple, Term) -> {Term};
wrap(map, Term) -> #{key => Term}.

%%% Generators

value() ->
    ?SIZED(Size, value(Size)).

value(0) ->
    leaf();
value(Size) ->
    Smaller = value(Size div 3),
    Containers = frequency([
        {2, leaf()},
        {1, list(Smaller)},
        {1, loose_tuple(Smaller)},
        {1, ?LET(Pairs, list({key(Size div 3), Smaller}), maps:from_list(distinct(Pairs)))}
    ]),
    resize(Size, Containers).

%% For fuzzers: containers of all sizes, of all that there is.
any_value() ->
    frequency([{3, value()}, {1, long()}, {1, any_binary()}]).

%% A long container, alone or in another, with a few elements of any kind among many simple ones.
long() ->
    ?LET(
        {N, Kind, Key, Few, Around},
        {container_size(), oneof([list, tuple, map]), oneof([integer, text, pair]),
         resize(3, list(leaf())), oneof([none, list, tuple, map])},
        around(Around, contained(Kind, [element_of(Key, I) || I <- lists:seq(1, N)], Few))
    ).

%% Where the VM changes how it makes or keeps a container, and a tail that gets thin.
container_size() ->
    frequency([
        {4, oneof([0, 1, 31, 32, 33, 127, 128, 129, 130])},
        {4, range(0, 300)},
        {2, range(300, 5000)},
        {1, range(5000, 50000)}
    ]).

element_of(integer, I) -> I;
element_of(text, I) -> integer_to_binary(I);
element_of(pair, I) -> {I, <<"k">>}.

contained(list, Elements, Few) -> Elements ++ Few;
contained(tuple, Elements, Few) -> list_to_tuple(Few ++ Elements);
contained(map, Elements, Few) -> maps:from_list([{Element, Few} || Element <- Elements]).

around(none, Term) -> Term;
around(Wrap, Term) -> wrap(Wrap, Term).

leaf() ->
    Binary = small_binary(),
    oneof([any_integer(), any_float(), any_atom(), Binary, {bytes, Binary}, identifier()]).

key(0) -> leaf();
key(Size) -> frequency([{5, leaf()}, {1, loose_tuple(key(Size div 3))}]).

%% Without the pairs whose key is the same as another's, in Python or when it is back.
distinct(Pairs) ->
    {Distinct, _} = lists:foldl(
        fun({Key, _} = Pair, {Kept, Seen}) ->
            Keys = [back(Key), dict_key(back(Key))],
            case [K || K <- Keys, is_map_key(K, Seen)] of
                [] -> {[Pair | Kept], maps:merge(Seen, maps:from_keys(Keys, true))};
                _ -> {Kept, Seen}
            end
        end,
        {[], #{}},
        Pairs
    ),
    Distinct.

any_integer() ->
    oneof([
        integer(),
        ?LET({Sign, Bits, Near}, {oneof([1, -1]), edge(), range(-2, 2)},
            Sign * (1 bsl Bits) + Near),
        ?LET(Bytes, binary(), binary:decode_unsigned(<<0, Bytes/binary>>)),
        ?LET({Bits, N}, {range(1000, 20000), integer()}, N bsl Bits)
    ]).

%% Where machine words and the VM's small integers end.
edge() ->
    oneof([31, 32, 59, 60, 63, 64, 128]).

any_float() ->
    oneof([
        float(),
        oneof([0.0, -0.0, 5.0e-324, -1.7976931348623157e308, 0.1, 1.0e22, float(1 bsl 53)]),
        ?LET(Bits, binary(8), float_of(Bits))
    ]).

float_of(<<F/float>>) -> F;
float_of(_NanOrInfinity) -> 0.0.

any_atom() ->
    oneof([
        atom(),
        oneof([true, false, none, nil, undefined, ok, bytes, nan, '', 'a b', 'Elixir.Enum']),
        oneof(['grüße', 'день', '日本', '🐍']),
        ?LET(Length, oneof([85, 86, 254, 255]), list_to_atom(lists:duplicate(Length, 16#20AC)))
    ]).

any_binary() ->
    oneof([small_binary(), large_binary()]).

small_binary() ->
    oneof([binary(), ?LET(Text, list(oneof([range(0, 127), char()])), encoded(Text))]).

%% About as long as what crosses without a copy.
large_binary() ->
    ?LET(
        {Unit, Count},
        {oneof([<<"x">>, <<"é"/utf8>>, <<"🐍"/utf8>>, <<255>>]), range(65530, 65540)},
        binary:copy(Unit, Count)
    ).

%% Surrogates, which char() has, are no characters of UTF-8.
encoded(Text) ->
    unicode:characters_to_binary([C || C <- Text, C < 16#D800 orelse C > 16#DFFF]).

identifier() ->
    oneof([
        exactly(self()),
        ?LET(_, integer(), make_ref()),
        oneof(erlang:ports()),
        exactly(fun erlang:now/0),
        exactly(fun no_such_module:f/3),
        ?LET(N, integer(), fun(X) -> X + N end),
        remote_identifier()
    ]).

%% A pid, a reference and a port of a node that was never met.
remote_identifier() ->
    ?LET(
        {Kind, Id},
        {oneof([pid, reference, port]), range(1, 1000)},
        begin
            Node = <<119, 10, "other@host">>,
            Encoded =
                case Kind of
                    pid -> <<88, Node/binary, Id:32, 0:32, 7:32>>;
                    reference -> <<90, 3:16, Node/binary, 7:32, Id:32, 2:32, 3:32>>;
                    port -> <<120, Node/binary, Id:64, 7:32>>
                end,
            binary_to_term(<<131, Encoded/binary>>)
        end
    ).

depth() ->
    oneof([range(1, 50), range(?MAX_DEPTH - 2, ?MAX_DEPTH + 2), range(5000, 50000)]).

%% A term that has no object, with the path to the culprit and what is wrong with it.
planted() ->
    Layers = resize(8, list(layer())),
    ?LET({Culprit, Around}, {culprit(), Layers}, lists:foldl(fun plant/2, Culprit, Around)).

culprit() ->
    oneof([
        {exactly([1 | 2]), [], improper_list},
        {exactly(<<5:3>>), [], bitstring},
        {exactly(#{[] => 1}), [{map_key, <<"[]">>}], unhashable_key},
        {exactly(#{{#{}} => 1}), [{map_key, <<"{#{}}">>}], unhashable_key},
        {exactly(#{a => 1, <<"a">> => 2}), [{map_key, <<"a">>}], duplicate_key}
    ]).

layer() ->
    Values = resize(2, list(value())),
    oneof([{list, Values, Values}, {tuple, Values, Values}, {map, shown_key()}]).

shown_key() ->
    oneof([any_atom(), integer(), <<"name">>, <<"größe"/utf8>>]).

plant({list, Before, After}, {Term, Path, Why}) ->
    {Before ++ [Term | After], [{index, length(Before)} | Path], Why};
plant({tuple, Before, After}, {Term, Path, Why}) ->
    {list_to_tuple(Before ++ [Term | After]), [{index, length(Before)} | Path], Why};
plant({map, Key}, {Term, Path, Why}) ->
    {#{Key => Term}, [{key, Key} | Path], Why}.
