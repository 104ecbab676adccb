#!/usr/bin/env escript
%% Python functions, code and objects from Erlang.
%%
%%   ERL_LIBS=_build/default/lib escript examples/calls.escript

main([]) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    {ok, Version} = py:version(),
    io:format("Python ~ts~n", [Version]),

    {ok, Json} = py:call(json, dumps, [#{name => <<"Joe">>, languages => [<<"Erlang">>]}], #{
        sort_keys => true
    }),
    io:format("~ts~n", [Json]),

    ok = py:exec(<<
        "class Stack:\n"
        "    def __init__(self):\n"
        "        self.items = []\n"
        "    def push(self, item):\n"
        "        self.items.append(item)\n"
        "        return self\n"
    >>),
    {ok, Stack} = py:call('__main__', 'Stack', []),
    {ok, _} = py:call_method(Stack, push, [1]),
    {ok, _} = py:call_method(Stack, push, [two]),
    {ok, [1, two]} = py:getattr(Stack, items),

    Failing = [
        py:call(math, sqrt, [-1]),
        py:call(nosuch, function, []),
        py:call(builtins, len, [[1 | 2]]),
        py:exec(<<"while True: pass">>, 100)
    ],
    4 = length([say(Reason) || {error, Reason} <- Failing]).

say(Reason) ->
    io:format("error: ~ts~n", [string:trim(py:format_error(Reason))]).
