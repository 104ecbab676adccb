"""What needs Erlang raises, and says why."""

import asyncio
import threading

import _erlang
import erlang


async def nothing():
    pass


def in_thread(function):
    """What `function` raises in a thread that is not the main one."""
    raised = []

    def run():
        try:
            function()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    raise raised[0]


def add_signal_handler():
    loop = erlang.new_event_loop()
    try:
        loop.add_signal_handler(15, print)
    finally:
        loop.close()


def spawn_task():
    erlang.spawn_task(nothing())


async def start_call():
    loop = asyncio.get_running_loop()
    _erlang.start_call(loop, loop.create_future(), "name")


EXPECTED = [
    (lambda: erlang.call("name"), RuntimeError, "no Erlang node"),
    (lambda: erlang.send("name", 1), RuntimeError, "no Erlang node"),
    (lambda: erlang.whereis("init"), RuntimeError, "no Erlang node"),
    (lambda: erlang.run(erlang.async_call("name")), RuntimeError, "no Erlang node"),
    (lambda: erlang.run(start_call()), RuntimeError, "no Erlang node"),
    (lambda: _erlang.log("info", "text", {}), RuntimeError, "no Erlang node"),
    (lambda: _erlang.run_in_default_loop(print), RuntimeError, "no Erlang node"),
    (erlang.setup_logging, RuntimeError, "no Erlang node"),
    (lambda: erlang.some_function, AttributeError, "no Erlang node"),
    (lambda: in_thread(add_signal_handler), RuntimeError, "main thread"),
    (spawn_task, RuntimeError, ""),
]

said_so = 0
for function, kind, text in EXPECTED:
    try:
        function()
    except kind as error:
        said_so += text in str(error)
print(said_so, "said so")
assert _erlang.current_loop() is None and _erlang.turn() == 0 and not _erlang.has_function("name")
erlang.sleep(0)
