%% @doc What callers write: every public function with every kind of argument in every place, and
%% that each refusal names the function, the argument and what was expected.
-module(py_args_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {minutes, 3}}].

all() ->
    [
        table_has_every_public_function, examples_work, any_argument_anywhere,
        refusals_name_function_and_argument, refusals_are_readable, unknown_options_have_a_hint,
        options_in_all_forms, nothing_is_a_context_but_contexts, ended_contexts,
        format_error_of_anything
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    ep_test:define(<<"
import asyncio, math
def args_echo(*args, **kwargs): return [list(args), kwargs]
def type_name(x): return type(x).__name__
">>),
    Config.

end_per_suite(_Config) -> ep_test:stop().
init_per_testcase(_Case, Config) -> ep_test:before(Config).
end_per_testcase(_Case, Config) -> ep_test:audit(Config).

-define(MODULES, [py, py_context, py_event_loop, py_event_loop_pool, py_callback]).

%% What is exported for other modules of the application, and for OTP.
private() ->
    [{module_info, 0}, {module_info, 1}, {init, 1}, {handle_call, 3}, {handle_cast, 2},
     {handle_info, 2}, {terminate, 2}, {request, 4}, {loop, 3}, {mine, 0}, {nth, 2}, {ref, 1},
     {start_numbered, 1}, {start_stand_in, 0}, {run_on, 5}, {run_on, 6}, {register_fun, 3},
     {register_export, 4}, {create_table, 0}, {chain, 0}, {py_context, interrupt, 2},
     {py_event_loop_pool, start, 2}, {py_callback, start_link, 0}, {py_callback, unregister, 2}].

%% Each public function, with arguments that it takes.
examples() ->
    C = py:context(1),
    Call = [math, sqrt, [16.0]],
    Echo = ['__main__', args_echo, [1]],
    K = #{a => 1},
    Start = #{binary => bytes},
    Options = #{timeout => 5000, binary => str},
    Ref = fun() -> py:async_call(math, sqrt, [1]) end,
    Fun = fun(Args) -> Args end,
    Loops = [py_event_loop, py_event_loop_pool],
    [{py, call, Call}, {py, call, Echo ++ [K]}, {py, call, [C | Call]},
     {py, call, Echo ++ [K, Options]}, {py, call, [C | Echo] ++ [K]},
     {py, call, [C | Echo] ++ [K, Options]},
     {py, eval, ["1 + 1"]}, {py, eval, ["a", K]}, {py, eval, [C, "1"]},
     {py, eval, ["a", K, Options]}, {py, eval, [C, "a", K]}, {py, eval, [C, "a", K, Options]},
     {py, exec, ["1"]}, {py, exec, ["1", Options]}, {py, exec, [C, "1"]},
     {py, exec, [C, "1", Options]},
     {py, call_method, [<<"a">>, upper, []]}, {py, call_method, [<<"a">>, upper, [], #{}]},
     {py, call_method, [<<"a">>, upper, [], #{}, Options]},
     {py, getattr, [1, real]}, {py, getattr, [1, real, Options]},
     {py, await, [Ref]}, {py, await, [Ref, 5000]}, {py, cancel, [Ref]},
     {py, async_await, [Ref]}, {py, async_await, [Ref, 5000]},
     {py, async_call, Call}, {py, async_call, Echo ++ [K]}, {py, async_call, Echo ++ [K, Start]},
     {py, async_gather, [[{math, sqrt, [1]}, {math, sqrt, [1], #{}}]]},
     {py, async_gather, [[{math, sqrt, [1]}], Options]},
     {py, context, []}, {py, context, [1]}, {py, interrupt, [py:context(2)]},
     {py, register_function, [args_f, Fun]}, {py, register_function, [args_f, lists, reverse]},
     {py, unregister_function, [args_f]},
     {py, activate_venv, ["/nowhere"]}, {py, deactivate_venv, []}, {py, version, []},
     {py, execution_mode, []}, {py, format_error, [timeout]}] ++
        [{py, F, A} || F <- [cast, spawn_call],
                       A <- [Call, Echo ++ [K], [C | Call], Echo ++ [K, Start], [C | Echo] ++ [K],
                             [C | Echo] ++ [K, Start]]] ++
        [{py_context, call, [C | Call]}, {py_context, call, [C | Echo] ++ [K]},
         {py_context, call, [C | Echo] ++ [K, Options]},
         {py_context, eval, [C, "1"]}, {py_context, eval, [C, "a", K]},
         {py_context, eval, [C, "a", K, Options]},
         {py_context, exec, [C, "1"]}, {py_context, exec, [C, "1", Options]},
         {py_context, call_method, [C, <<"a">>, upper, []]},
         {py_context, call_method, [C, <<"a">>, upper, [], #{}]},
         {py_context, call_method, [C, <<"a">>, upper, [], #{}, Options]},
         {py_context, getattr, [C, 1, real]}, {py_context, getattr, [C, 1, real, Options]},
         {py_context, interrupt, [py:context(2)]}, {py_context, start_link, []},
         {py_context, start_link, [[]]},
         {py_context, stop, [fun() -> {ok, Own} = py_context:start_link(), Own end]}] ++
        [Example || M <- Loops, Example <- [
            {M, run, Call}, {M, run, Echo ++ [#{kwargs => K, timeout => 5000}]},
            {M, create_task, Call}, {M, create_task, Echo ++ [K]},
            {M, create_task, Echo ++ [K, Start]}, {M, spawn_task, Call},
            {M, spawn_task, Echo ++ [K]}, {M, spawn_task, Echo ++ [K, Start]},
            {M, await, [Ref]}, {M, await, [Ref, 5000]}, {M, cancel, [Ref]}, {M, get_loop, []}]] ++
        [{py_event_loop_pool, get_stats, []}, {py_callback, register, [args_f, Fun]},
         {py_callback, register, [args_f, lists, reverse]}, {py_callback, unregister, [args_f]}].

odd_terms() ->
    Dead = spawn(fun() -> ok end),
    [0, 17, -1, 1 bsl 32, 1 bsl 70, 1.5, <<>>, <<"text">>, <<255>>, <<1:3>>, '', nil, undefined,
     true, infinity, an_atom, "", "text", [16#d800], [<<255>>], [a | b], [1 | 2], [{a, 1}],
     [{a, 1} | b], [{1, 2}], [{a, 1}, {a, 2}], [{"a", 1}], [timeout], [{timeout, -1}], [{a, b, c}],
     #{}, #{a => 1}, #{1 => 2}, #{<<255>> => 1}, #{timeout => soon}, #{binary => utf8}, {}, {a, b},
     {error, not_started}, self(), Dead, make_ref(), hd(erlang:ports()), fun() -> ok end,
     fun(_) -> ok end, fun lists:reverse/1, [[[[]]]], lists:seq(1, 1000),
     maps:from_list([{N, N} || N <- lists:seq(1, 200)])].

table_has_every_public_function(_) ->
    Known = lists:usort([{M, F, length(A)} || {M, F, A} <- examples()]),
    Exported = [{M, F, A} || M <- ?MODULES, {F, A} <- M:module_info(exports),
                             not lists:member({F, A}, private()),
                             not lists:member({M, F, A}, private())],
    ?assertEqual([], Exported -- Known),
    ?assertEqual([], Known -- Exported).

examples_work(_) ->
    Raised = [{Example, What} || {_, F, _} = Example <- examples(), F =/= interrupt,
                                 {raised, _, _, _} = What <- [attempt(Example)]],
    ?assertEqual([], Raised).

any_argument_anywhere(_) ->
    Wrong = [{M, F, Odd, What} || {M, F, A} <- examples(), Odd <- variations(A),
                                  What <- wrong({M, F, Odd}, attempt({M, F, Odd}))],
    ?assertEqual([], Wrong),
    [ok = py_callback:unregister(Name) || Name <- [args_f, text, an_atom, nil, undefined, true,
                                                   infinity, "text"]].

%% One argument after the other is replaced; and all at once.
variations(Args) ->
    [replaced(N, Odd, Args) || Odd <- odd_terms(), N <- lists:seq(1, length(Args))] ++
        [[Odd || _ <- Args] || Odd <- odd_terms(), length(Args) > 1].

replaced(N, Term, Args) ->
    {Before, [_ | After]} = lists:split(N - 1, Args),
    Before ++ [Term | After].

%% In a process of its own, which takes whatever it has started or made with it.
attempt({Module, Function, Template}) ->
    {_, Monitor} = spawn_monitor(fun() ->
        process_flag(trap_exit, true),
        Args = [argument(Argument) || Argument <- Template],
        exit({result, try apply(Module, Function, Args) of
            Result -> {returned, Result}
        catch
            Class:Reason:Stack -> {raised, Class, Reason, Stack}
        end})
    end),
    receive
        {'DOWN', Monitor, process, _, {result, Result}} -> Result;
        {'DOWN', Monitor, process, _, Other} -> {died, Other}
    after 30000 ->
        hangs
    end.

%% References are made by the process that uses them.
argument(Make) when is_function(Make, 0) ->
    case erlang:fun_info(Make, module) of
        {module, ?MODULE} -> Make();
        _ -> Make
    end;
argument(Argument) ->
    Argument.

wrong(_, {returned, {error, Reason}}) ->
    [{undocumented, Reason} || not is_documented(Reason)];
wrong({_, start_link, _}, {returned, ignore}) ->
    [];
wrong(_, {returned, _}) ->
    [];
wrong({M, F, A}, {raised, error, Reason, [{M, F, As, Info} | _] = Stack}) when is_list(As) ->
    #{module := Formatter} = proplists:get_value(error_info, Info, #{module => none}),
    Texts = Formatter:format_error(Reason, Stack),
    Readable = [N || {N, Text} <- maps:to_list(Texts), N >= 1, N =< length(A), is_binary(Text),
                     byte_size(Text) > 10],
    [{bad_refusal, Reason, Texts} || length(As) =/= length(A) orelse Readable =:= []];
wrong(_, Other) ->
    [Other].

is_documented({exception, #{type := _, module := _, message := _, traceback := _}}) -> true;
is_documented({conversion, Path, _Why}) -> is_list(Path);
is_documented({not_found, _, _}) -> true;
is_documented({executor_died, _}) -> true;
is_documented({already_started, Pid}) -> is_pid(Pid);
is_documented(Reason) -> lists:member(Reason, [timeout, cancelled, overloaded, not_started]).

%% ---- what is said

-define(REFUSED(Reason, At, Text, Call), refused(Reason, At, Text, fun() -> Call end)).

refused(Reason, At, Pattern, Call) ->
    {error, Reason, [{M, F, Args, Info} | _] = Stack} =
        try Call() of Result -> {returned, Result} catch C:R:S -> {C, R, S} end,
    #{module := Formatter} = proplists:get_value(error_info, Info),
    #{At := Text} = Formatter:format_error(Reason, Stack),
    {match, _} = re:run(Text, Pattern, [unicode]),
    {M, F, length(Args)}.

refusals_name_function_and_argument(_) ->
    C = py:context(1),
    {py, call, 3} = ?REFUSED(badarg, 1, "a name", py:call(17, sqrt, [1])),
    {py, call, 3} = ?REFUSED(badarg, 2, "a name", py:call(math, <<255>>, [1])),
    {py, call, 3} = ?REFUSED(badarg, 3, "a list", py:call(math, sqrt, 16)),
    {py, call, 3} = ?REFUSED(badarg, 3, "ends in \\[\\]", py:call(math, sqrt, [16 | 1])),
    {py, call, 4} = ?REFUSED(badarg, 4, "keyword list", py:call(math, sqrt, [16], 17)),
    {py, call, 4} = ?REFUSED(badarg, 4, "a time limit", py:call(math, sqrt, [16], 1000)),
    {py, call, 4} = ?REFUSED(badarg, 4, "given twice", py:call(math, sqrt, [16], [{x, 1}, {x, 2}])),
    {py, call, 4} = ?REFUSED(badarg, 4, "17 is not a name", py:call(math, sqrt, [16], #{17 => 1})),
    {py, call, 5} = ?REFUSED(badarg, 5, "a time limit", py:call(C, math, sqrt, [16], 1000)),
    {py, call, 6} = ?REFUSED({bad_option, {timeout, soon}}, 6, "milliseconds",
                             py:call(C, math, sqrt, [16], #{}, #{timeout => soon})),
    {py, eval, 2} = ?REFUSED(badarg, 2, "expected code", py:eval(C, 17)),
    {py, eval, 2} = ?REFUSED(badarg, 2, "a time limit", py:eval("1", 1000)),
    {py, exec, 1} = ?REFUSED(badarg, 1, "expected code", py:exec([$a | b])),
    {py, cast, 4} = ?REFUSED(badarg, 3, "a name", py:cast(C, math, 17, [])),
    {py, spawn_call, 4} = ?REFUSED(badarg, 4, "a list", py:spawn_call(C, math, sqrt, x)),
    {py, async_gather, 1} = ?REFUSED(badarg, 1, "\\{math,sqrt\\}",
                                     py:async_gather([{math, sqrt, [1]}, {math, sqrt}])),
    {py, await, 1} = ?REFUSED(badarg, 1, "has started", py:await(make_ref())),
    {py, await, 2} = ?REFUSED(badarg, 2, "milliseconds", py:await(make_ref(), soon)),
    {py, activate_venv, 1} = ?REFUSED(badarg, 1, "folder", py:activate_venv(17)),
    {py, register_function, 2} = ?REFUSED(badarg, 2, "one argument",
                                          py:register_function(f, fun() -> ok end)),
    {py, context, 1} = ?REFUSED(badarg, 1, "from 1 to 2", py:context(3)),
    {py_callback, register, 3} = ?REFUSED(badarg, 3, "function", py_callback:register(f, m, "f")),
    {py_event_loop, create_task, 3} = ?REFUSED(badarg, 3, "list",
                                               py_event_loop:create_task(math, sqrt, #{})),
    {py_event_loop_pool, spawn_task, 4} = ?REFUSED(badarg, 4, "keyword",
                                                   py_event_loop_pool:spawn_task(m, f, [], x)),
    {py_event_loop_pool, run, 4} = ?REFUSED({bad_option, {kwargs, x}}, 4, "kwargs: .*keyword",
                                            py_event_loop_pool:run(m, f, [], [{kwargs, x}])),
    {py_context, call, 4} = ?REFUSED(badarg, 1, "a context", py_context:call("x", m, f, [])),
    {py_context, stop, 1} = ?REFUSED(badarg, 1, "process", py_context:stop(C)).

refusals_are_readable(_) ->
    Text = try py:call(py:context(1), math, sqrt, [16], 100)
           catch Class:Reason:Stack -> erl_error:format_exception(Class, Reason, Stack)
           end,
    {match, _} = re:run(Text, "bad argument.*py:call/5.*argument 5: expected a map", [dotall]),
    %% What follows in the stack is the caller's own.
    {'EXIT', {badarg, [{py, call, [_, _, _], _}, {?MODULE, _, _, _} | _]}} =
        (catch py:call(17, sqrt, [1])),
    ok.

unknown_options_have_a_hint(_) ->
    ?REFUSED({unknown_option, timeouts}, 2, "did you mean timeout\\?",
             py:exec("1", [{timeouts, 1}])),
    ?REFUSED({unknown_option, limit}, 2, "known: binary, none, timeout",
             py:exec("1", #{limit => 1})),
    ?REFUSED({unknown_option, timeout}, 5, "known: binary, none$",
             py:cast(math, sqrt, [1], #{}, #{timeout => 100})),
    ?REFUSED({unknown_option, named}, 1, "did you mean name", py_context:start_link(#{named => x})),
    ?REFUSED({unknown_option, {x, 1}}, 2, "\\{x,1\\}", py:exec("1", #{{x, 1} => 1})).

options_in_all_forms(_) ->
    Type = fun(Options) -> py:call('__main__', type_name, [<<"x">>], [], Options) end,
    {ok, <<"bytes">>} = Type(#{binary => bytes}),
    {ok, <<"bytes">>} = Type([{binary, bytes}, {timeout, 1000}]),
    {ok, <<"str">>} = Type([]),
    {ok, <<"str">>} = Type(infinity),
    Bytes = #{binary => bytes},
    {ok, <<"[b'x']">>} = py:call_method([], '__class__.__repr__', [[<<"x">>]], #{}, Bytes),
    Loops = [py_event_loop, py_event_loop_pool],
    [begin
        {ok, <<"bytes">>} = M:run('__main__', type_name, [<<"x">>], [{binary, bytes}]),
        {ok, <<"bytes">>} = M:run('__main__', type_name, [], #{kwargs => [{x, <<"x">>}],
                                                               binary => bytes}),
        {ok, <<"bytes">>} = M:await(M:create_task('__main__', type_name, [<<"x">>], [],
                                                  [{binary, bytes}]))
     end || M <- Loops],
    {ok, <<"bytes">>} = py:await(py:spawn_call('__main__', type_name, [<<"x">>], #{},
                                               #{binary => bytes})),
    {ok, [<<"bytes">>]} = py:async_gather([{'__main__', type_name, [<<"x">>]}],
                                          #{binary => bytes, timeout => 1000}).

%% ---- contexts

nothing_is_a_context_but_contexts(_) ->
    Idle = spawn(fun() -> receive stop -> ok end end),
    [?assertError(badarg, py:call(Not, math, sqrt, [16]))
     || Not <- [self(), Idle, whereis(py_callback), make_ref(), whereis(init)]],
    Idle ! stop,
    %% A loop is one: its thread runs calls, too.
    {ok, Loop} = py_event_loop:get_loop(),
    {ok, 4.0} = py:call(Loop, math, sqrt, [16]),
    {ok, Named} = py_context:start_link(#{name => args_named}),
    {ok, 4.0} = py_context:call(args_named, math, sqrt, [16]),
    {ok, 4.0} = py:call(Named, math, sqrt, [16]),
    {error, {already_started, Named}} = py_context:start_link([{name, args_named}]),
    ok = py_context:stop(args_named).

ended_contexts(_) ->
    {ok, Own} = py_context:start_link(),
    ok = py_context:stop(Own),
    ok = py_context:stop(Own),
    Ended = {error, {executor_died, stopped}},
    Ended = py:call(Own, math, sqrt, [16]),
    Ended = py:eval(Own, "1"),
    Ended = py:exec(Own, "1"),
    Ended = py:await(py:spawn_call(Own, math, sqrt, [16])),
    ok = py:cast(Own, math, sqrt, [16]),
    Ended = py:interrupt(Own).

%% ---- format_error

format_error_of_anything(_) ->
    Odd = odd_terms(),
    Reasons = Odd ++ [{conversion, A, B} || A <- Odd, B <- Odd] ++
        [{not_found, A, B} || A <- Odd, B <- Odd] ++ [{exception, A} || A <- Odd] ++
        [{exception, #{type => A, message => B, traceback => <<>>}} || A <- Odd, B <- Odd] ++
        [{Tag, A} || A <- Odd, Tag <- [executor_died, python_not_started, wrong_interpreter,
                                       nodedown, unknown_option, bad_option, error]],
    [{true, _} = {is_binary(unicode:characters_to_binary(py:format_error(Reason))), Reason}
     || Reason <- Reasons].
