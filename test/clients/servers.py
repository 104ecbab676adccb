"""The servers that the clients need: started for a run in a temporary folder, on free ports.

All are context managers, and let each server end before they do. A server that does not start
raises NotStarted with the end of its log.
"""

import contextlib
import os
import pwd
import random
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 30
POSTGRES_PROGRAMS = "/usr/lib/postgresql"


class NotStarted(Exception):
    pass


class EndedBadly(Exception):
    pass


def free_port():
    """For servers that can't be told to take any. None of those that the system hands out: they may
    soon be somebody's."""
    while True:
        with contextlib.suppress(OSError):
            with socket.create_server(("localhost", random.randrange(10_000, 30_000))) as server:
                return server.getsockname()[1]


class Certificate:
    """A certificate for `localhost` that is its own authority."""

    def __init__(self, folder):
        self.path = folder / "certificate.pem"
        self.key = folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
            + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
            + ["-keyout", self.key, "-out", self.path],
            check=True,
            capture_output=True,
        )


class Server:
    """A process that says in its output when it is ready."""

    def __init__(self, command, ready, log, **options):
        """`ready` is a regular expression; its match is `self.match`."""
        self._log = log
        self._ready = re.compile(ready)
        self.match = None
        self._said = threading.Event()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            **options,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        with open(self._log, "w", encoding="utf-8") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                self.match = self.match or self._ready.search(line)
                if self.match:
                    self._said.set()
        self._said.set()

    def __enter__(self):
        self._said.wait(START_SECONDS)
        if self.match:
            return self
        self._kill()
        raise NotStarted(self._log.read_text(encoding="utf-8")[-2000:])

    def __exit__(self, *error):
        self.stop(signal.SIGTERM)

    def stop(self, number):
        """Sends the signal; the exit status, or None if it had to be killed."""
        self._process.send_signal(number)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self._kill()

    def _kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()


@contextlib.contextmanager
def redis(folder):
    """Its part of the scripts' environment."""
    port, path = free_port(), folder / "redis.sock"
    options = {"port": port, "bind": "127.0.0.1 ::1", "unixsocket": path, "dir": folder, "save": ""}
    command = ["redis-server"]
    for name, value in options.items():
        command += ["--" + name, *(str(value).split() or [""])]
    with Server(command, "Ready to accept connections", folder / "redis.log"):
        yield {"REDIS_PORT": str(port), "REDIS_SOCKET": str(path)}


@contextlib.contextmanager
def postgres(folder, certificate):
    """A new database cluster; its part of the scripts' environment."""
    port, data = free_port(), folder / "data"
    programs = postgres_programs()
    user = unprivileged(folder)
    key = folder / "postgres.key"
    key.write_bytes(certificate.key.read_bytes())
    key.chmod(0o600)
    if user is not None:
        os.chown(key, user, -1)
    subprocess.run(
        [programs / "initdb", "--pgdata", data, "--no-sync", "--username=client", "--auth=trust"]
        + ["--no-locale", "--encoding=UTF8"],
        check=True,
        capture_output=True,
        user=user,
        cwd=folder,
    )
    settings = {
        "listen_addresses": "localhost",
        "unix_socket_directories": folder,
        "ssl": "on",
        "ssl_cert_file": certificate.path,
        "ssl_key_file": key,
        "fsync": "off",
    }
    command = [programs / "postgres", "-D", data, "-p", str(port)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    ready = "database system is ready to accept connections"
    server = Server(command, ready, folder / "postgres.log", user=user, cwd=folder)
    with server:
        yield {"POSTGRES_PORT": str(port), "POSTGRES_FOLDER": str(folder)}
        server.stop(signal.SIGINT)  # without waiting for clients that are left


def postgres_programs():
    found = sorted(Path(POSTGRES_PROGRAMS).glob("*/bin/postgres"))
    if not found:
        raise NotStarted("no PostgreSQL is installed")
    return found[-1].parent


def unprivileged(folder):
    """The user to be instead of root, whom PostgreSQL refuses; None if we are not root."""
    if os.getuid() != 0:
        return None
    user = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, user, -1)
    return user


@contextlib.contextmanager
def asgi(command, ready, log):
    """A web server; its URL. It has to end well when it is told to."""
    server = Server(command, ready, log, cwd=Path(__file__).parent)
    with server:
        yield server.match[1]
    status = server.stop(signal.SIGTERM)
    if status not in (0, -signal.SIGTERM):
        raise EndedBadly(f"{log.stem} ended with {status} when it was told to; see {log}")
