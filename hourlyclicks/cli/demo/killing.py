"""A backfill in a process of its own that is killed in the middle, without a warning.

It is killed when it has used up a window, so that the next process must know that from the store, and while
no request is under way: the slot of a request whose process was killed is kept for as long as a request may
take, which is longer than anyone would watch.

Both are seen from outside: by the events that the process reports, and by what the server has received.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import hourlyclicks
from hourlyclicks.cli.demo import child
from hourlyclicks.cli.demo.settings import LIMITS, RATE
from hourlyclicks.events import DayDone, DayFailed
from hourlyclicks.wire.key import KEY_VARIABLE

if TYPE_CHECKING:
    from hourlyclicks.events import Event, Hook
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.simulator import Asked, Fault, Faults, Simulator

FEWEST = 30
"""Fewer days fit into a window, or nearly; then no process is killed."""

_ENOUGH = 0.4
"""The share of the days after which a good moment is awaited; the next window then ends near the half."""

_POLL = 0.02
_POLLS = 5
"""So many times in a row the moment must be a good one, so that the process has put its notes away."""
_MARGIN = 0.1
"""The part of a window before whose end it is too late: the process may send again at any time."""
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_WINDOW = round((RATE.seconds + LIMITS.guard) * (1 - _MARGIN) * 1_000_000_000)


class HeldFaults:
    """Faults that can be held back.

    Args:
        faults: what goes wrong otherwise.

    Attributes:
        held: whether nothing goes wrong at present.
    """

    def __init__(self, faults: Faults) -> None:
        self.held = False
        self._faults = faults

    def pick(self, asked: Asked) -> Fault | None:
        """See `hourlyclicks.simulator.Faults`."""
        return None if self.held else self._faults.pick(asked)


class KilledBackfill:
    """Start a backfill in a process, listen to its events, and kill it.

    Args:
        server: where it fetches.
        store: where it keeps.
        days: what it fetches.
        faults: held back before it is killed, so that no day has to be asked for again.
        on_event: told what happens in there.
    """

    def __init__(
        self, server: Simulator, store: Path, days: DateRange, *, faults: HeldFaults, on_event: Hook
    ) -> None:
        self._server = server
        self._path = store
        self._days = days
        self._faults = faults
        self._hook = on_event
        self._done: set[str] = set()
        self._answered = 0
        """The requests for the days that are finished."""
        self._killed = False

    async def run(self) -> bool:
        """Let it work until it is killed; return ``False`` if it came to its end before."""
        process = await self._start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(process))
                group.create_task(self._kill(process))
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            self._faults.held = False
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
            self._count(event)

    def _count(self, event: Event) -> None:
        if isinstance(event, DayDone | DayFailed):
            self._answered += event.requests
            self._done.add(f"{event.target} {event.day}")

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        """Wait for a good moment, and kill the process."""
        good = 0
        while process.returncode is None and not self._killed:
            await asyncio.sleep(_POLL)
            done = len(self._done)
            if done < _ENOUGH * len(self._days):
                continue
            self._faults.held = True
            good = good + 1 if self._is_idle() and self._is_used_up(time.monotonic_ns()) else 0
            if good >= _POLLS or self._is_late(done):
                self._killed = kill(process.pid)

    def _is_late(self, done: int) -> bool:
        """Return whether any moment will do: on a busy machine a good one may never come."""
        further = len(self._days) - RATE.requests
        beyond = done - RATE.requests
        return beyond > 0 and (self._is_idle() or beyond * 2 > further)

    def _is_idle(self) -> bool:
        """Return whether every request belongs to a day that is finished."""
        return self._answered >= self._server.counters.requests

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
