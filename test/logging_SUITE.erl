%% @doc Python's logging in Erlang's logger.
-module(logging_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        levels, metadata, extra_that_has_no_term, exceptions_have_tracebacks, set_up_again,
        one_logger_only, from_threads_and_coroutines, order, bad_format, text_of_all_kinds,
        nothing_before_set_up
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    ok = logger:set_primary_config(level, debug),
    Config.

end_per_suite(_Config) ->
    ok = logger:set_primary_config(level, notice),
    ep_test:stop().

init_per_testcase(_Case, Config) ->
    ok = py:exec(<<"
import erlang, logging, threading, asyncio
def reset():
    for logger in (logging.getLogger(), logging.getLogger('ep.one')):
        for handler in list(logger.handlers): logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
reset()
">>),
    ok = ep_log:start(),
    ep_test:before(Config).

end_per_testcase(_Case, Config) ->
    ok = ep_log:stop(),
    ok = py:exec(<<"reset()">>),
    ep_test:audit(Config).

levels(_) ->
    ok = py:exec(<<"
erlang.setup_logging(logging.DEBUG)
log = logging.getLogger('ep')
for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL, 25, 5):
    log.log(level, 'level %d', level)
">>),
    [#{level := Level} = ep_log:wait_for(Text)
     || {Level, Text} <- [{debug, "level 10"}, {info, "level 20"}, {warning, "level 30"},
                          {error, "level 40"}, {critical, "level 50"}, {info, "level 25"}]],
    [] = [Event || #{msg := {_, [<<"level 5">>]}} = Event <- ep_log:events()].

metadata(_) ->
    ok = py:exec(<<"
erlang.setup_logging()
def logging_function():
    logging.getLogger('ep.meta').info('with metadata', extra={'user': 17, 'name_': 'x'})
logging_function()
">>),
    #{meta := #{python := Python}} = ep_log:wait_for("with metadata"),
    #{<<"logger">> := <<"ep.meta">>, <<"level">> := 20, <<"function">> := <<"logging_function">>,
      <<"line">> := Line, <<"file">> := _, <<"thread">> := _, <<"user">> := 17,
      <<"name_">> := <<"x">>} =
        Python,
    true = is_integer(Line).

extra_that_has_no_term(_) ->
    ok = py:exec(<<"
erlang.setup_logging()
class Odd:
    def __repr__(self): return 'an odd one'
logging.info('odd extra', extra={'odd': Odd(), 'huge': [1]})
">>),
    #{meta := #{python := #{<<"odd">> := <<"an odd one">>, <<"huge">> := <<"[1]">>}}} =
        ep_log:wait_for("odd extra").

exceptions_have_tracebacks(_) ->
    ok = py:exec(<<"
erlang.setup_logging()
try: 1 / 0
except ZeroDivisionError: logging.exception('it failed')
">>),
    #{level := error} = ep_log:wait_for("ZeroDivisionError"),
    _ = ep_log:wait_for("it failed").

set_up_again(_) ->
    ok = py:exec(<<"
first = erlang.setup_logging()
assert erlang.setup_logging(logging.DEBUG) is first
logging.debug('just once')
logging.info('the end')
del first
">>),
    _ = ep_log:wait_for("the end"),
    [_] = [E || #{msg := {_, [<<"just once">>]}} = E <- ep_log:events()].

one_logger_only(_) ->
    ok = py:exec(<<"
erlang.setup_logging(logging.WARNING, 'ep.one')
logging.getLogger('ep.one.below').warning('from below')
logging.getLogger('ep.one').info('too quiet')
logging.getLogger('ep.two').warning('from elsewhere')
logging.getLogger('ep.one').warning('the end')
">>),
    _ = ep_log:wait_for("from below"),
    _ = ep_log:wait_for("the end"),
    [] = [E || #{msg := {_, [Text]}} = E <- ep_log:events(),
               Text =:= <<"too quiet">> orelse Text =:= <<"from elsewhere">>].

from_threads_and_coroutines(_) ->
    ok = py:exec(<<"
erlang.setup_logging()
async def from_coroutine(): logging.info('from a coroutine')
thread = threading.Thread(target=lambda: logging.info('from a thread'), name='ep-thread')
thread.start()
thread.join()
">>),
    {ok, none} = py_event_loop:run('__main__', from_coroutine, []),
    #{meta := #{python := #{<<"thread">> := <<"ep-thread">>}}} = ep_log:wait_for("from a thread"),
    _ = ep_log:wait_for("from a coroutine").

order(_) ->
    ok = py:exec(<<"
erlang.setup_logging()
for i in range(500): logging.info('number %d', i)
logging.info('the end')
">>),
    _ = ep_log:wait_for("the end"),
    Texts = [Text || #{msg := {_, [<<"number ", _/binary>> = Text]}} <- ep_log:events()],
    ?assertEqual([<<"number ", (integer_to_binary(N))/binary>> || N <- lists:seq(0, 499)], Texts).

bad_format(_) ->
    ok = py:exec(<<"
erlang.setup_logging()
logging.raiseExceptions = False
logging.info('%d', 'no number')
logging.raiseExceptions = True
logging.info('the end')
">>),
    _ = ep_log:wait_for("the end").

text_of_all_kinds(_) ->
    ok = py:exec(<<"
erlang.setup_logging()
logging.info('~s ~p %s')
logging.info('caf\\u00e9 \\u20ac')
logging.info('')
logging.info('x' * 100000)
logging.info('the end')
">>),
    _ = ep_log:wait_for("~s ~p %s"),
    _ = ep_log:wait_for([$c, $a, $f, 16#e9, $\s, 16#20ac]),
    _ = ep_log:wait_for("the end").

nothing_before_set_up(_) ->
    ok = py:exec(<<"
logging.getLogger('ep').info('not set up')
erlang.setup_logging()
logging.info('the end')
">>),
    _ = ep_log:wait_for("the end"),
    [] = [E || #{msg := {_, [<<"not set up">>]}} = E <- ep_log:events()].
