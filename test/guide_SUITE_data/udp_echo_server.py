import asyncio

from erlang import ErlangEventLoop  # noqa: F401


class EchoServerProtocol(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
        sockname = transport.get_extra_info("sockname")
        print(f"UDP Echo Server listening on {sockname}")

    def datagram_received(self, data, addr):
        print(f"Received {len(data)} bytes from {addr}")
        # Echo back
        self.transport.sendto(data, addr)


async def run_server():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        EchoServerProtocol, local_addr=("127.0.0.1", 9999)
    )
    try:
        await asyncio.sleep(3600)
    finally:
        transport.close()


asyncio.run(run_server())
