"""Connections of ErlangEventLoop: where the standard library asks a loop for transports and
servers, it gets those of `_erlang`.
"""

from __future__ import annotations

import asyncio
import asyncio.base_events
import asyncio.selector_events
import asyncio.unix_events
import functools
import logging
import socket
import ssl
from typing import Any, Callable, Coroutine

import _erlang

from . import _servers, _tls
from ._datagrams import DatagramEndpoints

_log = logging.getLogger("asyncio")

_ProtocolFactory = Callable[[], asyncio.BaseProtocol]
_TIMEOUTS = ("ssl_handshake_timeout", "ssl_shutdown_timeout")


class NativeTransports(DatagramEndpoints):
    """The part of a loop that makes transports and accepts connections.

    Its `_transports` is what keeps an open transport alive, and `_acceptors` likewise.
    """

    # What the standard library's loops have and its types don't tell.
    _accept_connection2: Callable[..., Coroutine[Any, Any, None]]
    _debug: bool

    def __init__(self, selector: Any = None) -> None:
        super().__init__(selector)
        self._transports = _erlang.TransportTable()
        self._acceptors: dict[socket.socket, _erlang.Acceptor] = {}

    @functools.cached_property
    def _tls_buffer(self) -> bytearray:
        return bytearray(256 * 1024)

    def close(self) -> None:
        """Close the loop. It must not be running."""
        super().close()
        self._acceptors.clear()
        self._transports.clear()

    # Transports.

    def _make_socket_transport(
        self,
        sock: socket.socket,
        protocol: asyncio.BaseProtocol,
        waiter: asyncio.Future[None] | None = None,
        *,
        extra: dict[str, Any] | None = None,
        server: asyncio.AbstractServer | None = None,
    ) -> asyncio.Transport:
        return _erlang._ErlangSocketTransport(self, sock, protocol, waiter, extra, server)

    def _make_datagram_transport(
        self,
        sock: socket.socket,
        protocol: asyncio.DatagramProtocol,
        address: Any = None,
        waiter: asyncio.Future[None] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> asyncio.DatagramTransport:
        return _erlang._ErlangDatagramTransport(self, sock, protocol, address, waiter, extra)

    def _make_ssl_transport(
        self,
        rawsock: socket.socket,
        protocol: asyncio.BaseProtocol,
        sslcontext: ssl.SSLContext,
        waiter: asyncio.Future[None] | None = None,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        extra: dict[str, Any] | None = None,
        server: asyncio.AbstractServer | None = None,
        **options: Any,
    ) -> asyncio.Transport:
        tls = _tls.TLSProtocol(
            self, protocol, sslcontext, waiter, server_side, server_hostname, **options
        )
        try:
            _erlang._ErlangSocketTransport(self, rawsock, tls, None, extra, server)
        except BaseException:  # as a rule the server has been closed meanwhile
            tls._app_transport._closed = True  # or it would warn
            raise
        return tls._app_transport

    async def start_tls(
        self,
        transport: Any,
        protocol: asyncio.BaseProtocol,
        sslcontext: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> asyncio.Transport:
        """Go on with TLS on a connection; the new transport. See asyncio.loop.start_tls()."""
        if not isinstance(sslcontext, ssl.SSLContext):
            raise TypeError(f"start_tls() needs an ssl.SSLContext, got {sslcontext!r}")
        if not getattr(transport, "_start_tls_compatible", False):
            raise TypeError(f"transport {transport!r} is not supported by start_tls()")
        handshake = self.create_future()
        tls = _tls.TLSProtocol(
            self,
            protocol,
            sslcontext,
            handshake,
            server_side,
            server_hostname,
            call_connection_made=False,
            ssl_handshake_timeout=ssl_handshake_timeout,
            ssl_shutdown_timeout=ssl_shutdown_timeout,
        )
        # Nothing of the peer's may reach the old protocol any more; what has is for TLS.
        transport.pause_reading()
        if server_side:
            _tls.take_unread(protocol, tls)
        transport.set_protocol(tls)
        steps = [
            self.call_soon(tls.connection_made, transport),
            self.call_soon(transport.resume_reading),
        ]
        try:
            await handshake
        except BaseException:
            transport.close()
            for step in steps:
                step.cancel()
            del handshake  # its exception's traceback refers to this frame
            raise
        return tls._app_transport

    async def _sendfile_native(self, transp: Any, file: Any, offset: int, count: int | None) -> int:
        """As the standard library's, which makes the transport unusable when it is cancelled early,
        waits for ever when the transport ends meanwhile, and puts one that has ended into the
        place of the next with its number."""
        number = transp._sock_fd
        was_reading = transp.is_reading()
        sent = transp._make_empty_waiter()
        del self._transports[number]  # or sock_sendfile() would be refused
        try:
            transp.pause_reading()
            await sent
            ended = transp._make_end_waiter()
            sending = self.sock_sendfile(transp._sock, file, offset, count, fallback=False)
            return await self._unless_failed(ended, self.create_task(sending))
        finally:
            transp._reset_empty_waiter()
            if transp._loop is not None:
                self._transports[number] = transp
                if was_reading:
                    transp.resume_reading()

    async def _unless_failed(self, failing: asyncio.Future[None], task: asyncio.Task[int]) -> int:
        """The task's result, or the future's error if that comes first."""

        def failed(future: asyncio.Future[None]) -> None:
            if not future.cancelled() and future.exception():  # nobody else may look at it
                task.cancel()

        failing.add_done_callback(failed)
        try:
            return await task
        except asyncio.CancelledError:
            if failing.done():
                failing.result()
            raise
        finally:
            failing.cancel()

    # Servers.

    def _start_serving(
        self,
        protocol_factory: _ProtocolFactory,
        sock: socket.socket,
        sslcontext: ssl.SSLContext | None = None,
        server: asyncio.AbstractServer | None = None,
        backlog: int = 100,
        *timeouts: float | None,
        **options: float | None,
    ) -> None:
        on_connection = None
        if sslcontext is not None:
            options.update(zip(_TIMEOUTS, timeouts))
            on_connection = functools.partial(
                self._accept_with_tls, protocol_factory, sslcontext, server, options
            )
        self._stop_accepting(sock)
        acceptor = _erlang.Acceptor(self, sock, protocol_factory, server, backlog, on_connection)
        acceptor.start()
        self._acceptors[sock] = acceptor

    def _accept_with_tls(
        self,
        protocol_factory: _ProtocolFactory,
        sslcontext: ssl.SSLContext,
        server: asyncio.AbstractServer | None,
        timeouts: dict[str, float | None],
        conn: socket.socket,
        address: Any,
    ) -> None:
        if self._debug:
            _log.debug("%r got a new connection from %r: %r", server, address, conn)
        extra = {"peername": address}
        self.create_task(
            self._accept_connection2(protocol_factory, conn, extra, sslcontext, server, **timeouts)
        )

    def _stop_accepting(self, sock: socket.socket) -> None:
        acceptor = self._acceptors.pop(sock, None)
        if acceptor is not None:
            acceptor.stop()

    def _stop_serving(self, sock: socket.socket) -> None:
        self._stop_accepting(sock)
        if sock.fileno() >= 0:  # else somebody has closed it
            super()._stop_serving(sock)  # type: ignore[misc]

    @functools.wraps(asyncio.base_events.BaseEventLoop.create_server)
    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: _ProtocolFactory,
        host: Any = None,
        port: Any = None,
        *,
        start_serving: bool = True,
        **options: Any,
    ) -> asyncio.base_events.Server:
        """A server for TCP connections; see asyncio.loop.create_server()."""
        server = await super().create_server(
            protocol_factory, host, port, start_serving=False, **options
        )
        return await _servers.adopt(server, start_serving)

    @functools.wraps(asyncio.unix_events._UnixSelectorEventLoop.create_unix_server)
    async def create_unix_server(
        self,
        protocol_factory: _ProtocolFactory,
        path: Any = None,
        *,
        start_serving: bool = True,
        **options: Any,
    ) -> asyncio.base_events.Server:
        """A server for Unix sockets; see asyncio.loop.create_unix_server()."""
        server = await super().create_unix_server(
            protocol_factory, path, start_serving=False, **options
        )
        return await _servers.adopt(server, start_serving)
