"""Thousands of connections, opened, misused and cut at random: what is left afterwards?

    bin/erlpy test/soak.py                      # 5,000 at a time, for a minute
    bin/erlpy --loop asyncio test/soak.py       # the standard library's loop, to compare
    bin/erlpy test/soak.py --connections 300 --seconds 3 --seed 1

Both ends of each connection are in this process: over TCP, a Unix socket or TLS. Each end echoes,
chatters byte by byte, floods, is deaf, closes its half early or says nothing; and at some time
closes, aborts, resets, or has its descriptor closed behind the loop's back, so that its number soon
is another connection's.

Ends with status 1 if anything is left: a descriptor, a transport, a task, a protocol that has not
been told of the end, a report to the exception handler, memory that grows with each round, or a
loop that keeps busy while nothing happens.
"""

import argparse
import asyncio
import collections
import gc
import logging
import os
import pathlib
import random
import resource
import socket
import ssl
import struct
import sys
import tempfile
import time

CERTIFICATES = pathlib.Path(__file__).parent / "python" / "certificates"
ADDRESSES = [f"127.0.0.{number}" for number in range(1, 5)]  # there are only so many ports
MEAN_LIFE = 4.0  # seconds
IDLE = 1.0  # seconds in which nothing happens
BUSY = 0.1  # of them a loop may compute at most
GROWTH = 1.10  # of the memory from one round to the next

NO_LINGERING = struct.pack("ii", 1, 0)
MOODS = ["echo", "echo", "chatter", "flood", "deaf", "half", "silent"]
ENDINGS = ["close", "close", "abort", "reset", "behind"]


class Statistics:
    def __init__(self):
        self.made = 0
        self.lost = 0
        self.ends = set()  # those between the two
        self.failures = collections.Counter()  # to connect
        self.reports = []


class End(asyncio.Protocol):
    """One end of a connection; it ends by itself if it is given a time."""

    def __init__(self, statistics, life=None):
        self.statistics = statistics
        self.mood = random.choice(MOODS)
        self.life = life
        self.transport = None
        self.writing = True
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.statistics.made += 1
        self.statistics.ends.add(self)
        self.transport = transport
        loop = asyncio.get_running_loop()
        loop.call_soon(self.begin)
        if self.life is not None:
            loop.call_later(self.life, self.end)

    def begin(self):
        if self.transport.is_closing():
            return
        if self.mood == "deaf":
            self.transport.pause_reading()
            self.transport.write(bytes(100))
        elif self.mood == "flood":
            self.flood()
        elif self.mood == "chatter":
            self.chatter(20)
        elif self.mood == "half" and self.transport.can_write_eof():
            self.transport.write(b"that is all")
            self.transport.write_eof()
        elif self.mood == "echo":
            self.transport.write(bytes(random.randrange(1, 3000)))

    def flood(self):
        for _ in range(8):
            if self.writing and not self.transport.is_closing():
                self.transport.write(bytes(30_000))

    def chatter(self, count):
        if count and not self.transport.is_closing():
            self.transport.write(b"x")
            asyncio.get_running_loop().call_later(0.01, self.chatter, count - 1)

    def data_received(self, data):
        if self.mood == "echo" and self.writing and len(data) < 10_000:
            asyncio.get_running_loop().call_later(0.2, self.answer, data)

    def answer(self, data):
        if not self.transport.is_closing():
            self.transport.write(data)

    def eof_received(self):
        return self.mood == "half" and self.transport.can_write_eof()

    def pause_writing(self):
        self.writing = False

    def resume_writing(self):
        self.writing = True

    def end(self):
        ending = random.choice(ENDINGS)
        sock = self.transport.get_extra_info("socket")
        if self.transport.is_closing() or sock.fileno() < 0:
            return
        if ending == "behind":
            sock._sock.close()
            asyncio.get_running_loop().call_later(0.05, self.transport.abort)
        elif ending == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
            self.transport.abort()
        elif ending == "abort":
            self.transport.abort()
        else:
            self.transport.close()
            # A deaf peer would hold up what is queued for ever.
            asyncio.get_running_loop().call_later(1.0, self.transport.abort)

    def connection_lost(self, exc):
        self.statistics.lost += 1
        self.statistics.ends.discard(self)
        self.over.set_result(None)


class Place:
    """Where to connect to."""

    def __init__(self, server, connect):
        self.server = server
        self.connect = connect


async def open_places(statistics, folder):
    loop = asyncio.get_running_loop()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(CERTIFICATES / "localhost.pem")
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.load_verify_locations(CERTIFICATES / "authority.pem")

    def factory():
        return End(statistics)

    places = []
    for address in ADDRESSES:
        server = await loop.create_server(factory, address, 0, backlog=1000)
        host, port = server.sockets[0].getsockname()
        places += [Place(server, lambda f, h=host, p=port: loop.create_connection(f, h, p))] * 5
    path = os.path.join(folder, "socket")
    server = await loop.create_unix_server(factory, path, backlog=1000)
    places += [Place(server, lambda f: loop.create_unix_connection(f, path))] * 5
    secure = await loop.create_server(factory, "127.0.0.1", 0, backlog=1000, ssl=server_side)
    to_secure = {"ssl": client_side, "server_hostname": "localhost"}
    host, port = secure.sockets[0].getsockname()
    places.append(Place(secure, lambda f: loop.create_connection(f, host, port, **to_secure)))
    return places


async def keep_connected(statistics, places, until):
    """One connection after the other."""
    loop = asyncio.get_running_loop()
    while (left := until - loop.time()) > 0:
        life = min(random.expovariate(1 / MEAN_LIFE), left)
        try:
            _, end = await random.choice(places).connect(lambda: End(statistics, life))
        except OSError as error:  # a peer that cuts may be faster than we
            statistics.failures[type(error).__name__] += 1
            await asyncio.sleep(random.random())
        else:
            await end.over


async def all_over(statistics):
    """The other ends follow; those that hear nothing are told."""
    for _ in range(100):
        if not statistics.ends:
            return
        await asyncio.sleep(0.05)
        for end in list(statistics.ends):
            end.transport.abort()


async def one_round(statistics, connections, seconds):
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        places = await open_places(statistics, folder)
        until = loop.time() + seconds
        await asyncio.gather(
            *(keep_connected(statistics, places, until) for _ in range(connections))
        )
        await all_over(statistics)
        for place in set(places):
            place.server.close()


async def idle_cost():
    """Seconds of computing while connections of all kinds are open and nothing happens."""
    loop = asyncio.get_running_loop()
    pairs = []
    for index in range(40):
        ours, theirs = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        pairs.append((transport, theirs))
        if index % 4 == 1:
            transport.pause_reading()
            theirs.send(b"unread")
        elif index % 4 == 2:
            theirs.setblocking(False)
            transport.write(bytes(1_000_000))
        elif index % 4 == 3:
            transport.pause_reading()
            theirs.shutdown(socket.SHUT_RDWR)
    await asyncio.sleep(0.1)
    before = time.thread_time()
    await asyncio.sleep(IDLE)
    used = time.thread_time() - before
    for transport, theirs in pairs:
        transport.abort()
        theirs.close()
    await asyncio.sleep(0.1)
    return used


def descriptors():
    return {
        fd: os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.lexists(f"/proc/self/fd/{fd}")
    }


def memory():
    """Megabytes of this process."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def transports():
    kinds = (asyncio.Transport, asyncio.DatagramTransport)
    return [thing for thing in gc.get_objects() if isinstance(thing, kinds)]


async def main(options):
    loop = asyncio.get_running_loop()
    statistics = Statistics()
    loop.set_exception_handler(lambda _, context: statistics.reports.append(context["message"]))
    await loop.run_in_executor(None, int)  # its threads stay
    await one_round(statistics, min(options.connections, 50), 0.5)  # so do imports and caches
    before = len(descriptors())
    sizes = []
    print(f"loop {type(loop).__name__}, seed {options.seed}", flush=True)
    for number in range(options.rounds):
        began, made = loop.time(), statistics.made
        await one_round(statistics, options.connections, options.seconds / options.rounds)
        sizes.append(memory())
        print(
            f"round {number + 1}: {statistics.made - made} ends made in"
            f" {loop.time() - began:.0f} s, {len(descriptors())} descriptors and"
            f" {sizes[-1]:.0f} MB after",
            flush=True,
        )
    used = await idle_cost()
    gc.collect()
    troubles = {
        "descriptors": len(descriptors()) - before,
        "transports": len(transports()),
        "tasks": len(asyncio.all_tasks()) - 1,
        "ends not told": statistics.made - statistics.lost,
        "reports": len(statistics.reports),
        "growing": int(len(sizes) > 2 and sizes[-1] > GROWTH * sizes[1]),
        "busy while idle": int(used > BUSY),
    }
    print(f"connecting failed: {dict(statistics.failures) or 'never'}")
    print(f"computed {used * 1000:.1f} ms in {IDLE:.0f} s of idling with 40 connections open")
    for report, count in collections.Counter(statistics.reports).most_common(10):
        print(f"reported {count} times: {report}")
    print("left:", ", ".join(f"{name} {count}" for name, count in troubles.items()))
    return int(any(troubles.values()))


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--connections", type=int, default=5000, help="at a time")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=4, help="in so many parts")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


if __name__ == "__main__":
    OPTIONS = parsed()
    # It warns of writes to a connection that has just been lost, as TLS has it.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    random.seed(OPTIONS.seed)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.exit(asyncio.run(main(OPTIONS)))
