"""How much memory this process has, as Linux tells it."""

from __future__ import annotations

import resource
from pathlib import Path

MIB = 2**20
_STATM = Path("/proc/self/statm")


def is_told() -> bool:
    """Return whether this system tells how much memory a process has."""
    return _STATM.exists()


def resident() -> int:
    """Return the bytes of this process that are in memory now."""
    return int(_STATM.read_text("ascii").split()[1]) * resource.getpagesize()
