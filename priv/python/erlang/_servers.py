"""asyncio.Server with what Python 3.13 has added to it, for older Pythons."""

from __future__ import annotations

import asyncio.base_events
from typing import Any


class Server(asyncio.base_events.Server):
    """A server that can end the connections that it has accepted."""

    _loop: Any

    def close_clients(self) -> None:
        """Close all connections: what is queued for sending is sent."""
        for transport in self._clients():
            transport.close()

    def abort_clients(self) -> None:
        """End all connections at once."""
        for transport in self._clients():
            transport.abort()

    def _clients(self) -> list[Any]:
        return [
            transport for transport in self._loop._transports.values() if transport._server is self
        ]


async def adopt(
    server: asyncio.base_events.Server, start_serving: bool
) -> asyncio.base_events.Server:
    """Finish what create_server() began."""
    if not hasattr(server, "close_clients"):
        server.__class__ = Server
    if start_serving:
        try:
            await server.start_serving()
        except BaseException:  # cancelled, as a rule: nobody could ever close it
            server.close()
            raise
    return server
