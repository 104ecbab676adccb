%% @doc Calls from Erlang: every function of `py', what it gives, and how it fails.
-module(py_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        call_gives_result, names_are_atoms_binaries_or_charlists, dotted_names, keyword_arguments,
        names_that_become_one,
        options_of_a_call, coroutine_function_is_awaited, awaitable_objects_are_awaited,
        future_of_the_loop_is_awaited, not_found, missing_import_deeper_in_is_an_exception,
        exception_has_type_message_traceback, exceptions_of_all_kinds, base_exceptions_in_calls,
        conversion_errors_name_the_path, eval_with_locals, exec_shares_main, syntax_errors,
        code_of_all_kinds, code_that_declares_an_encoding,
        timeout_interrupts, timeout_of_coroutine, timeout_of_busy_coroutine,
        timeout_zero, no_late_message, interrupted_code_runs_finally, swallowed_interruption,
        interrupt_raises_keyboard_interrupt, interrupt_of_idle_context, cast_runs_and_logs_failures,
        cast_outlives_its_caller, spawn_call_and_await, await_twice, await_of_foreign_reference,
        await_that_times_out_leaves_the_call, cancel_interrupts_a_call,
        await_of_a_taken_reference_never_waits, async_call_and_await, async_gather_in_order,
        async_gather_first_error_cancels_the_rest, async_gather_bad_call_starts_nothing,
        async_gather_one_deadline, objects_and_methods, object_dies_with_its_last_term,
        context_of_a_process, version_and_mode, format_error_of_each_shape, unknown_options_raise,
        bad_arguments_raise, call_on_chosen_context, overload, continuations_by_schedule,
        continuations_by_schedule_py, schedule_py_gives_others_a_turn, continuations_inline,
        continuation_from_a_coroutine, marker_that_is_not_returned, consume_time_slice,
        erlang_sleep_everywhere, sleep_is_interrupted, erlang_spawn_task
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    ep_test:define(<<"
import asyncio, collections.abc, erlang, functools, sys, threading, time

class Point:
    kind = 'point'
    def __init__(self, x=0, y=0):
        self.x, self.y = x, y
    def moved(self, dx, dy=0):
        return (self.x + dx, self.y + dy)
    async def later(self):
        await asyncio.sleep(0.001)
        return self.x
    class Inner:
        @staticmethod
        def deep(): return 'deep'

def echo(*args, **kwargs): return [list(args), kwargs]
async def aecho(*args, **kwargs):
    await asyncio.sleep(0)
    return [list(args), kwargs]
class Awaitable:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return 'awaited'
def a_future():
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, 'future')
    return future
def boom(text): raise ValueError(text)
def spin():
    while True: pass
async def aspin():
    while True: pass
def raising(name): raise getattr(__import__('builtins'), name)('x')
async def araising(name): raise getattr(__import__('builtins'), name)('x')
notes = []
">>),
    Config.

end_per_suite(_Config) -> ep_test:stop().
init_per_testcase(_Case, Config) -> ep_test:before(Config).
end_per_testcase(_Case, Config) -> ep_test:audit(Config).

-define(EXCEPTION(Type), {error, {exception, #{type := Type}}}).

call_gives_result(_) ->
    {ok, 4.0} = py:call(math, sqrt, [16.0]),
    {ok, 1267650600228229401496703205376} = py:call(builtins, pow, [2, 100]).

names_are_atoms_binaries_or_charlists(_) ->
    {ok, 2.0} = py:call(<<"math">>, <<"sqrt">>, [4]),
    {ok, 2.0} = py:call(math, <<"sqrt">>, [4]),
    {ok, 2.0} = py:call("math", "sqrt", [4]),
    {error, {not_found, <<"nöpe"/utf8>>, sqrt}} = py:call("nöpe", sqrt, [4]).

dotted_names(_) ->
    {ok, <<"deep">>} = py:call('__main__', 'Point.Inner.deep', []),
    {ok, <<"a/b">>} = py:call('os.path', join, [<<"a">>, <<"b">>]),
    {ok, <<"a/b">>} = py:call(os, <<"path.join">>, [<<"a">>, <<"b">>]).

keyword_arguments(_) ->
    {ok, [[1], #{<<"a">> := 2, <<"b">> := <<"x">>}]} =
        py:call('__main__', echo, [1], #{a => 2, <<"b">> => <<"x">>}),
    {ok, [1, 2, 3]} = py:call(builtins, sorted, [[3, 2, 1]]),
    {ok, [3, 2, 1]} = py:call(builtins, sorted, [[1, 2, 3]], #{reverse => true}),
    %% Elixir's `a: 2', and what people write in Erlang.
    {ok, [[1], #{<<"a">> := 2, <<"b">> := 3, <<"c">> := 4}]} =
        py:call('__main__', echo, [1], [{a, 2}, {<<"b">>, 3}, {"c", 4}]),
    {ok, [[], #{<<"ä"/utf8>> := 1}]} = py:call('__main__', echo, [], #{"ä" => 1}),
    {ok, [[1], Empty]} = py:call('__main__', echo, [1], []),
    0 = map_size(Empty),
    ?assertError(badarg, py:call('__main__', echo, [], [{a, 1}, {a, 2}])),
    {ok, 3} = py:eval(<<"a + b">>, [{a, 1}, {"b", 2}]),
    {ok, 5} = py:call_method([1, 5, 3], '__getitem__', [1], []).

names_that_become_one(_) ->
    Both = #{a => 1, <<"a">> => 2, <<"b">> => 3},
    Duplicate = {error, {conversion, [{map_key, <<"a">>}], duplicate_key}},
    Duplicate = py:call('__main__', echo, [], Both),
    Duplicate = py:call(builtins, dict, [], Both),
    Duplicate = py:eval(<<"a">>, Both),
    {ok, 5} = py:eval(<<"a + b">>, #{a => 2, <<"b">> => 3}).

options_of_a_call(_) ->
    {ok, <<"str">>} = type_of(<<"x">>, #{}),
    {ok, <<"bytes">>} = type_of(<<"x">>, #{binary => bytes}),
    {ok, <<"bytes">>} = type_of(<<255>>, #{binary => auto}),
    {ok, <<"str">>} = type_of(<<"x">>, 1000),
    {ok, <<"str">>} = type_of(<<"x">>, infinity),
    {error, {conversion, _, _}} = type_of(<<255>>, #{binary => str}).

type_of(Binary, Options) ->
    ep_test:define(<<"def type_name(x): return type(x).__name__">>),
    py:call('__main__', type_name, [Binary], #{}, Options).

coroutine_function_is_awaited(_) ->
    {ok, [[1], #{<<"k">> := 2}]} = py:call('__main__', aecho, [1], #{k => 2}),
    {ok, none} = py:call(asyncio, sleep, [0.001]),
    {ok, 7} = py:eval(<<"asyncio.sleep(0.001, 7)">>).

awaitable_objects_are_awaited(_) ->
    {ok, <<"awaited">>} = py:call('__main__', 'Awaitable', []).

future_of_the_loop_is_awaited(_) ->
    {ok, <<"future">>} = py_event_loop:run('__main__', a_future, []).

not_found(_) ->
    {error, {not_found, no_such_module, f}} = py:call(no_such_module, f, []),
    {error, {not_found, math, <<"nope">>}} = py:call(math, <<"nope">>, []),
    {error, {not_found, os, 'path.nope'}} = py:call(os, 'path.nope', []),
    {error, {not_found, 'os.nope', f}} = py:call('os.nope', f, []).

missing_import_deeper_in_is_an_exception(Config) ->
    Dir = proplists:get_value(priv_dir, Config),
    ok = file:write_file(filename:join(Dir, "ep_needs_more.py"), "import ep_is_missing\n"),
    {ok, none} = py:call(sys, 'path.append', [list_to_binary(Dir)]),
    {error, {exception, #{type := <<"ModuleNotFoundError">>, message := Message}}} =
        py:call(ep_needs_more, f, []),
    {match, _} = re:run(Message, "ep_is_missing"),
    {ok, none} = py:call(sys, 'path.remove', [list_to_binary(Dir)]).

exception_has_type_message_traceback(_) ->
    {error, {exception, Info}} = py:call('__main__', boom, [<<"ba", 204, 136>>]),
    #{type := <<"ValueError">>, module := <<"builtins">>, message := <<"ba", 204, 136>>,
      traceback := Traceback} = Info,
    {match, _} = re:run(Traceback, "^Traceback .*in boom.*ValueError: ba", [dotall]).

exceptions_of_all_kinds(_) ->
    ep_test:define(<<"
class Bad(Exception):
    def __str__(self): raise RuntimeError('no text')
class Huge(Exception):
    def __str__(self): return 'x' * 10_000_000
def bad(): raise Bad
def huge(): raise Huge
def surrogate(): raise ValueError('\\ud800')
def chained():
    try: boom('first')
    except ValueError as error: raise KeyError('second') from error
def group(): raise ExceptionGroup('many', [ValueError(1), TypeError(2)])
def recursing(): recursing()
">>),
    ?EXCEPTION(<<"Bad">>) = py:call('__main__', bad, []),
    {error, {exception, #{message := Message}}} = py:call('__main__', huge, []),
    true = byte_size(Message) < 100000,
    ?EXCEPTION(<<"ValueError">>) = py:call('__main__', surrogate, []),
    {error, {exception, #{type := <<"KeyError">>, traceback := Traceback}}} =
        py:call('__main__', chained, []),
    {match, _} = re:run(Traceback, "first.*direct cause.*second", [dotall]),
    ?EXCEPTION(<<"ExceptionGroup">>) = py:call('__main__', group, []),
    ?EXCEPTION(<<"RecursionError">>) = py:call('__main__', recursing, []),
    {ok, 4.0} = py:call(math, sqrt, [16]).

base_exceptions_in_calls(_) ->
    [?EXCEPTION(Name) = py:call('__main__', Function, [Name])
     || Name <- [<<"SystemExit">>, <<"KeyboardInterrupt">>, <<"GeneratorExit">>,
                 <<"BaseException">>],
        Function <- [raising, araising]],
    {ok, 4.0} = py:call(math, sqrt, [16]).

conversion_errors_name_the_path(_) ->
    {error, {conversion, Path, Why}} = py:call('__main__', echo, [1, [#{a => <<1:3>>}]]),
    [{index, 1}, {index, 0}, {key, a}] = Path,
    true = is_atom(Why) orelse is_binary(Why),
    {error, {conversion, [{index, 0}], _}} = py:call('__main__', echo, [[a | b]]),
    {error, {conversion, _, _}} = py:call('__main__', echo, [], #{k => <<1:1>>}),
    {error, {conversion, _, _}} = py:eval(<<"x">>, #{x => <<1:1>>}),
    Twice = {error, {conversion, [{map_key, <<"k">>}], duplicate_key}},
    [Twice = py:call(Module, Function, [], #{k => 1, <<"k">> => 2, <<"l">> => 3})
     || {Module, Function} <- [{'__main__', echo}, {builtins, dict}]],
    Twice = py:eval(<<"k">>, #{k => 1, <<"k">> => 2}),
    {ok, #{<<"k">> := 1, <<"l">> := 2}} = py:call(builtins, dict, [], #{k => 1, <<"l">> => 2}),
    ep_test:define(<<"def cyclic():\n    x = []\n    x.append(x)\n    return x">>),
    {error, {conversion, _, _}} = py:call('__main__', cyclic, []).

eval_with_locals(_) ->
    {ok, 6} = py:eval(<<"x * 2">>, #{x => 3}),
    {ok, [3, 6]} = py:eval(<<"[n * i for n in (x, y) for i in (1,)]">>, #{x => 3, <<"y">> => 6}),
    {ok, 5} = py:eval("2 + 3"),
    {ok, 5} = py:eval(<<"x">>, #{x => 5}, 1000),
    {ok, <<"bytes">>} = py:eval(<<"type(x).__name__">>, #{x => <<"a">>}, #{binary => bytes}),
    ?EXCEPTION(<<"NameError">>) = py:eval(<<"x_is_not_there">>).

exec_shares_main(_) ->
    ok = py:exec(<<"shared_value = 41">>),
    [{ok, 41} = py_context:eval(py:context(N), <<"shared_value">>) || N <- [1, 2]],
    ok = py:exec(py:context(2), <<"del shared_value">>),
    ?EXCEPTION(<<"NameError">>) = py_context:eval(py:context(1), <<"shared_value">>),
    ok = py:exec(<<"import time">>, 5000),
    {error, timeout} = py:exec(<<"while True: pass">>, #{timeout => 50}).

syntax_errors(_) ->
    ?EXCEPTION(<<"SyntaxError">>) = py:eval(<<"1 +">>),
    ?EXCEPTION(<<"IndentationError">>) = py:exec(<<"def f():\nreturn 1">>),
    ?EXCEPTION(<<"SyntaxError">>) = py:eval(<<"x = 1">>),
    ?EXCEPTION(<<"SyntaxError">>) = py:exec(unicode:characters_to_binary("def \x{e9}(: pass")),
    ?assertError(badarg, py:exec(<<255, 254>>)).

code_of_all_kinds(_) ->
    {ok, <<"\x{e9}"/utf8>>} = py:eval("'\x{e9}'"),
    {ok, <<"ab">>} = py:eval([<<"'a'">>, " + ", [<<"'b'">>]]),
    ?EXCEPTION(<<"ValueError">>) = py:eval(<<"1", 0, "2">>),
    ?assertError(_, py:eval(not_code)),
    ok = py:exec(<<>>),
    ?EXCEPTION(<<"SyntaxError">>) = py:eval(<<>>).

%% What was text in Erlang has no other encoding, whatever a file that it came from says.
code_that_declares_an_encoding(_) ->
    {ok, <<"\x{e9}"/utf8>>} = py:eval(<<"# coding: latin-1\n'\x{e9}'"/utf8>>),
    {ok, <<"\x{e9}"/utf8>>} = py:eval(<<"\x{feff}# coding: nobody-knows\n'\x{e9}'"/utf8>>),
    ok = py:exec("# -*- coding: cp1252 -*-\ntext = '\x{20ac}'"),
    {ok, <<"\x{20ac}"/utf8>>} = py:eval(<<"text">>).

timeout_interrupts(_) ->
    {error, timeout} = py:call('__main__', spin, [], #{}, 50),
    {error, timeout} = py:call('__main__', spin, [], #{}, #{timeout => 50}),
    {error, timeout} = py:eval(<<"spin()">>, #{}, 50),
    {ok, 4.0} = py:call(math, sqrt, [16]).

timeout_of_coroutine(_) ->
    {error, timeout} = py:call(asyncio, sleep, [100], #{}, 50),
    {ok, 1} = py:call(asyncio, sleep, [0], #{result => 1}).

timeout_of_busy_coroutine(_) ->
    {error, timeout} = py:call('__main__', aspin, [], #{}, 50),
    {ok, 1} = py:call(asyncio, sleep, [0], #{result => 1}).

timeout_zero(_) ->
    case py:call(math, sqrt, [16], #{}, 0) of
        {error, timeout} -> ok;
        {ok, 4.0} -> ok
    end,
    ep_test:no_message().

no_late_message(_) ->
    [{error, timeout} = py:call(time, sleep, [0.02], #{}, 1) || _ <- lists:seq(1, 5)],
    ep_test:no_message().

interrupted_code_runs_finally(_) ->
    ep_test:define(<<"
def with_finally():
    try: spin()
    except Exception: notes.append('caught as ordinary')
    finally: notes.append('finally')
notes.clear()
">>),
    {error, timeout} = py:call('__main__', with_finally, [], #{}, 50),
    {ok, [<<"finally">>]} = py:eval(<<"notes">>).

swallowed_interruption(_) ->
    ep_test:define(<<"
def stubborn():
    try: spin()
    except BaseException: return 'too late'
">>),
    {error, timeout} = py:call('__main__', stubborn, [], #{}, 50),
    {ok, 1} = py:eval(<<"1">>),
    ep_test:no_message().

interrupt_raises_keyboard_interrupt(_) ->
    {Mark, Wait} = ep_test:marked(),
    ok = py:register_function(started, fun([X]) -> Mark(X) end),
    ep_test:define(<<"
def marked_spin():
    erlang.started('spin')
    spin()
async def marked_aspin():
    erlang.started('aspin')
    spin()
">>),
    Context = py:context(1),
    [begin
        Call = ep_test:monitored(fun(_) -> exit(py:call(Context, '__main__', F, [])) end),
        _ = Wait(),
        ok = py:interrupt(Context),
        ?EXCEPTION(<<"KeyboardInterrupt">>) = ep_test:down(Call)
     end || F <- [marked_spin, marked_aspin, marked_spin]],
    ok = py:unregister_function(started),
    {ok, 4.0} = py:call(Context, math, sqrt, [16]).

interrupt_of_idle_context(_) ->
    Context = py:context(1),
    [ok = py:interrupt(Context) || _ <- lists:seq(1, 100)],
    {ok, 4.0} = py:call(Context, math, sqrt, [16]).

cast_runs_and_logs_failures(_) ->
    {Mark, Wait} = ep_test:marked(),
    ok = py:register_function(started, fun([X]) -> Mark(X) end),
    ok = py:cast(erlang, call, [started, 1]),
    1 = Wait(),
    ok = ep_log:start(),
    ok = py:cast('__main__', boom, [<<"cast failed">>]),
    ok = py:cast('__main__', no_such_function, [], #{k => 1}),
    ep_log:wait_for("cast failed"),
    ep_log:wait_for("no_such_function"),
    ok = ep_log:stop(),
    ok = py:unregister_function(started),
    ep_test:no_message().

cast_outlives_its_caller(_) ->
    {Mark, Wait} = ep_test:marked(),
    ok = py:register_function(started, fun([X]) -> Mark(X) end),
    ep_test:define(<<"
async def later():
    await asyncio.sleep(0.05)
    erlang.call('started', 'later')
">>),
    Caller = ep_test:monitored(fun(_) -> ok = py:cast('__main__', later, []) end),
    normal = ep_test:down(Caller),
    <<"later">> = Wait(),
    ok = py:unregister_function(started).

spawn_call_and_await(_) ->
    Refs = [py:spawn_call(math, sqrt, [N * N]) || N <- lists:seq(1, 100)],
    Roots = [float(N) || N <- lists:seq(1, 100)],
    [{ok, Root} = py:await(Ref) || {Ref, Root} <- lists:zip(Refs, Roots)],
    Sorted = py:spawn_call(builtins, sorted, [[1, 2, 3]], #{reverse => true}),
    {ok, [3, 2, 1]} = py:await(Sorted, 5000),
    ?EXCEPTION(<<"ValueError">>) = py:await(py:spawn_call('__main__', boom, [<<"x">>])).

await_twice(_) ->
    Ref = py:spawn_call(math, sqrt, [16]),
    {ok, 4.0} = py:await(Ref, infinity),
    ?assertError(badarg, py:await(Ref, 0)).

%% The thread that replies may not have noted yet that it has.
await_of_a_taken_reference_never_waits(_) ->
    [begin
        Ref = py:spawn_call(math, sqrt, [16]),
        {ok, 4.0} = py:await(Ref, infinity),
        ?assertError(badarg, py:await(Ref, infinity))
     end || _ <- lists:seq(1, 5000)].

await_of_foreign_reference(_) ->
    ?assertError(badarg, py:await(make_ref(), 0)),
    Ref = py:spawn_call(math, sqrt, [16]),
    Other = ep_test:monitored(fun(_) -> py:await(Ref, 100) end),
    {badarg, _} = ep_test:down(Other),
    {ok, 4.0} = py:await(Ref).

await_that_times_out_leaves_the_call(_) ->
    ep_test:define(<<"gate = threading.Event()">>),
    Ref = py:spawn_call('__main__', 'gate.wait', []),
    [{error, timeout} = py:await(Ref, Timeout) || Timeout <- [0, 20]],
    {ok, none} = py_event_loop:run('__main__', 'gate.set', []),
    {ok, true} = py:await(Ref),
    ?assertError(badarg, py:await(Ref)),
    ep_test:no_message().

cancel_interrupts_a_call(_) ->
    Ref = py:spawn_call('__main__', spin, []),
    {error, timeout} = py:await(Ref, 50),
    true = py:cancel(Ref),
    false = py:cancel(Ref),
    {error, cancelled} = py:await(Ref),
    {ok, 1} = py:eval(<<"1">>),
    ep_test:no_message().

async_call_and_await(_) ->
    Ref = py:async_call('__main__', aecho, [1], #{k => 2}),
    {ok, [[1], #{<<"k">> := 2}]} = py:async_await(Ref),
    {ok, 4.0} = py:async_await(py:async_call(math, sqrt, [16]), 5000),
    {ok, 4.0} = py:await(py:async_call(math, sqrt, [16])),
    Slow = py:async_call(asyncio, sleep, [100]),
    {error, timeout} = py:async_await(Slow, 20),
    true = py:cancel(Slow),
    ep_test:no_message().

async_gather_in_order(_) ->
    {ok, []} = py:async_gather([]),
    {ok, [1.0, [[2], #{}], <<"x">>]} = py:async_gather([
        {math, sqrt, [1]}, {'__main__', aecho, [2]}, {asyncio, sleep, [0.01], #{result => <<"x">>}}
    ]).

async_gather_first_error_cancels_the_rest(_) ->
    ep_test:define(<<"
async def noting():
    try: await asyncio.sleep(100)
    finally: notes.append('cancelled')
notes.clear()
">>),
    ?EXCEPTION(<<"ValueError">>) = py:async_gather([
        {math, sqrt, [1]}, {'__main__', boom, [<<"x">>]}, {'__main__', noting, []}
    ]),
    ep_test:wait_until(fun() -> {ok, [<<"cancelled">>]} =:= py:eval(<<"notes">>)
                                 orelse {ok, []} =:= py:eval(<<"notes">>) end),
    ep_test:no_message().

async_gather_bad_call_starts_nothing(_) ->
    ep_test:define(<<"notes.clear()">>),
    ?assertError(_, py:async_gather([{'__main__', 'notes.append', [1]}, {bad}])),
    ?assertError(_, py:async_gather([{'__main__', 'notes.append', [1]}, {math, sqrt, 1}])),
    [?assertError({bad_option, {timeout, _}},
                  py:async_gather([{'__main__', 'notes.append', [1]}], Timeout))
     || Timeout <- [16#100000000, -1, 1.5, soon]],
    {ok, none} = py_event_loop_pool:run(asyncio, sleep, [0]),
    {ok, []} = py:eval(<<"notes">>).

async_gather_one_deadline(_) ->
    {error, timeout} = py:async_gather([{asyncio, sleep, [100]}, {asyncio, sleep, [100]}], 30),
    ep_test:no_message().

objects_and_methods(_) ->
    {ok, Point} = py:call('__main__', 'Point', [1, 2]),
    true = is_reference(Point),
    {ok, 1} = py:getattr(Point, x),
    {ok, <<"point">>} = py:getattr(Point, <<"kind">>),
    {ok, <<"Point">>} = py:getattr(Point, '__class__.__name__'),
    {ok, {11, 2}} = py:call_method(Point, moved, [10]),
    {ok, {11, 7}} = py:call_method(Point, moved, [10], #{dy => 5}),
    {ok, 1} = py:call_method(Point, later, []),
    {ok, <<"A">>} = py:call_method(<<"a">>, upper, []),
    {ok, true} = py:eval(<<"isinstance(p, Point)">>, #{p => Point}),
    ?EXCEPTION(<<"AttributeError">>) = py:getattr(Point, nope),
    ?EXCEPTION(<<"AttributeError">>) = py:call_method(Point, nope, []),
    ?EXCEPTION(<<"TypeError">>) = py:call_method(Point, moved, []).

object_dies_with_its_last_term(_) ->
    ep_test:define(<<"
import weakref
alive = []
def tracked():
    point = Point()
    alive.append(weakref.ref(point, lambda ref: alive.remove(ref)))
    return point
">>),
    Holder = ep_test:monitored(fun(_) ->
        {ok, Object} = py:call('__main__', tracked, []),
        {ok, 1} = py:eval(<<"len(alive)">>),
        {ok, 0} = py:getattr(Object, x)
    end),
    normal = ep_test:down(Holder),
    ep_test:wait_until(fun() -> {ok, 0} =:= py:eval(<<"len(alive)">>) end).

context_of_a_process(_) ->
    Mine = py:context(),
    [Mine = py:context() || _ <- lists:seq(1, 10)],
    [_] = [py:context(1), py:context(2)] -- [Mine],
    ?assertError(_, py:context(3)),
    ?assertError(_, py:context(0)),
    ?assertError(_, py:context(x)).

version_and_mode(_) ->
    {ok, <<"3.", _/binary>>} = py:version(),
    true = lists:member(py:execution_mode(), [shared_gil, free_threaded]).

format_error_of_each_shape(_) ->
    Errors = [
        py:call('__main__', boom, [<<"text">>]),
        {error, {exception, #{type => <<"T">>, module => <<"m">>, message => <<"text">>,
                              traceback => <<>>}}},
        {error, {conversion, [{index, 1}, {key, a}, {map_key, <<"k">>}], <<"text">>}},
        {error, {conversion, [], no_counterpart}},
        {error, {not_found, math, <<"text">>}}, {error, {executor_died, {some, "text"}}},
        {error, timeout}, {error, cancelled}, {error, overloaded}, {error, not_started}
    ],
    [begin
        Text = unicode:characters_to_binary(py:format_error(Error)),
        true = is_binary(Text) andalso byte_size(Text) > 5,
        {error, Reason} = Error,
        Text = unicode:characters_to_binary(py:format_error(Reason))
     end || Error <- Errors].

unknown_options_raise(_) ->
    ?assertError({unknown_option, no}, py:call(math, sqrt, [1], #{}, #{no => 1})),
    ?assertError({unknown_option, no}, py:eval(<<"1">>, #{}, #{no => 1})),
    ?assertError({unknown_option, no}, py:exec(<<"1">>, #{no => 1})),
    ?assertError({unknown_option, no}, py_event_loop:run(math, sqrt, [1], #{no => 1})),
    ?assertError({unknown_option, no}, py_event_loop_pool:run(math, sqrt, [1], #{no => 1})),
    ?assertError({unknown_option, no}, py_context:start_link([no])),
    ?assertError(_, py_context:start_link([{no, 1}])).

bad_arguments_raise(_) ->
    [?assertError({bad_option, {timeout, T}}, py:call(math, sqrt, [1], #{}, T))
     || T <- [-1, 1.5, soon, 1 bsl 40]],
    ?assertError({bad_option, {binary, utf8}}, py:call(math, sqrt, [1], #{}, #{binary => utf8})),
    ?assertError(_, py:call(math, sqrt, 1)),
    {ok, 1.0} = py:call(math, sqrt, [1], []),
    ?assertError(_, py:cast(math, sqrt, 1)),
    ?assertError(_, py:spawn_call(math, sqrt, 1)),
    ?assertError(_, py:async_call(math, sqrt, 1)),
    [?assertError({bad_option, {timeout, T}}, py:async_gather([{math, sqrt, [1]}], T))
     || T <- [-1, soon]],
    ?assertError(_, py:await(not_a_ref)),
    ?assertError(_, py:await(make_ref(), -1)),
    ?assertError(_, py:eval(<<"1">>, not_a_map)),
    ?assertError(badarg, py:call(math, sqrt, [1 | 2])),
    ?assertError(badarg, py:call(17, sqrt, [1])).

call_on_chosen_context(_) ->
    Context = py:context(2),
    {ok, 4.0} = py:call(Context, math, sqrt, [16], #{}, 1000),
    {error, timeout} = py:call(Context, asyncio, sleep, [60], [], [{timeout, 20}]),
    ?EXCEPTION(<<"TypeError">>) = py:call(Context, asyncio, sleep, [60], #{timeout => 20}),
    {ok, Chosen} = py:eval(Context, <<"threading.get_ident()">>),
    {ok, Chosen} = py:eval(Context, "threading.get_ident() + x", #{x => 0}),
    {ok, Chosen} = py:eval(Context, "threading.get_ident() + x", [{x, 0}], 1000),
    ok = py:exec(Context, "chosen = threading.get_ident()", #{timeout => 1000}),
    {ok, Chosen} = py:eval("chosen"),
    {ok, Chosen} = py:await(py:spawn_call(Context, threading, get_ident, [])),
    {ok, Chosen} = py:await(py:spawn_call(Context, threading, get_ident, [], [], [])),
    ok = py:cast(Context, '__main__', 'notes.append', [cast_there]),
    ok = py:cast(Context, '__main__', 'notes.append', [cast_there], #{}, #{binary => str}),
    ep_test:wait_until(fun() -> {ok, 2} =:= py:eval("notes.count('cast_there')") end),
    ok = py:exec("notes.clear()"),
    {ok, 4.0} = py:call(Context, math, sqrt, [16]),
    {ok, [3, 2, 1]} = py:call(Context, builtins, sorted, [[1, 2, 3]], #{reverse => true}),
    {ok, Thread} = py:call(Context, threading, get_ident, []),
    [{ok, Thread} = py:call(Context, threading, get_ident, []) || _ <- lists:seq(1, 20)],
    {ok, Other} = py:call(py:context(1), threading, get_ident, []),
    true = Thread =/= Other.

overload(_) ->
    ok = ep_test:stop(),
    ok = application:set_env(erlang_python, max_pending, 5),
    ok = ep_test:start(),
    ep_test:define(<<"import time, asyncio">>),
    Context = py:context(),
    Refs = [py:spawn_call(time, sleep, [0.1]) || _ <- lists:seq(1, 5)],
    {error, overloaded} = py:call(Context, math, sqrt, [16]),
    {error, overloaded} = py:await(py:spawn_call(math, sqrt, [16])),
    [{ok, none} = py:await(Ref) || Ref <- Refs],
    {ok, 4.0} = py:call(Context, math, sqrt, [16]),
    Tasks = [py_event_loop:create_task(asyncio, sleep, [0.1]) || _ <- lists:seq(1, 5)],
    {error, overloaded} = py_event_loop:run(math, sqrt, [16]),
    [{ok, none} = py_event_loop:await(Task) || Task <- Tasks],
    {ok, 4.0} = py_event_loop:run(math, sqrt, [16]),
    ok = ep_test:stop(),
    ok = application:unset_env(erlang_python, max_pending),
    init_per_suite([]),
    ep_test:no_message().

continuations_by_schedule(_) ->
    ok = py:register_function(compute, fun([X]) -> X * 2 end),
    ok = py:register_function(failing, fun([_]) -> error(no) end),
    ep_test:define(<<"
def handler(x): return erlang.schedule('compute', x)
def failing_handler(x): return erlang.schedule('failing', x)
">>),
    {ok, 10} = py:call('__main__', handler, [5]),
    {ok, 10} = py_event_loop:run('__main__', handler, [5]),
    ?EXCEPTION(<<"ErlangError">>) = py:call('__main__', failing_handler, [5]),
    ok = py:unregister_function(compute),
    ok = py:unregister_function(failing).

continuations_by_schedule_py(_) ->
    ep_test:define(<<"
def compute(x, multiplier=2): return x * multiplier
def handler(x): return erlang.schedule_py('__main__', 'compute', [x], {'multiplier': 3})
def plain(): return erlang.schedule_py('math', 'pi.__str__')
def countdown(n): return 'done' if n == 0 else erlang.schedule_py('__main__', 'countdown', [n - 1])
def wrong(): return erlang.schedule_py('__main__', 'not_there')
">>),
    {ok, 15} = py:call('__main__', handler, [5]),
    {ok, <<"3.14", _/binary>>} = py:call('__main__', plain, []),
    {ok, <<"done">>} = py:call('__main__', countdown, [5000]),
    {ok, <<"done">>} = py_event_loop:run('__main__', countdown, [5000]),
    ?EXCEPTION(<<"AttributeError">>) = py:call('__main__', wrong, []),
    [?EXCEPTION(<<"TypeError">>) = py:call(erlang, Schedule, Names)
     || Schedule <- [schedule_py, schedule_inline], Names <- [[1, <<"f">>], [<<"math">>, 1]]],
    {error, timeout} = py:call('__main__', countdown, [1 bsl 60], #{}, 50),
    ep_test:no_message().

schedule_py_gives_others_a_turn(_) ->
    Context = py:context(1),
    ep_test:define(<<"
turns = 0
def turn_until(flag):
    global turns
    turns += 1
    return turns if flag in globals() else erlang.schedule_py('__main__', 'turn_until', [flag])
">>),
    Call = ep_test:monitored(fun(_) ->
        exit(py:call(Context, '__main__', turn_until, [<<"others_had_a_turn">>]))
    end),
    ep_test:wait_until(fun() -> {ok, true} =:= py_context:eval(Context, <<"turns > 3">>) end),
    ok = py:exec(Context, <<"others_had_a_turn = True">>),
    {ok, _} = ep_test:down(Call).

continuations_inline(_) ->
    ep_test:define(<<"
def process_chunk(data, offset=0, results=None):
    if results is None: results = []
    chunk_end = min(offset + 3, len(data))
    results.extend(x * x for x in data[offset:chunk_end])
    if chunk_end < len(data):
        return erlang.schedule_inline('__main__', 'process_chunk', args=[data, chunk_end, results])
    return results
def deep(n): return n if n == 0 else erlang.schedule_inline('__main__', 'deep', [n - 1])
">>),
    {ok, [1, 4, 9, 16, 25, 36, 49]} = py:call('__main__', process_chunk, [lists:seq(1, 7)]),
    {ok, 0} = py:call('__main__', deep, [20000]).

continuation_from_a_coroutine(_) ->
    ok = py:register_function(compute, fun([X]) -> X * 2 end),
    ep_test:define(<<"
def triple(x): return 3 * x
async def by_erlang(x):
    await asyncio.sleep(0)
    return erlang.schedule('compute', x)
async def by_python(x):
    await asyncio.sleep(0)
    return erlang.schedule_py('__main__', 'triple', [x])
">>),
    {ok, 10} = py:call('__main__', by_erlang, [5]),
    {ok, 15} = py:call('__main__', by_python, [5]),
    {ok, 15} = py_event_loop:run('__main__', by_python, [5]),
    ok = py:unregister_function(compute).

marker_that_is_not_returned(_) ->
    ok = py:register_function(compute, fun([_]) -> error(called) end),
    ep_test:define(<<"
def wrong():
    erlang.schedule('compute', 1)
    return 'oops'
">>),
    {ok, <<"oops">>} = py:call('__main__', wrong, []),
    ep_test:define(<<"
def warned(function):
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        function()
    return [w.category.__name__ for w in caught]
">>),
    {ok, [<<"RuntimeWarning">>]} = py:eval(<<"warned(wrong)">>),
    {ok, [<<"RuntimeWarning">>]} =
        py:eval(<<"warned(lambda: [erlang.schedule('compute', 1)] and 1)">>),
    ok = py:unregister_function(compute).

consume_time_slice(_) ->
    ep_test:define(<<"
def until_used(percent):
    n = 1
    while not erlang.consume_time_slice(percent): n += 1
    return n
until_used(100)
">>),
    {ok, 100} = py:call('__main__', until_used, [1]),
    {ok, 4} = py:call('__main__', until_used, [25]),
    {ok, 1} = py:call('__main__', until_used, [100]),
    %% What a call leaves is not the next one's.
    [{ok, false} = py:call(erlang, consume_time_slice, [60]) || _ <- lists:seq(1, 5)],
    [?EXCEPTION(<<"ValueError">>) = py:call(erlang, consume_time_slice, [Bad])
     || Bad <- [0, 101, 1.5, <<"x">>]].

erlang_sleep_everywhere(_) ->
    ep_test:define(<<"
def sync_sleep(seconds):
    start = time.monotonic()
    erlang.sleep(seconds)
    return time.monotonic() - start
async def async_sleep(seconds):
    start = time.monotonic()
    await erlang.sleep(seconds)
    return time.monotonic() - start
def thread_sleep(seconds):
    slept = []
    thread = threading.Thread(target=lambda: slept.append(sync_sleep(seconds)))
    thread.start()
    thread.join()
    return slept[0]
">>),
    [begin
        {ok, Slept} = py:call('__main__', Function, [0.02]),
        true = Slept >= 0.02
     end || Function <- [sync_sleep, async_sleep, thread_sleep]],
    {ok, none} = py:call(erlang, sleep, [0]),
    ?EXCEPTION(<<"ValueError">>) = py:call(erlang, sleep, [-1]).

sleep_is_interrupted(_) ->
    {error, timeout} = py:call(erlang, sleep, [1000], #{}, 20),
    {ok, 4.0} = py:call(math, sqrt, [16]).

erlang_spawn_task(_) ->
    {Mark, Wait} = ep_test:marked(),
    ok = py:register_function(started, fun([X]) -> Mark(X) end),
    ep_test:define(<<"
async def background(x):
    await asyncio.sleep(0.001)
    await erlang.async_call('started', x)
def handle_request(x):
    task = erlang.spawn_task(background(x), name='mine')
    return [isinstance(task, asyncio.Task), task.get_name()]
async def ahandle_request(x):
    erlang.spawn_task(background(x))
    return 'ok'
def in_a_thread():
    problems = []
    def body():
        future = erlang.spawn_task(background(3))
        problems.append([type(future).__module__, future.result()])
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return problems
">>),
    {ok, [true, <<"mine">>]} = py:call('__main__', handle_request, [1]),
    1 = Wait(),
    {ok, <<"ok">>} = py:call('__main__', ahandle_request, [2]),
    2 = Wait(),
    {ok, [true, <<"mine">>]} = py_event_loop:run('__main__', handle_request, [4]),
    4 = Wait(),
    {ok, [[<<"concurrent.futures._base">>, none]]} = py:call('__main__', in_a_thread, []),
    3 = Wait(),
    [?EXCEPTION(<<"TypeError">>) = Run(erlang, spawn_task, [3])
     || Run <- [fun py:call/3, fun py_event_loop:run/3]],
    ok = py:unregister_function(started).
