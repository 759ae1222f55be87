"""A backfill in a process of its own that is killed in the middle, without a warning.

It is killed when it has used up a window, so that whoever comes after it must know that, and nothing is under
way: the place of a request that its process did not survive is kept for as long as a request may take, which
is longer than anybody would watch.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import hourlyclicks
from hourlyclicks.cli.demo import victim
from hourlyclicks.cli.demo.stage import LIMITS, RATE
from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.events import DayDone
from hourlyclicks.store.opening import store_of
from hourlyclicks.wire.key import KEY_VARIABLE

if TYPE_CHECKING:
    from hourlyclicks.events import Hook
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.simulator import Asked, Fault, Faults, Simulator
    from hourlyclicks.store.ledger import LedgerEntry

FEWEST = 30
"""Fewer days fit into a window, or nearly; then nobody is killed."""

_ENOUGH = 0.4
"""The share of the days after which a good moment is awaited; the next window then ends near the half."""

_POLL = 0.02
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_WINDOW = round((RATE.seconds + LIMITS.guard) * SECOND)


class Mercy:
    """Faults that can be held back.

    Args:
        faults: what goes wrong otherwise.

    Attributes:
        shown: whether nothing goes wrong at present.
    """

    def __init__(self, faults: Faults) -> None:
        self.shown = False
        self._faults = faults

    def pick(self, asked: Asked) -> Fault | None:
        """See `hourlyclicks.simulator.Faults`."""
        return None if self.shown else self._faults.pick(asked)


class Killing:
    """Start a backfill, listen to it, and kill it.

    Args:
        server: where it fetches.
        store: where it keeps.
        days: what it fetches.
        mercy: the faults; a day that waits to be asked for again would be nobody's for too long.
        on_event: told what happens in there.
    """

    def __init__(
        self, server: Simulator, store: Path, days: DateRange, *, mercy: Mercy, on_event: Hook
    ) -> None:
        self._server = server
        self._path = store
        self._days = days
        self._mercy = mercy
        self._hook = on_event
        self._done: set[str] = set()
        self._killed = False

    async def run(self) -> bool:
        """Let it work until it is killed; return ``False`` if it came to its end before."""
        process = await self._start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(process))
                group.create_task(self._lie_in_wait(process))
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            self._mercy.shown = False
        return self._killed

    async def _start(self) -> asyncio.subprocess.Process:
        ours, theirs = str(Path(hourlyclicks.__file__).parents[1]), os.environ.get("PYTHONPATH")
        paths = os.pathsep.join([ours, theirs] if theirs else [ours])
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", victim.__name__),
            *(self._server.url, str(self._path), str(self._days.start), str(self._days.end)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, KEY_VARIABLE: self._server.key, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for us
        )

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Pass on what happens in the process, until it is no more."""
        assert process.stdout is not None  # noqa: S101 - it was asked for
        async for line in process.stdout:
            if not line.endswith(b"\n"):
                return  # its last word
            event = victim.heard(line)
            self._hook(event)
            if isinstance(event, DayDone):
                self._done.add(f"{event.target} {event.day}")

    async def _lie_in_wait(self, process: asyncio.subprocess.Process) -> None:
        """Wait for a good moment, and kill the process."""
        while len(self._done) < _ENOUGH * len(self._days):
            if process.returncode is not None:
                return
            await asyncio.sleep(_POLL)
        self._mercy.shown = True
        store = store_of(self._path)

        def strike(text: str | None, now: int, _: LedgerEntry | None) -> tuple[None, bool]:
            """Kill it if this is a good moment; while the store asks this, it can begin nothing."""
            return None, self._is_good(ArbiterState.read(text), now) and _kill(process.pid)

        try:
            [account] = (await store.accounts()).values()
            while process.returncode is None and not self._killed:
                self._killed, _ = await store.pace(account, strike)
                await asyncio.sleep(_POLL)
        finally:
            await store.close()

    def _is_good(self, book: ArbiterState, now: int) -> bool:
        """Return whether a window is used up, and no day waits for an answer or for another try."""
        used = sum(moment > now - _WINDOW for moment in book.released)
        return not book.requests and self._done.issuperset(book.claims) and used >= RATE.requests


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, _KILL)
    except ProcessLookupError:  # it came to its end a moment ago
        return False
    return True
