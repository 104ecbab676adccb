"""How to start a node that runs one of the programs in bench/erlang."""

import os

from .children import Command
from .workshop import BENCH, Workshop


def node_command(workshop: Workshop, module: str, *args: str) -> Command:
    """Calls module:main/1 with the arguments as strings; the program ends the node itself."""
    paths = ["-pa", str(workshop.application / "ebin"), str(workshop.beams)]
    return ["erl", "-noshell", "-noinput", *paths, "-run", module, "main", *args]


def node_environment() -> dict[str, str]:
    """Ours, with the Python module that the programs call on the path."""
    return {**os.environ, "PYTHONPATH": str(BENCH / "erlang")}
