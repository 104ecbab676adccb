"""A TCP echo server with protocols, and clients with streams, in one program.

    bin/erlpy examples/tcp_echo.py              # ten clients, then it ends
    bin/erlpy examples/tcp_echo.py --serve 8888 # until Ctrl-C
"""

import argparse
import asyncio


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def eof_received(self):
        return False  # close our side, too


async def client(number, port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    message = f"hello from client {number}\n".encode()
    writer.write(message)
    await writer.drain()
    assert await reader.readline() == message
    writer.close()
    await writer.wait_closed()


async def main(port):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", port or 0, reuse_address=True)
    port_in_use = server.sockets[0].getsockname()[1]
    print(f"{type(loop).__name__} listens on port {port_in_use}")
    async with server:
        if port is not None:
            await server.serve_forever()
        await asyncio.gather(*(client(n, port_in_use) for n in range(10)))
    print("10 clients got their echo")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", type=int, metavar="PORT", help="listen until interrupted")
    try:
        asyncio.run(main(parser.parse_args().serve))
    except KeyboardInterrupt:
        print("interrupted")
