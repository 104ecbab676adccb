"""An echo server: every kind of asyncio endpoint over every transport, on the chosen loop.

    echo_server.py --loop uvloop --kind streams --mode tcp
"""

import asyncio
import collections.abc
import ssl

import chosen_loop
import readiness

READ_SIZE = 256 * 1024

# The protocols take their transport as it comes: uvloop's are not instances of asyncio's classes.


class EchoProtocol(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class BufferedEchoProtocol(asyncio.BufferedProtocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.buffer = memoryview(bytearray(READ_SIZE))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        # A copy, because a transport may keep what it is given until the peer reads it, and
        # the next read goes into the same buffer.
        self.transport.write(bytes(self.buffer[:nbytes]))


class EchoDatagrams(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)


async def echo_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(READ_SIZE):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


Factory = collections.abc.Callable[[], asyncio.BaseProtocol]


def streams_factory() -> asyncio.BaseProtocol:
    """What asyncio.start_server makes, for every transport alike."""
    return asyncio.StreamReaderProtocol(asyncio.StreamReader(), echo_stream)


FACTORIES: dict[str, Factory] = {
    "protocol": EchoProtocol,
    "buffered": BufferedEchoProtocol,
    "streams": streams_factory,
}


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def serve(mode: str, kind: str, path: str, certificate: str, key: str) -> None:
    loop = asyncio.get_running_loop()
    address = ("127.0.0.1", 0)
    if mode == "udp":
        transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=address)
        port = transport.get_extra_info("sockname")[1]
    elif mode == "unix":
        await loop.create_unix_server(FACTORIES[kind], path)
        port = 0
    else:
        context = server_context(certificate, key) if mode == "tls" else None
        server = await loop.create_server(FACTORIES[kind], *address, ssl=context, backlog=1024)
        port = server.sockets[0].getsockname()[1]
    await readiness.announce_and_serve(port)


def main() -> None:
    parser = chosen_loop.parser(__doc__)
    parser.add_argument("--mode", choices=("tcp", "unix", "udp", "tls"), default="tcp")
    parser.add_argument("--kind", choices=sorted(FACTORIES), default="protocol")
    parser.add_argument("--path", default="", help="of the Unix socket")
    parser.add_argument("--cert", default="", help="for tls")
    parser.add_argument("--key", default="", help="for tls")
    args = parser.parse_args()
    readiness.raise_descriptor_limit()
    chosen_loop.run(serve(args.mode, args.kind, args.path, args.cert, args.key), args.loop)


if __name__ == "__main__":
    main()
