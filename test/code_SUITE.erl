%% Code that comes as text: what is left out of it, and how it shows in tracebacks.
-module(code_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        blanks_before_an_expression, lines_in_tracebacks, lines_of_two_texts,
        a_text_that_comes_again_keeps_its_name, texts_are_kept_within_bounds,
        texts_from_many_threads
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    Config.

end_per_suite(_Config) ->
    ep_test:stop().

init_per_testcase(_Case, Config) ->
    ep_test:before(Config).

end_per_testcase(_Case, Config) ->
    ep_test:audit(Config).

%% As Python's own eval() has it.
blanks_before_an_expression(_) ->
    [?assertEqual({Code, {ok, 2}}, {Code, py:eval(Code)})
     || Code <- [<<" 1 + 1">>, <<"\t 1 + 1">>, <<" \t\n1 + 1">>, <<"1 + 1 \n">>, " 1 + 1",
                 <<16#FEFF/utf8, "  1 + 1">>]],
    [?assertMatch({error, {exception, #{type := <<"SyntaxError">>}}}, py:eval(Code))
     || Code <- [<<>>, <<" ">>, <<" \t">>]],
    ?assertMatch({error, {exception, #{type := <<"IndentationError">>}}}, py:exec(<<" x = 1">>)).

lines_in_tracebacks(_) ->
    {error, {exception, #{traceback := Text}}} =
        py:exec(<<"before = 1\nraise ValueError('grüße')  # here\n"/utf8>>),
    contains(<<", line 2, in <module>\n    raise ValueError('grüße')  # here\n"/utf8>>, Text).

lines_of_two_texts(_) ->
    ok = py:exec(<<"def divide(by):\n    number = 12\n    return number / by\n">>),
    ok = py:exec(<<"async def later():\n\n    return divide(0)\n">>),
    {error, {exception, #{traceback := Text}}} = py:call('__main__', later, []),
    contains(<<"    return divide(0)\n">>, Text),
    contains(<<"    return number / by\n">>, Text),
    {ok, <<"    return number / by\n">>} = py:eval(
        <<"__import__('linecache').getline(divide.__code__.co_filename, 3)">>).

a_text_that_comes_again_keeps_its_name(_) ->
    Name = fun(Text) ->
        ok = py:exec(Text),
        {ok, Name} = py:eval(<<"named.__code__.co_filename">>),
        Name
    end,
    First = Name(<<"def named(): pass\n">>),
    ?assertEqual(First, Name(<<"def named(): pass\n">>)),
    ?assertNotEqual(First, Name(<<"def named(): return\n">>)).

texts_are_kept_within_bounds(_) ->
    Kept = fun() ->
        {ok, Kept} = py:eval(<<"sum(len(''.join(lines[2])) "
                               "for name, lines in __import__('linecache').cache.items() "
                               "if name.startswith('<exec'))">>),
        Kept
    end,
    [ok = py:exec([<<"x = '">>, integer_to_binary(N), lists:duplicate(10000, $a), <<"'">>])
     || N <- lists:seq(1, 500)],
    ?assert(Kept() > 1000000),
    ?assert(Kept() =< 4000000),
    ok = py:exec([<<"x = '">>, lists:duplicate(5000000, $a), <<"'">>]),
    ?assert(Kept() =< 4000000),
    {ok, 5000000} = py:eval(<<"len(x)">>).

texts_from_many_threads(_) ->
    Texts = [<<"x", (integer_to_binary(N))/binary, " = 1">> || N <- lists:seq(1, 300)],
    Run = fun(_) -> [ok = py:exec(Text) || Text <- Texts] end,
    Workers = [spawn_monitor(fun() -> Run(N) end) || N <- lists:seq(1, 8)],
    [receive {'DOWN', Monitor, process, _, Reason} -> ?assertEqual(normal, Reason) end
     || {_, Monitor} <- Workers].

contains(Part, Text) ->
    ?assertMatch({_, {_, _}}, {Text, binary:match(Text, Part)}).
