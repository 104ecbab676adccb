%% @private
%% @doc Points in time by which something has to be done.
-module(py_deadline).

-export([in/1, left/1]).
-export_type([deadline/0]).

-type deadline() :: infinity | integer().
%% Of the monotonic clock, in milliseconds.

-spec in(timeout()) -> deadline().
in(infinity) -> infinity;
in(Milliseconds) -> erlang:monotonic_time(millisecond) + Milliseconds.

-spec left(deadline()) -> timeout().
left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).
