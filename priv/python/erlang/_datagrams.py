"""Datagram endpoints with SO_REUSEADDR, which asyncio no longer sets."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Callable

_Pair = list[Any]  # the local and the remote address, or None


async def create_with_reused_address(
    loop: Any,
    protocol_factory: Callable[[], asyncio.DatagramProtocol],
    local_addr: Any = None,
    remote_addr: Any = None,
    *,
    family: int = 0,
    proto: int = 0,
    flags: int = 0,
    reuse_port: bool | None = None,
    allow_broadcast: bool | None = None,
    sock: socket.socket | None = None,
) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
    """As asyncio.loop.create_datagram_endpoint(), for an address that others may be bound to."""
    if sock is not None:
        raise ValueError("reuse_address can not be used when sock is specified")
    options = [socket.SO_REUSEADDR]
    options += [socket.SO_REUSEPORT] * bool(reuse_port)
    options += [socket.SO_BROADCAST] * bool(allow_broadcast)
    errors = []
    for kind, (local, remote) in await _resolved(
        loop, local_addr, remote_addr, family, proto, flags
    ):
        try:
            sock = _bound(kind, options, local)
        except OSError as error:
            errors.append(error)
            continue
        try:
            if remote is not None and not allow_broadcast:
                await loop.sock_connect(sock, remote)
        except OSError as error:
            sock.close()
            errors.append(error)
        except BaseException:
            sock.close()
            raise
        else:
            return await _transport(loop, sock, protocol_factory, remote)
    raise errors[0]


async def _resolved(
    loop: Any, local_addr: Any, remote_addr: Any, family: int, proto: int, flags: int
) -> list[tuple[tuple[int, int], _Pair]]:
    """Family and protocol, and the addresses of that kind."""
    if family == socket.AF_UNIX:
        return [((family, proto), [local_addr, remote_addr])]
    if not local_addr and not remote_addr:
        if family == 0:
            raise ValueError("unexpected address family")
        return [((family, proto), [None, None])]
    found: dict[tuple[int, int], _Pair] = {}
    for index, address in enumerate((local_addr, remote_addr)):
        if address is None:
            continue
        if not (isinstance(address, tuple) and len(address) == 2):
            raise TypeError("2-tuple is expected")
        for kind, _, protocol, _, resolved in await loop._ensure_resolved(
            address, family=family, type=socket.SOCK_DGRAM, proto=proto, flags=flags, loop=loop
        ):
            pair = found.setdefault((kind, protocol), [None, None])
            pair[index] = pair[index] or resolved
    wanted = [local_addr is not None, remote_addr is not None]
    complete = [
        item for item in found.items() if [address is not None for address in item[1]] == wanted
    ]
    if not complete:
        raise ValueError("can not get address information")
    return complete


def _bound(kind: tuple[int, int], options: list[int], local: Any) -> socket.socket:
    family, proto = kind
    sock = socket.socket(family, socket.SOCK_DGRAM, proto)
    try:
        for option in options:
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        sock.setblocking(False)
        if local is not None:
            sock.bind(local)
    except BaseException:
        sock.close()
        raise
    return sock


async def _transport(
    loop: Any,
    sock: socket.socket,
    protocol_factory: Callable[[], asyncio.DatagramProtocol],
    remote: Any,
) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
    protocol = protocol_factory()
    waiter = loop.create_future()
    transport = loop._make_datagram_transport(sock, protocol, remote, waiter)
    try:
        await waiter
    except BaseException:
        transport.close()
        raise
    return transport, protocol
