%% Runs the properties of prop_convert, each as a case.
-module(prop_convert_SUITE).

-include_lib("stdlib/include/assert.hrl").

-export([all/0, init_per_suite/1, end_per_suite/1]).
-export([round_trip/1, path/1, depth/1, integers/1, floats/1, binaries/1, binaries_as_asked/1]).
-export([atoms/1, sizes/1]).

all() ->
    [round_trip, path, depth, integers, floats, binaries, binaries_as_asked, atoms, sizes].

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_suite(_Config) ->
    application:stop(erlang_python).

round_trip(_) -> holds(prop_convert:prop_round_trip(), 400).
path(_) -> holds(prop_convert:prop_path(), 100).
depth(_) -> holds(prop_convert:prop_depth(), 60).
integers(_) -> holds(prop_convert:prop_integers(), 300).
floats(_) -> holds(prop_convert:prop_floats(), 200).
binaries(_) -> holds(prop_convert:prop_binaries(), 200).
binaries_as_asked(_) -> holds(prop_convert:prop_binaries_as_asked(), 60).
sizes(_) -> holds(prop_convert:prop_sizes(), 60).
atoms(_) -> holds(prop_convert:prop_atoms(), 100).

holds(Property, Runs) ->
    Options = [{numtests, Runs}, {max_size, 30}, {on_output, fun ct:pal/2}],
    ?assert(proper:quickcheck(Property, Options)).
