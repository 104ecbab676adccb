"""Runs commands one after another: each with a log, a time limit and a sign of life.

What scripts/test and scripts/check have in common. A step's log is kept under _build/logs and shown
when the step has failed.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "_build" / "logs"
SIGN_OF_LIFE_SECONDS = 10
SHOWN_LINES = 300


class Outcome:
    """How a command ended: `status` is its exit status, or None if it had to be killed."""

    def __init__(self, status, log, seconds):
        self.status = status
        self.log = log
        self.seconds = seconds

    @property
    def text(self):
        return read(self.log)

    @property
    def ended(self):
        if self.status is None:
            return f"still running after {self.seconds:.0f} s, killed"
        if self.status < 0:
            return f"died of {signal.Signals(-self.status).name}"
        return f"exit status {self.status}"


def log_of(title):
    return LOGS / (re.sub(r"\W+", "-", title).strip("-") + ".log")


def run(title, command, limit, env=None):
    """Runs `command` in the root folder for at most `limit` seconds."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = log_of(title)
    started = time.monotonic()
    with open(log, "wb") as output:
        try:
            status = run_logged(title, command, log, output, started + limit, env)
        except OSError as error:
            output.write(f"{error}\n".encode())
            status = 127  # as a shell says it
    return Outcome(status, log, time.monotonic() - started)


def run_logged(title, command, log, output, deadline, env):
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # so that all it started can be killed with it
    )
    try:
        return wait(process, title, log, deadline)
    finally:
        kill_session(process)


def wait(process, title, log, deadline):
    """The exit status, or None at the deadline; says now and then how far the log has come."""
    while True:
        pause = min(SIGN_OF_LIFE_SECONDS, deadline - time.monotonic())
        try:
            return process.wait(max(pause, 0))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline:
                return None
            say(f"  {title}: ... {last_line(log)}")


def kill_session(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def read(log):
    """A log without the colours that some tools write even into a file."""
    return re.sub("\x1b\\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))


def last_line(log):
    lines = read(log).split("\n")
    return next((line.strip()[:100] for line in reversed(lines) if line.strip()), "")


def show(outcome):
    """The end of the log of a step that failed, set off from the report around it."""
    lines = outcome.text.splitlines()
    say(f"  ---- {outcome.ended}; {outcome.log.relative_to(ROOT)}:")
    for line in lines[-SHOWN_LINES:]:
        say("  | " + line)
    say("  ----")


def say(text):
    print(text, flush=True)


def finish(passed, failed):
    """The closing line, and the exit status of the whole run."""
    say(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
