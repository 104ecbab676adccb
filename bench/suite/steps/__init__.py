"""The groups of a run, in the order of the report."""

from ..model import Group
from . import calls, echo, http, memory, node, primitives

GROUPS: tuple[Group, ...] = (
    primitives.GROUP,
    echo.GROUP,
    http.GROUP,
    memory.GROUP,
    calls.GROUP,
    node.GROUP,
)
