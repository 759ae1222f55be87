"""Which process this one is, and whether another one of this machine is still there.

A process id means something only to processes that see each other. Two containers can have one host name and
each a process 1, so the name does not tell. `Process.machine` does: on Linux it is made of what differs
between two machines, two starts of a machine and two namespaces of process ids. A process of another machine
in this sense, or of one that is not known, is judged by its heartbeats and leases only.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from hashlib import blake2s
from pathlib import Path
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.state import Process
from hourlyclicks.model.checks import LONGEST_LABEL
from hourlyclicks.wire.sanitize import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.store.leases import Holder

CHECK_AFTER = SECOND
"""Nanoseconds for which a process that was there is taken to be there."""

_ENDED = frozenset("ZXx")

_left: set[str] = set()
"""The holders of this process that have ended and could not report everything."""
_STATE, _START = 0, 19
"""Fields of ``/proc/PID/stat``, counted behind the name of the program."""


def host_name() -> str:
    """Return the name of this machine, as runs report it."""
    return excerpt(socket.gethostname(), LONGEST_LABEL)


def this_process() -> Process:
    """Return which process this one is."""
    return Process(_machine(), os.getpid(), _started(os.getpid()) or 0)


def process_of(holder: Holder) -> Process:
    """Return which process the holder of a lease is."""
    return Process(holder.machine, holder.pid, holder.started)


def is_gone(process: Process, here: Process) -> bool:
    """Return whether a process has ended, as far as that can be seen here.

    Args:
        process: the process.
        here: this one.
    """
    if not here.machine or process.machine != here.machine or process.pid <= 0:
        return False
    try:
        os.kill(process.pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # it is another user's
        pass
    started = _started(process.pid)
    return started is not None and bool(process.started) and started != process.started


def leave(holder: str) -> None:
    """Note that a holder of this process has ended, and that others may take its requests for unanswered."""
    _left.add(holder)


class Liveness:
    """Which holders have ended, each looked at once in a while.

    Attributes:
        here: this process.
    """

    def __init__(self) -> None:
        self._here: Process | None = None
        self._looked: dict[str, int] = {}
        self._gone: set[str] = set()

    @property
    def here(self) -> Process:
        """This process; found out at the first use, so that forks do not share it."""
        if self._here is None:
            self._here = this_process()
        return self._here

    def gone(self, processes: Mapping[str, Process], now: int) -> set[str]:
        """Return which holders have ended.

        Args:
            processes: which process each holder is.
            now: the present moment.
        """
        here = self.here
        for holder, process in processes.items():
            if process == here or 0 <= now - self._looked.get(holder, now + 1) < CHECK_AFTER:
                continue
            self._looked[holder] = now
            if is_gone(process, here):
                self._gone.add(holder)
        self._looked = {holder: moment for holder, moment in self._looked.items() if holder in processes}
        self._gone &= self._looked.keys()
        return self._gone | {holder for holder in _left if processes.get(holder) == here}


def _machine() -> str:
    """Return what only processes that see each other have in common; empty if it is not known."""
    if sys.platform == "darwin":  # it has no namespaces
        parts = [socket.gethostname()]
    else:  # Linux; on Windows there is none of these files, and `os.kill` would end the process
        try:
            parts = [Path("/proc/sys/kernel/random/boot_id").read_text("utf-8")]
            parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
        except (OSError, ValueError):
            return ""
        with suppress(OSError):  # in another time namespace, processes seem to have started at another time
            parts.append(str(Path("/proc/self/ns/time").stat().st_ino))
    return blake2s("\n".join(parts).encode(), digest_size=6).hexdigest()


def _started(pid: int) -> int | None:
    """Return when a process was started, 0 if it has ended; ``None``: only Linux tells."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return 0 if fields[_STATE] in _ENDED else int(fields[_START])
    return None
