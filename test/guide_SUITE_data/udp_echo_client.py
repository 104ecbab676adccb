import asyncio


class EchoClientProtocol(asyncio.DatagramProtocol):
    def __init__(self, message, on_response):
        self.message = message
        self.on_response = on_response
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        print(f"Sending: {self.message}")
        transport.sendto(self.message.encode())

    def datagram_received(self, data, addr):
        print(f"Received: {data.decode()} from {addr}")
        self.on_response.set_result(data)

    def error_received(self, exc):
        print(f"Error: {exc}")


async def run_client():
    loop = asyncio.get_running_loop()
    on_response = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: EchoClientProtocol("Hello UDP!", on_response), remote_addr=("127.0.0.1", 9999)
    )
    try:
        response = await asyncio.wait_for(on_response, timeout=5.0)
        print(f"Echo response: {response.decode()}")
    finally:
        transport.close()


asyncio.run(run_client())
