%% An HTTP client on a bare socket: one connection, one request at a time.
-module(demo_http).

-export([run/4]).

-define(TIMEOUT, 30000).

%% Sends a request for each number; gives how long each took in microseconds, and the first reply
%% that was wrong, if any.
-spec run(inet:port_number(), pos_integer(), pos_integer(), fun(() -> ok)) ->
    {ok, [non_neg_integer()]} | {wrong, term()}.
run(Port, First, Last, Done) ->
    Options = [binary, {active, false}, {nodelay, true}],
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, Options),
    Result = requests(Socket, First, Last, Done, []),
    ok = gen_tcp:close(Socket),
    Result.

requests(_Socket, N, Last, _Done, Times) when N > Last ->
    {ok, Times};
requests(Socket, N, Last, Done, Times) ->
    Start = erlang:monotonic_time(),
    Reply = request(Socket, ["/square/", integer_to_binary(N)]),
    Time = erlang:convert_time_unit(erlang:monotonic_time() - Start, native, microsecond),
    case Reply =:= {200, expected(N)} of
        true ->
            ok = Done(),
            requests(Socket, N + 1, Last, Done, [Time | Times]);
        false ->
            {wrong, {N, Reply}}
    end.

expected(N) ->
    iolist_to_binary(io_lib:format("{\"number\": ~b, \"square\": ~b}", [N, N * N])).

request(Socket, Path) ->
    ok = inet:setopts(Socket, [{packet, http_bin}]),
    ok = gen_tcp:send(Socket, ["GET ", Path, " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"]),
    case gen_tcp:recv(Socket, 0, ?TIMEOUT) of
        {ok, {http_response, {1, 1}, Status, _Text}} -> body(Socket, Status, undefined);
        Other -> Other
    end.

body(Socket, Status, Length) ->
    case gen_tcp:recv(Socket, 0, ?TIMEOUT) of
        {ok, {http_header, _, 'Content-Length', _, Value}} ->
            body(Socket, Status, binary_to_integer(Value));
        {ok, {http_header, _, _Name, _, _Value}} ->
            body(Socket, Status, Length);
        {ok, http_eoh} when Length =/= undefined ->
            ok = inet:setopts(Socket, [{packet, raw}]),
            {ok, Body} = gen_tcp:recv(Socket, Length, ?TIMEOUT),
            {Status, Body};
        Other ->
            Other
    end.
