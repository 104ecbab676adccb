"""What the figures were taken with: the machine and the versions of everything compared."""

import os
import pathlib
import platform
import re
import shutil
import subprocess

from . import subjects
from .workshop import ROOT, Workshop

MODULES = ("uvloop", "uvicorn", "httptools", "aiohttp")


def describe(workshop: Workshop) -> dict[str, str]:
    facts = {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": _first_line([workshop.python, "-VV"]),
        "erlang": _otp_release(),
        "compiler": _first_line(["c++", "--version"]),
        "commit": _first_line(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]),
    }
    for module in MODULES:
        facts[module] = subjects.version_of(workshop.python, module) or "not installed"
    return facts


def load_average() -> float:
    return os.getloadavg()[0]


def _processor() -> str:
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _otp_release() -> str:
    code = 'io:put_chars(["OTP ", erlang:system_info(otp_release)]), halt().'
    return _first_line(["erl", "-noshell", "-noinput", "-eval", code])


def _first_line(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return "not installed"
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    lines = result.stdout.splitlines()
    return lines[0].strip() if result.returncode == 0 and lines else "unknown"
