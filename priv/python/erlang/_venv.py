"""Importing from a virtual environment while the interpreter runs."""

from __future__ import annotations

import os
import site
import sys


class _Active:
    """What has to be put back."""

    def __init__(self) -> None:
        self.path = list(sys.path)
        self.prefix = sys.prefix
        self.exec_prefix = sys.exec_prefix
        self.executable = sys.executable
        self.environment = {name: os.environ.get(name) for name in ("VIRTUAL_ENV", "PATH")}


_active: _Active | None = None


def activate(name: bytes) -> None:
    """Use the virtual environment in the folder of this name, made for this version of Python."""
    global _active
    directory = os.path.abspath(os.fsdecode(name))
    if not os.path.isfile(os.path.join(directory, "pyvenv.cfg")):
        raise ValueError(f"no virtual environment: {directory}")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = os.path.join(directory, "lib", version, "site-packages")
    if not os.path.isdir(packages):
        raise ValueError(f"the virtual environment is not for {version}: {directory}")
    deactivate()
    _active = _Active()
    known = set(sys.path)
    site.addsitedir(packages)
    # Before the system's packages, as in an interpreter started from the environment.
    added = [entry for entry in sys.path if entry not in known]
    sys.path[:] = sys.path[:1] + added + [entry for entry in sys.path[1:] if entry in known]
    sys.prefix = sys.exec_prefix = directory
    sys.executable = os.path.join(directory, "bin", "python3")
    os.environ["VIRTUAL_ENV"] = directory
    os.environ["PATH"] = os.path.join(directory, "bin") + os.pathsep + os.environ.get("PATH", "")


def deactivate() -> None:
    """Undo `activate`; nothing happens if no environment is active."""
    global _active
    if _active is None:
        return
    before, _active = _active, None
    sys.path[:] = before.path
    sys.prefix, sys.exec_prefix = before.prefix, before.exec_prefix
    sys.executable = before.executable
    for name, value in before.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
