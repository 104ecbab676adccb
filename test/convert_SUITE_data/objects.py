"""Objects for convert_SUITE; runs in `__main__`."""

import asyncio  # noqa: F401
import collections
import copy  # noqa: F401
import enum
import gc
import pickle  # noqa: F401
import weakref

import erlang

Point = collections.namedtuple("Point", "x y")
Number = enum.IntEnum("Number", {"TWO": 2})
Name = enum.Enum("Name", {"RED": "red"}, type=str)


class LyingList(list):
    def __iter__(self):
        return iter("lies")

    def __len__(self):
        return 17

    def __getitem__(self, index):
        return "lies"


class LyingDict(dict):
    def items(self):
        return [("lies", "lies")]

    keys = __iter__ = __len__ = items


class LyingSet(set):
    def __iter__(self):
        return iter("lies")


class LyingInt(int):
    def __int__(self):
        return 17

    __index__ = __abs__ = __neg__ = bit_length = __int__


class LyingFloat(float):
    def __float__(self):
        return 17.0


class LyingStr(str):
    def __str__(self):
        return "lies"

    encode = __str__


class LyingBytes(bytes):
    def __bytes__(self):
        return b"lies"


class Thing:
    pass


class Text(str):
    pass


thing = Thing()


def announce_death(thing, pid):
    weakref.finalize(thing, erlang.send, pid, "dead")
    return thing


def released_memoryview():
    view = memoryview(b"abc")
    view.release()
    return view


class BadKey:
    def __hash__(self):
        raise RuntimeError("no hash today")


def nested(depth):
    nest = ()
    for _ in range(depth):
        nest = (nest,)
    return nest


def cyclic_list():
    cycle = []
    cycle.append(cycle)
    return cycle


def cyclic_dict():
    cycle = {}
    cycle["again"] = [cycle]
    return cycle


def no_such_atoms(names):
    """How many of these names are refused."""
    refused = 0
    for name in names:
        try:
            erlang.atom(name)
        except ValueError:
            refused += 1
    return refused


def fail(exception):
    raise exception


class Outer:
    class Inner(Exception):
        pass


class StrRaises(Exception):
    def __str__(self):
        raise ValueError("no text")


class StrGivesInt(Exception):
    def __str__(self):
        return 17


class Spoilt(type):
    def __getattribute__(cls, name):
        raise RuntimeError(name)


class SpoiltType(Exception, metaclass=Spoilt):
    pass


def cyclic_cause():
    exception = ValueError("around")
    exception.__cause__ = exception
    return exception


def recurse():
    return recurse()


def long_chain(length):
    chain = None
    for i in range(length):
        link = ValueError("link %d " % i + "x" * 100)
        link.__cause__ = chain
        chain = link
    return chain


class Trap:
    """A container that loses its elements, for good, whenever garbage is collected.

    Converting a set makes an iterator, which may set off a collection (3.11: when it is made).
    """

    def __init__(self, kind):
        sets = [[{i, str(i)} for i in range(20)] for _ in range(100)]
        self.elements = {"list": sets, "dict": dict(enumerate(sets))}[kind]
        self.threshold = gc.get_threshold()

    def spring(self, phase, info):
        self.elements.clear()

    def set_up(self):
        gc.callbacks.append(self.spring)
        gc.set_threshold(5)
        return self.elements

    def take_down(self):
        gc.callbacks.remove(self.spring)
        gc.set_threshold(*self.threshold)


async def send_none(pid, function):
    await asyncio.sleep(0)
    function(None)
    erlang.send(pid, None)
