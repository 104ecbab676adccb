"""What sizes_SUITE calls; runs in __main__."""

import json
import logging
import re
import threading

import erlang

MADE = {}


def make(kind, n):
    """Of the last size, each kind is kept: the suite asks for it again and again."""
    if (kind, n) not in MADE:
        if any(size != n for _, size in MADE):
            MADE.clear()
        MADE[kind, n] = MAKERS[kind](n)
    return MADE[kind, n]


def forget():
    MADE.clear()


def numbers(n):
    return range(1, n + 1)


MAKERS = {
    "map": lambda n: {i: i for i in numbers(n)},
    "texts": lambda n: {str(i): [i] for i in numbers(n)},
    "tuples": lambda n: {(i, "k"): i / 2 for i in numbers(n)},
    "list": lambda n: list(numbers(n)),
    "tuple": lambda n: tuple(numbers(n)),
    "nested": lambda n: [make("map", n), {"in": make("map", n)}, make("texts", n)],
}


def names(n):
    return {f"name{i}": i for i in numbers(n)}


async def make_later(kind, n):
    return make(kind, n)


def is_made(kind, n, value):
    return value == make(kind, n)


def same(value):
    return value


def keywords(**values):
    return values


def through_json(n):
    return json.loads(json.dumps(make("texts", n)))


def send(pid, kind, n):
    erlang.send(pid, make(kind, n))


def send_from_thread(pid, kind, n):
    thread = threading.Thread(target=send, args=(pid, kind, n))
    thread.start()
    thread.join()


def call_with(function, kind, n):
    function(make(kind, n))


async def async_call_with(function, kind, n):
    await erlang.async_call(function, make(kind, n))


def is_answer(function, kind, n):
    return function() == make(kind, n)


async def is_async_answer(function, kind, n):
    return await erlang.async_call(function) == make(kind, n)


def is_reason(function, kind, n):
    try:
        function()
    except erlang.ErlangError as error:
        return error.reason == make(kind, n)


def log(n):
    erlang.setup_logging(logger="sizes")
    logging.getLogger("sizes").warning("%d", n, extra=names(n))


class Full(Exception):
    pass


def fail_with(kind, n):
    error = Full(make(kind, n))
    error.value = make(kind, n)
    raise error


KEPT = []


def keep(function):
    KEPT.append(function)


def kept():
    return KEPT.pop()


def is_kept(function, kind, n):
    """Two funs made from the same term: they need not be equal, but can be asked."""
    kept = KEPT[0]
    assert {kept: 1}[kept] == 1 and isinstance(kept == function, bool)
    return kept() == make(kind, n)


def twice(n, first, second):
    return {**{i + 2: i for i in range(n)}, eval(first): 1, eval(second): 2}


def many_times(times, n):
    return [make("map", n)] * times


def reset_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return True


def peak():
    with open("/proc/self/status", encoding="ascii") as file:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1])
