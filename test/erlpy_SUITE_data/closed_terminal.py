"""Runs a command on a terminal of its own, and closes that when the command is ready.

Prints what the command's child has written down when it was told.
"""

import os
import pty
import sys


def main(command):
    scratch = os.environ["SCRATCH"]
    os.mkfifo(scratch)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    output = b""
    while b"ready" not in output:
        output += os.read(terminal, 1000)
    os.close(terminal)
    with open(scratch) as told:
        print(told.read().strip())
    os.unlink(scratch)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main(sys.argv[1:])
