"""A UDP echo server, an unconnected and a connected client.

bin/erlpy examples/udp_echo.py
"""

import asyncio


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


class Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = asyncio.Queue()

    def datagram_received(self, data, address):
        self.received.put_nowait((data, address))

    def error_received(self, error):
        print(f"not delivered: {error}")


async def main():
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    address = server.get_extra_info("sockname")

    unconnected, client = await loop.create_datagram_endpoint(Client, local_addr=("127.0.0.1", 0))
    unconnected.sendto(b"to an address", address)
    print(await asyncio.wait_for(client.received.get(), 5))

    connected, client = await loop.create_datagram_endpoint(Client, remote_addr=address)
    connected.sendto(b"to the peer")
    print(await asyncio.wait_for(client.received.get(), 5))

    for transport in (unconnected, connected, server):
        transport.close()


if __name__ == "__main__":
    asyncio.run(main())
