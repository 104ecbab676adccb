"""TLS: the standard library's protocol, with what concerns records in C++ (net/tls_records.h)."""

from __future__ import annotations

import asyncio
from asyncio import sslproto
from typing import Any

import _erlang

_erlang.load_transports()  # TLS comes first, since it derives from some of them


def take_unread(protocol: asyncio.BaseProtocol, tls: TLSProtocol) -> None:
    """What a stream has received and nobody has read is the beginning of the handshake."""
    if isinstance(protocol, asyncio.StreamReaderProtocol):
        reader: Any = getattr(protocol, "_stream_reader", None)
        if reader is not None and reader._buffer:
            tls._incoming.write(reader._buffer)
            reader._buffer.clear()


class _ErlangSSLTransport(_erlang.TLSWriter, sslproto._SSLProtocolTransport):
    """What the user's protocol writes to."""


class TLSProtocol(_erlang.TLSRecords, sslproto.SSLProtocol):
    """Stands between a transport of ours and the user's protocol."""

    # What asyncio.sslproto has and the types of the standard library don't tell.
    _app_transport: Any
    _app_transport_created: bool
    _loop: Any

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

    def _get_app_transport(self) -> _ErlangSSLTransport:
        if self._app_transport is None:
            if self._app_transport_created:
                raise RuntimeError("the connection is over")
            self._app_transport = _ErlangSSLTransport(self._loop, self)
            self._app_transport_created = True
        transport: _ErlangSSLTransport = self._app_transport
        return transport
