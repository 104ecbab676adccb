"""TLS: the standard library's protocol, with shortcuts for the one state in which time matters.

A record that arrives or leaves while nothing waits, nothing is paused and no shutdown has begun
takes the way below; everything else is asyncio.sslproto's own code.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto
from typing import Any, Callable

_WRAPPED = sslproto.SSLProtocolState.WRAPPED


def take_unread(protocol: asyncio.BaseProtocol, tls: TLSProtocol) -> None:
    """What a stream has received and nobody has read is the beginning of the handshake."""
    if isinstance(protocol, asyncio.StreamReaderProtocol):
        reader: Any = getattr(protocol, "_stream_reader", None)
        if reader is not None and reader._buffer:
            tls._incoming.write(reader._buffer)
            reader._buffer.clear()


class TLSProtocol(sslproto.SSLProtocol):
    """Stands between a transport of ours and the user's protocol."""

    # What asyncio.sslproto has and the types of the standard library don't tell.
    _app_protocol: Any
    _app_protocol_is_buffer: bool
    _app_reading_paused: bool
    _app_writing_paused: bool
    _call_eof_received: Callable[[], None]
    _control_app_writing: Callable[[], None]
    _control_ssl_reading: Callable[[], None]
    _do_write: Callable[[], None]
    _incoming: ssl.MemoryBIO
    _incoming_high_water: int
    _outgoing: ssl.MemoryBIO
    _outgoing_high_water: int
    _sslobj: Any
    _ssl_reading_paused: bool
    _ssl_writing_paused: bool
    _state: sslproto.SSLProtocolState
    _transport: Any
    _write_backlog: Any
    _write_buffer_size: int

    # For one record. Each read of OpenSSL gets so much, and is shrunk to what the record had; the
    # standard 256 KB are more than malloc keeps at hand: getting and clearing pages over and over
    # would take three times as long as the cryptography.
    max_size = 16 * 1024

    def __init__(self, loop: Any, *args: Any, **options: Any) -> None:
        super().__init__(loop, *args, **options)
        # What arrives stays there only from get_buffer() to buffer_updated(), so that all
        # connections of a loop share one.
        self._ssl_buffer = loop._tls_buffer
        self._ssl_buffer_view = memoryview(self._ssl_buffer)

    def get_buffer(self, n: int) -> memoryview:
        """Where the transport is to put what it receives."""
        return self._ssl_buffer_view

    def buffer_updated(self, nbytes: int) -> None:
        """So much has been received."""
        if (
            self._state is not _WRAPPED
            or self._app_reading_paused
            or self._app_protocol_is_buffer
            or self._write_backlog
        ):
            super().buffer_updated(nbytes)
            return
        self._incoming.write(self._ssl_buffer_view[:nbytes])
        try:
            self._do_read__copied()
            # What follows is rarely needed, as each write sends its own record.
            if self._write_backlog:
                self._do_write()
            elif self._outgoing.pending or self._app_writing_paused:
                self._process_outgoing()
            if self._ssl_reading_paused or self._incoming.pending >= self._incoming_high_water:
                self._control_ssl_reading()
        except Exception as error:
            self._fatal_error(error, "Fatal error on SSL protocol")

    def _do_read__copied(self) -> None:
        sslobj: Any = self._sslobj._sslobj  # the wrapper only passes calls on
        incoming = self._incoming
        chunk = None
        chunks = []
        try:
            while True:
                chunk = sslobj.read(self.max_size)
                if not chunk:
                    break
                chunks.append(chunk)
                # One read more would say so by an exception, which costs as much as all the rest.
                if not incoming.pending and not sslobj.pending():
                    break
        except sslproto.SSLAgainErrors:
            chunk = None
        if chunks:
            self._app_protocol.data_received(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        if chunk == b"":  # close_notify
            self._call_eof_received()
            self._start_shutdown()

    def _write_appdata(self, list_of_data: Any) -> None:
        single = type(list_of_data) is tuple and len(list_of_data) == 1  # from write()
        if single and self._state is _WRAPPED and not self._write_backlog:
            [data] = list_of_data
            try:
                count = self._sslobj._sslobj.write(data)
            except sslproto.SSLAgainErrors:
                count = 0
            except Exception as error:
                self._fatal_error(error, "Fatal error on SSL protocol")
                return
            if count == len(data):
                self._process_outgoing()
                return
            list_of_data = [data[count:]]
        super()._write_appdata(list_of_data)

    def _process_outgoing(self) -> None:
        if not self._ssl_writing_paused and self._outgoing.pending:
            self._transport.write(self._outgoing.read())
        waiting = self._write_buffer_size + self._outgoing.pending
        if self._app_writing_paused or waiting >= self._outgoing_high_water:
            self._control_app_writing()
