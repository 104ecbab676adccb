"""What a program sees of its terminal; then it waits for Ctrl-C, twice."""

import asyncio
import os
import sys
import time

print([os.isatty(n) for n in range(3)], [os.get_blocking(n) for n in range(3)], os.ttyname(2))
print([stream.line_buffering for stream in (sys.stdin, sys.stdout)], file=sys.stderr)


async def main():
    try:
        print("ready", flush=True)
        await asyncio.sleep(3600)
    finally:
        print("cleaned up")


try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os.kill(0, 2)  # the whole group again, as Ctrl-C does
    time.sleep(3600)
