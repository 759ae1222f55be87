"""What processes take: processor time, memory and open files, as Linux counts them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_OWN, _REAPED = slice(11, 13), slice(13, 15)
"""Where ``stat`` has user and system time, after the name of the program."""


def seconds(pid: int) -> float:
    """Return the processor time that a process has taken."""
    return _ticks(pid, _OWN) / _TICKS


def seconds_with_children(pid: int) -> float:
    """Return the processor time of a process and all its children, also those that have ended."""
    running = sum(_ticks(child, _OWN) for child in children(pid))
    return (_ticks(pid, _OWN) + _ticks(pid, _REAPED) + running) / _TICKS


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that run."""
    return list(map(int, (_PROC / f"{pid}/task/{pid}/children").read_text("ascii").split()))


def resident(pids: Iterable[int]) -> int:
    """Return the bytes of some processes that are in memory now."""
    return sum(int((_PROC / f"{pid}/statm").read_text("ascii").split()[1]) for pid in pids) * _PAGE


def peak(pid: int | str = "self") -> int:
    """Return the most bytes of a process that were in memory at a time."""
    lines = (_PROC / f"{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


def descriptors(pid: int | str = "self") -> int:
    """Return how many files and sockets a process has open."""
    return len(list((_PROC / f"{pid}/fd").iterdir()))


def _ticks(pid: int, which: slice) -> int:
    try:
        words = (_PROC / f"{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except FileNotFoundError:  # a child that ended since it was listed
        return 0
    return sum(map(int, words[which]))
