"""All ways that the standard library has to fork this process, or to put another in its place.

None of them is harmful if it works.
"""

import asyncio
import concurrent.futures
import ctypes.util
import multiprocessing.util
import os
import platform
import pty
import subprocess
import threading
import uuid

import _posixsubprocess


def noop():
    pass


def _in_child(fork):
    """The child of a fork that works ends at once."""
    pid, *rest = fork() if fork is os.forkpty else (fork(),)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _process(method):
    multiprocessing.get_context(method).Process(target=noop).start()


ATTEMPTS = {
    "os.fork": lambda: _in_child(os.fork),
    "os.forkpty": lambda: _in_child(os.forkpty),
    "pty.spawn": lambda: pty.spawn("true"),
    "os.execv": lambda: os.execv("/no/such/program", ["x"]),
    "os.execvpe": lambda: os.execvpe("no-such-program", ["x"], {}),
    "os.system": lambda: os.system("true"),
    "os.popen": lambda: os.popen("true").close(),
    "os.spawnv": lambda: os.spawnv(os.P_WAIT, "/bin/true", ["true"]),
    "os.posix_spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "os.posix_spawnp": lambda: os.posix_spawnp("true", ["true"], {}),
    "subprocess.Popen": lambda: subprocess.Popen("true"),
    "subprocess.run": lambda: subprocess.run(["true"], close_fds=False),
    "fork_exec": lambda: _posixsubprocess.fork_exec(),
    "spawnv_passfds": lambda: multiprocessing.util.spawnv_passfds(b"/bin/true", [b"true"], ()),
    "multiprocessing fork": lambda: _process("fork"),
    "multiprocessing spawn": lambda: _process("spawn"),
    "multiprocessing forkserver": lambda: _process("forkserver"),
    "ProcessPoolExecutor": lambda: concurrent.futures.ProcessPoolExecutor(1).submit(noop).result(),
}


def names():
    return list(ATTEMPTS)


def attempt(name):
    ATTEMPTS[name]()


def in_a_thread(name):
    errors = []

    def run():
        try:
            attempt(name)
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def in_another_interpreter():
    """What happens there, by name; None before there is a module for it."""
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        try:
            import _interpreters as interpreters
        except ImportError:
            return None
    code = """
import _posixsubprocess, os, subprocess
attempts = lambda: subprocess.run("true"), lambda: os.system("true"), _posixsubprocess.fork_exec
out = open(path, "w")
for attempt in attempts:
    try:
        attempt()
    except Exception as error:
        print(type(error).__name__, file=out)
out.close()
"""
    path = f"/proc/self/fd/{(memory := os.memfd_create('answers'))}"
    interpreter = interpreters.create()
    try:
        interpreters.run_string(interpreter, code, {"path": path})
        return os.pread(memory, 1000, 0).decode().split()
    finally:
        interpreters.destroy(interpreter)
        os.close(memory)


def harmless():
    """What the standard library does by a subprocess only if it may."""
    return [
        isinstance(platform.platform() + platform.processor(), str),
        isinstance(uuid.getnode(), int),
        ctypes.util.find_library("no-such-library") is None,
    ]


async def allowed():
    process = await asyncio.create_subprocess_exec("true")
    return await process.wait()
