"""Fresh processes for measurements, on a core of their own, and what such a process takes of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    import resource
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).parents[1]
"""The checkout."""
MIB = 2**20
_STATM = Path("/proc/self/statm")


def fresh(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Call a function in a fresh interpreter, and return what it returns."""
    import multiprocessing  # noqa: PLC0415 - those whose memory is measured import this module, and not that
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - as above

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


def usage(*words: str) -> resource.struct_rusage:
    """Run an interpreter with some arguments to its end, and return what it took; its output is dropped.

    Raises:
        CalledProcessError: it failed.
    """
    command = [sys.executable, *words]
    with subprocess.Popen(command, cwd=ROOT, env=variables(), stdout=subprocess.DEVNULL) as process:  # noqa: S603 - ours
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return used


def cpu_seconds(*words: str) -> float:
    """Return the CPU time of an interpreter with some arguments, in user space and in the kernel."""
    used = usage(*words)
    return used.ru_utime + used.ru_stime


def knows_memory() -> bool:
    """Return whether this system tells how much memory a process has."""
    return _STATM.exists()


def resident() -> int:
    """Return the bytes of this process that are in memory now."""
    return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak() -> int:
    """Return the most memory this process ever had, in bytes.

    ``ru_maxrss`` will not do: a new process begins with the figure of the one that started it.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell how much memory a process had")
