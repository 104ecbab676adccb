%% PropEr's macros, as far as the properties here use them: Debian's package of it comes without its
%% header.
-define(FORALL(X, Type, Property), proper:forall(Type, fun(X) -> Property end)).
-define(LET(X, Type, Value), proper_types:bind(Type, fun(X) -> Value end, false)).
-define(SIZED(Size, Type), proper_types:sized(fun(Size) -> Type end)).

-import(proper_types, [atom/0, binary/0, binary/1, char/0, exactly/1, float/0, frequency/1]).
-import(proper_types, [integer/0, list/1, loose_tuple/1, non_empty/1, oneof/1, range/2, resize/2]).
