"""Runs a command on a terminal of its own, presses Ctrl-C when it is ready, and tells what was.

Prints the wait status, whether anybody saw the terminal non-blocking, and the output.
"""

import os
import pty
import subprocess
import sys


def main(command):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: os.close(
            os.open(os.ttyname(0), os.O_RDWR)
        ),  # makes it the controlling one
    )
    blocking = True
    output = b""
    while b"ready\r\n" not in output:
        blocking &= os.get_blocking(theirs)
        output += os.read(ours, 1000)
    os.write(ours, b"\x03")
    process.wait()
    blocking &= os.get_blocking(theirs)
    os.write(theirs, b"END")
    while not output.endswith(b"END"):
        output += os.read(ours, 1000)
    print(process.returncode, blocking, output.removesuffix(b"END"))


main(sys.argv[1:])
