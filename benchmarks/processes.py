"""Fresh processes for measurements, on a core of their own, and how much memory such a process has."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).parents[1]
"""The checkout."""
MIB = 2**20
_STATM = Path("/proc/self/statm")


def fresh(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Call a function in a fresh interpreter, and return what it returns."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **options).result()


def cores() -> tuple[int | None, int | None]:
    """Return a core for what is measured and one for its server; ``None`` twice where that cannot be had."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def variables(**further: str) -> dict[str, str]:
    """Return the environment of this process without what changes how Python, glibc or OpenSSL work."""
    dropped = ("PYTHON", "MALLOC_", "GLIBC_TUNABLES", "SSL_CERT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)} | further


def knows_memory() -> bool:
    """Return whether this system tells how much memory a process has."""
    return _STATM.exists()


def resident() -> int:
    """Return the bytes of this process that are in memory now."""
    return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
