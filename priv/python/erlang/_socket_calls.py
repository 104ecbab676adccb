"""sock_recv(), sock_accept() and their siblings: calls of a non-blocking socket that wait.

The call is made by the coroutine itself, when the socket is ready. So one that is cancelled has
taken nothing: no connection is lost, and no data, where the standard library's loops call first and
then find nobody who waits for the result.
"""

from __future__ import annotations

import asyncio
import asyncio.selector_events
import socket
import ssl
from typing import Any, Callable

_AGAIN = (BlockingIOError, InterruptedError)


class SocketCalls(asyncio.selector_events.BaseSelectorEventLoop):
    """The part of a loop that makes them."""

    # What the standard library's loops have and its types don't tell.
    _add_reader: Callable[..., asyncio.Handle]
    _add_writer: Callable[..., asyncio.Handle]
    _debug: bool
    _ensure_fd_no_transport: Callable[[int], None]
    _remove_reader: Callable[[int], bool]
    _remove_writer: Callable[[int], bool]

    async def sock_recv(  # type: ignore[override]  # it is `n` in the code, `nbytes` in the types
        self, sock: socket.socket, n: int
    ) -> bytes:
        """As soon as there are any, up to so many bytes; none at the end."""
        return await self._when_readable(sock, "recv", n)

    async def sock_recv_into(self, sock: socket.socket, buf: Any) -> int:
        """The same into a buffer; how many they were."""
        return await self._when_readable(sock, "recv_into", buf)

    # The types of the standard library leave out the address, and what sock_sendto() returns.

    async def sock_recvfrom(  # type: ignore[override]
        self, sock: socket.socket, bufsize: int
    ) -> tuple[bytes, Any]:
        """A datagram, and who sent it."""
        return await self._when_readable(sock, "recvfrom", bufsize)

    async def sock_recvfrom_into(  # type: ignore[override]
        self, sock: socket.socket, buf: Any, nbytes: int = 0
    ) -> tuple[int, Any]:
        """A datagram's size, and who sent it."""
        return await self._when_readable(sock, "recvfrom_into", buf, nbytes or len(buf))

    async def sock_sendto(  # type: ignore[override]
        self, sock: socket.socket, data: Any, address: Any
    ) -> int:
        """Send a datagram; its size."""
        return await self._when_writable(sock, "sendto", data, address)

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """A connection, not blocking, and who made it."""
        connection, address = await self._when_readable(sock, "accept")
        connection.setblocking(False)
        return connection, address

    async def sock_sendall(self, sock: socket.socket, data: Any) -> None:
        """Returns when the system has taken all of it."""
        self._check_socket(sock)
        with memoryview(data) as whole, whole.cast("B") as rest:
            sent = 0
            while sent < len(rest):
                with rest[sent:] as left:
                    sent += await self._when_writable(sock, "send", left)

    def _check_socket(self, sock: socket.socket) -> None:
        if isinstance(sock, ssl.SSLSocket):
            raise TypeError("Socket cannot be of type SSLSocket")
        if self._debug and sock.gettimeout() != 0:
            raise ValueError("the socket must be non-blocking")

    async def _when_readable(self, sock: socket.socket, method: str, *args: object) -> Any:
        self._check_socket(sock)
        while True:
            try:
                return getattr(sock, method)(*args)
            except _AGAIN:
                pass
            await self._wait_for(sock, self._add_reader, self._remove_reader)

    async def _when_writable(self, sock: socket.socket, method: str, *args: object) -> Any:
        self._check_socket(sock)
        while True:
            try:
                return getattr(sock, method)(*args)
            except _AGAIN:
                pass
            await self._wait_for(sock, self._add_writer, self._remove_writer)

    async def _wait_for(
        self,
        sock: socket.socket,
        add: Callable[..., asyncio.Handle],
        remove: Callable[[int], bool],
    ) -> None:
        fd = sock.fileno()
        self._ensure_fd_no_transport(fd)
        future = self.create_future()
        handle = add(fd, _set_ready, future)
        try:
            await future
        finally:
            if not handle.cancelled():  # by another who watches the same
                remove(fd)


def _set_ready(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
