"""How a server program tells the benchmark that it serves, and how it ends."""

import asyncio
import json
import os
import resource

# Nobody needs a server for longer, and one whose benchmark was killed goes by itself.
LIFETIME_S = 300.0


def raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def announce_and_serve(port: int) -> None:
    """Print the line that the benchmark waits for, then let the servers run."""
    loop = asyncio.get_running_loop()
    kind = f"{type(loop).__module__}.{type(loop).__qualname__}"
    print(json.dumps({"pid": os.getpid(), "port": port, "loop": kind}), flush=True)
    await asyncio.sleep(LIFETIME_S)
