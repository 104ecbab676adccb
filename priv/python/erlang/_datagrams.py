"""Datagram endpoints, with two things more than the standard library's loops have."""

from __future__ import annotations

import asyncio
import asyncio.selector_events
import socket
from typing import Any, Callable

_Address = tuple[str, int]


class DatagramEndpoints(asyncio.selector_events.BaseSelectorEventLoop):
    """The part of a loop that makes datagram endpoints."""

    # What the standard library's loops have and its types don't tell.
    _ensure_resolved: Callable[..., Any]
    _make_datagram_transport: Callable[..., asyncio.DatagramTransport]

    async def create_datagram_endpoint(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        local_addr: Any = None,
        remote_addr: Any = None,
        *,
        family: int = 0,
        proto: int = 0,
        flags: int = 0,
        reuse_address: bool | None = None,
        reuse_port: bool | None = None,
        allow_broadcast: bool | None = None,
        sock: socket.socket | None = None,
    ) -> tuple[asyncio.BaseTransport, Any]:
        """A datagram endpoint; see asyncio.loop.create_datagram_endpoint().

        `reuse_address` sets SO_REUSEADDR, for internet addresses. A `sock` is taken as it is: it
        overrides all other options.
        """
        endpoint = super().create_datagram_endpoint
        if sock is not None:
            return await endpoint(protocol_factory, sock=sock)  # type: ignore[arg-type]
        if not reuse_address:
            return await endpoint(  # type: ignore[return-value]
                protocol_factory,  # type: ignore[arg-type]
                local_addr,
                remote_addr,
                family=family,
                proto=proto,
                flags=flags,
                reuse_port=reuse_port,
                allow_broadcast=allow_broadcast,
            )
        made, address = await self._reusing_socket(
            local_addr,
            remote_addr,
            {"family": family, "proto": proto, "flags": flags},
            _options(reuse_port, allow_broadcast),
        )
        protocol = protocol_factory()
        waiter = self.create_future()
        transport = self._make_datagram_transport(made, protocol, address, waiter)
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    async def _reusing_socket(
        self,
        local_addr: _Address | None,
        remote_addr: _Address | None,
        hints: dict[str, int],
        options: list[int],
    ) -> tuple[socket.socket, Any]:
        """A socket with these options set, bound and connected, and where it is to send to."""
        failures = []
        for family, proto, local, remote in await self._resolve(local_addr, remote_addr, hints):
            sock = socket.socket(family, socket.SOCK_DGRAM, proto)
            try:
                sock.setblocking(False)
                for option in options:
                    sock.setsockopt(socket.SOL_SOCKET, option, 1)
                if local is not None:
                    sock.bind(local)
                if remote is not None and socket.SO_BROADCAST not in options:
                    await self.sock_connect(sock, remote)
                return sock, remote
            except OSError as error:
                sock.close()
                failures.append(error)
            except BaseException:
                sock.close()
                raise
        raise failures[0]

    async def _resolve(
        self, local_addr: _Address | None, remote_addr: _Address | None, hints: dict[str, int]
    ) -> list[tuple[int, int, Any, Any]]:
        """What to try in turn: family, protocol, and the two addresses, None if not asked for."""
        given = [local_addr, remote_addr]
        if given == [None, None]:
            if not hints["family"]:
                raise ValueError("unexpected address family")
            return [(hints["family"], hints["proto"], None, None)]
        found: dict[tuple[int, int], list[Any]] = {}
        for position, address in enumerate(given):
            if address is None:
                continue
            if not (isinstance(address, tuple) and len(address) == 2):
                raise TypeError("2-tuple is expected")
            for family, _, proto, _, resolved in await self._ensure_resolved(
                address, type=socket.SOCK_DGRAM, loop=self, **hints
            ):
                found.setdefault((family, proto), [None, None])[position] = resolved
        pairs = [
            (family, proto, local, remote)
            for (family, proto), (local, remote) in found.items()
            if (local is None) == (local_addr is None) and (remote is None) == (remote_addr is None)
        ]
        if not pairs:
            raise ValueError("can not get address information")
        return pairs


def _options(reuse_port: bool | None, allow_broadcast: bool | None) -> list[int]:
    options = [socket.SO_REUSEADDR]
    if reuse_port:
        options.append(socket.SO_REUSEPORT)
    if allow_broadcast:
        options.append(socket.SO_BROADCAST)
    return options
