#!/usr/bin/env escript
%% Python that calls Erlang: a cache in ETS, nested calls, messages.
%%
%%   ERL_LIBS=_build/default/lib escript examples/callbacks.escript

main([]) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Cache = ets:new(cache, [public]),
    ok = py:register_function(cache_get, fun([Key]) ->
        case ets:lookup(Cache, Key) of
            [{_, Value}] -> Value;
            [] -> none
        end
    end),
    ok = py:register_function(cache_put, fun([Key, Value]) -> ets:insert(Cache, {Key, Value}) end),
    ok = py:register_function(fibonacci, fun([N]) ->
        {ok, Value} = py:call('__main__', fibonacci, [N]),
        Value
    end),
    ok = py:exec(<<
        "import erlang\n"
        "def fibonacci(n):\n"
        "    known = erlang.cache_get(n)\n"
        "    if known is None:\n"
        "        known = n if n < 2 else erlang.fibonacci(n - 1) + erlang.fibonacci(n - 2)\n"
        "        erlang.cache_put(n, known)\n"
        "    return known\n"
        "def report(pid, n):\n"
        "    erlang.send(pid, ('fibonacci', n, fibonacci(n)))\n"
    >>),
    {ok, none} = py:call('__main__', report, [self(), 30]),
    receive
        {<<"fibonacci">>, 30, 832040 = Value} ->
            io:format("fibonacci(30) = ~b, ~b values cached~n", [Value, ets:info(Cache, size)])
    end.
