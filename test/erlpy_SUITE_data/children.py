"""What programs find that asyncio starts, and how they are waited for; the argument picks one."""

import asyncio
import os
import resource
import signal
import subprocess
import sys

FIELDS = "Umask|Sig(Blk|Ign)|Cpus_allowed_list"


async def output(*command, **options):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    text, _ = await process.communicate()
    print(process.returncode, text.decode())


async def family():
    code = "import os; print(os.getsid(0), os.getpgid(0), os.getppid())"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=subprocess.PIPE
    )
    text, _ = await process.communicate()
    print([int(word) for word in text.split()] == [os.getsid(0), os.getpgid(0), os.getpid()])


async def signals():
    await output("grep", "-E", FIELDS, "/proc/self/status")
    await output("grep", "-E", FIELDS, "/proc/self/status", restore_signals=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGRTMAX, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGRTMIN])
    await output("grep", "-E", FIELDS, "/proc/self/status")


async def inheritance():
    os.umask(0o077)
    os.nice(1)
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, 600))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    await output("grep", "-E", FIELDS, "/proc/self/status")
    await output("sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c; nice")


async def own_group():
    os.setpgid(0, 0)
    await family()


async def ends():
    await output("sh", "-c", "exit 7")
    await output("sh", "-c", "kill -KILL $$")
    try:
        await output("/no/such/program")
    except OSError as error:
        print(repr(error))
    process = await asyncio.create_subprocess_exec("sleep", "1000")
    process.terminate()
    print(await process.wait())


async def waited_for():
    """Not by asyncio alone, which learns of it all the same."""
    process = await asyncio.create_subprocess_exec("sh", "-c", "read line; exit 7", stdin=-1)
    print(os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG))
    reading = asyncio.get_running_loop().run_in_executor(
        None, os.waitid, os.P_PID, process.pid, os.WEXITED | os.WNOWAIT
    )
    process.stdin.close()
    try:
        print((await reading).si_status, await process.wait())
    except ChildProcessError:  # asyncio was faster, as it happens on a busy machine
        print(7, await process.wait())


async def sigchld():
    came = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, came.set)
    process = await asyncio.create_subprocess_exec("true")
    await came.wait()
    print("came", await process.wait())


async def own_terminal():
    await output("sh", "-c", "if (: </dev/tty) 2>/dev/null; then echo there; else echo none; fi")


async def interrupted():
    """Ctrl-C reaches the child, too, which says so."""
    code = "trap 'echo child interrupted >&2; exit 3' INT; echo; while :; do sleep 0.1; done"
    process = await asyncio.create_subprocess_exec("sh", "-c", code, stdout=subprocess.PIPE)
    await process.stdout.readline()
    try:
        print("ready", flush=True)
        await process.wait()
    finally:
        print("child ended with", await process.wait(), flush=True)


async def hung_up():
    """The terminal goes away; the child writes down that it was told."""
    code = "trap 'echo told >\"$SCRATCH\"; exit' HUP; echo ready; while :; do sleep 0.1; done"
    process = await asyncio.create_subprocess_exec("sh", "-c", code)
    await process.wait()


def pid_of_spawner():
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children") as children:
            for pid in children.read().split():
                if os.readlink(f"/proc/{pid}/exe").endswith("/erlang_python_spawner"):
                    return int(pid)


async def beside_erlpy():
    print(pid_of_spawner())


async def killed_erlpy():
    print(pid_of_spawner(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


async def killed_spawner():
    pid = pid_of_spawner()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    await output("sh", "-c", "echo started all the same")


if __name__ == "__main__":
    # An Erlang VM ignores SIGFPE, and what it starts, such as this under test, inherits that.
    signal.signal(signal.SIGFPE, signal.SIG_DFL)
    asyncio.run(globals()[sys.argv[1]]())
