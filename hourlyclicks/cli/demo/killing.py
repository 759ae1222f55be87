"""A backfill in a process of its own that is killed in the middle, without a warning.

It is killed right after it has used up a window, which the next process must know from the store. Requests
may be under way then. That is seen from outside: by the events that the process reports, and by what the
server has received.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hourlyclicks
from hourlyclicks.cli.demo import child
from hourlyclicks.cli.demo.settings import LIMITS, RATE
from hourlyclicks.events import DayDone, DayFailed
from hourlyclicks.wire.key import KEY_VARIABLE

if TYPE_CHECKING:
    from hourlyclicks.events import Hook
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.simulator import Simulator

FEWEST = 30
"""Fewer days fit into a window, or nearly; then no process is killed."""

_ENOUGH, _LATE = 0.4, 0.8
"""The shares of the days between which a window that is used up is awaited; later any moment will do."""

_POLL = 0.02
_MARGIN = 0.1
"""The part of a window before whose end it is too late: the process may send again at any time."""
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_WINDOW = round((RATE.seconds + LIMITS.guard) * (1 - _MARGIN) * 1_000_000_000)


class KilledBackfill:
    """Start a backfill in a process, listen to its events, and kill it.

    Args:
        server: where it fetches.
        store: where it keeps.
        days: what it fetches.
        on_event: told what happens in there.
    """

    def __init__(self, server: Simulator, store: Path, days: DateRange, *, on_event: Hook) -> None:
        self._server = server
        self._path = store
        self._days = days
        self._hook = on_event
        self._done: set[str] = set()
        self._killed = False

    async def run(self) -> bool:
        """Let it work until it is killed; return ``False`` if it came to its end before."""
        process = await self._start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(process))
                group.create_task(self._kill(process))
        finally:
            if process.returncode is None and not self._killed:
                # Not `process.kill()`: it asks first whether the process has ended. asyncio, which is about
                # to ask the same, would then find no process and warn of that.
                kill(process.pid)
            await process.wait()
        return self._killed

    async def _start(self) -> asyncio.subprocess.Process:
        ours, theirs = str(Path(hourlyclicks.__file__).parents[1]), os.environ.get("PYTHONPATH")
        paths = os.pathsep.join([ours, theirs] if theirs else [ours])
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", child.__name__),
            *(self._server.url, str(self._path), str(self._days.start), str(self._days.end)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, KEY_VARIABLE: self._server.key, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for us
        )

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Pass on what happens in the process, until it has ended."""
        assert process.stdout is not None  # noqa: S101 - it was asked for
        async for line in process.stdout:
            if not line.endswith(b"\n"):
                return  # it was killed while it wrote
            event = child.read_event(line)
            self._hook(event)
            if isinstance(event, DayDone | DayFailed):
                self._done.add(f"{event.target} {event.day}")

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        """Wait for a good moment, and kill the process."""
        while process.returncode is None and not self._killed:
            await asyncio.sleep(_POLL)
            if self._is_good(len(self._done), time.monotonic_ns()):
                self._killed = kill(process.pid)

    def _is_good(self, done: int, now: int) -> bool:
        """Return whether a moment is a good one; on a busy machine a window may never be used up.

        Args:
            done: how many days are done.
            now: nanoseconds on the clock of the server.
        """
        share = done / len(self._days)
        return (share >= _LATE and done > RATE.requests) or (share >= _ENOUGH and self._is_used_up(now))

    def _is_used_up(self, now: int) -> bool:
        """Return whether a window is used up.

        Args:
            now: nanoseconds on the clock of the server.
        """
        return sum(arrival.at > now - _WINDOW for arrival in self._server.seen) >= RATE.requests


def kill(pid: int) -> bool:
    """Kill a process; return ``False`` if it has ended by itself."""
    try:
        os.kill(pid, _KILL)
    except ProcessLookupError:
        return False
    return True
