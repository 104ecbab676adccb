"""What bench_calls.erl calls."""

import time

import erlang


def identity(value: object) -> object:
    return value


async def identity_coroutine(value: object) -> object:
    return value


def call_erlang(count: int) -> float:
    """Microseconds that one call of a registered Erlang function takes."""
    started = time.perf_counter_ns()
    for number in range(count):
        erlang.call("bench_identity", number)
    return (time.perf_counter_ns() - started) / 1000 / count
