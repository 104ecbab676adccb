%% What the demo prints: its progress, and the table at the end.
-module(demo_table).

-export([start_progress/0, stop_progress/1, print/1]).
-export([number/1, decimal/1, percentiles/1]).

-type row() :: {What :: string(), Count :: pos_integer(), Seconds :: float(), Notes :: iodata()}.

-define(EVERY, 500).

%% A process that says twice a second how far things are.
-spec start_progress() -> pid().
start_progress() ->
    spawn_link(fun progress/0).

-spec stop_progress(pid()) -> ok.
stop_progress(Pid) ->
    Monitor = monitor(process, Pid),
    Pid ! stop,
    receive
        {'DOWN', Monitor, process, Pid, _} -> ok
    end.

progress() ->
    Stop =
        receive
            stop -> true
        after ?EVERY -> false
        end,
    io:format("  ~9ts requests  ~9ts coroutines~n", [
        number(demo_count:get(requests)), number(demo_count:get(tasks))
    ]),
    Stop orelse progress().

-spec print([row()]) -> ok.
print(Rows) ->
    io:nl(),
    print_line("", "number", "seconds", "/s", "latency"),
    lists:foreach(
        fun({What, Count, Seconds, Notes}) ->
            print_line(
                What, number(Count), decimal(Seconds), number(round(Count / Seconds)), Notes
            )
        end,
        Rows
    ).

print_line(What, Count, Seconds, Rate, Notes) ->
    Line = io_lib:format("~-16s~10s~10s~10s  ~s", [What, Count, Seconds, Rate, Notes]),
    io:put_chars([string:trim(Line, trailing), $\n]).

%% The median and the 99th percentile of times in microseconds.
-spec percentiles([non_neg_integer()]) -> iolist().
percentiles(Times) ->
    Sorted = list_to_tuple(lists:sort(Times)),
    At = fun(Part) -> element(max(1, ceil(Part * tuple_size(Sorted))), Sorted) / 1000 end,
    ["p50 ", decimal(At(0.5)), " ms, p99 ", decimal(At(0.99)), " ms"].

%% With a comma between thousands.
-spec number(non_neg_integer()) -> string().
number(N) when N < 1000 ->
    integer_to_list(N);
number(N) ->
    number(N div 1000) ++ [$, | lists:flatten(io_lib:format("~3..0b", [N rem 1000]))].

-spec decimal(number()) -> string().
decimal(X) ->
    float_to_list(float(X), [{decimals, 2}]).
