%% @private
%% @doc What somebody may have meant who wrote a name that nobody knows.
-module(py_nearest).

-export([name/2, hint/2]).

%% @doc The known name that is nearest to another; `none' if they have too little in common.
-spec name(term(), [atom()]) -> {ok, atom()} | none.
name(Name, _Known) when not is_atom(Name) ->
    none;
name(Name, Known) ->
    Text = atom_to_list(Name),
    Distances = [{distance(Text, atom_to_list(Each)), Each} || Each <- Known],
    case lists:sort(Distances) of
        [{Distance, Nearest} | _] when 2 * Distance =< length(Text) -> {ok, Nearest};
        _ -> none
    end.

%% @doc For a message about the name: the nearest known one, and all of them.
-spec hint(term(), [atom()]) -> iolist().
hint(Name, Known) ->
    All = lists:join(", ", [io_lib:format("~tp", [Each]) || Each <- lists:sort(Known)]),
    case name(Name, Known) of
        {ok, Nearest} -> io_lib:format("did you mean ~tp? known: ~ts", [Nearest, All]);
        none -> ["known: ", All]
    end.

%% How many characters have to be put in, taken out or changed: row by row of Levenshtein's table.
%% No name has more than 255 characters.
distance(From, To) ->
    First = lists:seq(0, length(To)),
    lists:last(lists:foldl(fun(Char, Row) -> next_row(Char, To, Row) end, First, From)).

next_row(Char, To, [Corner | _] = Row) ->
    next_row(Char, To, Row, [Corner + 1]).

next_row(_Char, [], [_], Done) ->
    lists:reverse(Done);
next_row(Char, [Other | To], [Diagonal, Above | Row], [Left | _] = Done) ->
    Changed = if Char =:= Other -> Diagonal; true -> Diagonal + 1 end,
    next_row(Char, To, [Above | Row], [min(Changed, 1 + min(Above, Left)) | Done]).
