"""What other processes see of the runs of this one: a report every few seconds, which also brings a stop.

The runs of a process that have the same name and overlap are one, as the jobs of a queue are.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.store.fleets import FleetEntry
from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.clock import Clock
    from hourlyclicks.store.fleets import FleetStore
    from hourlyclicks.store.leases import Holder

SEEN_AFTER = 2.0
"""Seconds after which a run is seen; one that is over by then costs nothing."""
EVERY = 10.0
"""Seconds from one report to the next."""


class ReportedRun(Protocol):
    """A run over many accounts."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many accounts are active, how many wait, and how many requests the first have to send."""
        ...

    def stop_asked(self) -> None:
        """Stop gracefully: another process has asked for it."""
        ...


class FleetReporter:
    """Report the runs of a process.

    Args:
        store: where to.
        holder: this process.
        clock: what time it is.
    """

    def __init__(self, store: FleetStore, holder: Holder, clock: Clock) -> None:
        self._store, self._holder, self._clock = store, holder, clock
        self._shown: dict[str, _ShownRuns] = {}
        self._number = 0
        self._ending: set[asyncio.Task[None]] = set()

    @contextmanager
    def showing(self, run: ReportedRun, name: str) -> Iterator[None]:
        """Let other processes see and stop a run, until the context is left.

        Args:
            run: the run.
            name: the name it was given; empty: none.
        """
        shown = self._shown.get(name)
        if shown is None or shown.stopped:
            self._number += 1
            key = f"{self._holder.name}.{self._number}"
            shown = self._shown[name] = _ShownRuns(self._store, self._holder, self._clock, key, name)
        shown.runs.append(run)
        try:
            yield
        finally:
            shown.runs.remove(run)
            if not shown.runs:
                if self._shown.get(name) is shown:
                    del self._shown[name]
                shown.task.cancel()
                ending = asyncio.get_running_loop().create_task(shown.end())
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Wait until the runs that are over are forgotten."""
        if self._ending:
            await asyncio.wait(self._ending)


class _ShownRuns:
    """Runs that are reported as one.

    Args:
        store: where to report.
        holder: this process.
        clock: what time it is.
        key: what the store calls them.
        name: the name they were given.
    """

    def __init__(self, store: FleetStore, holder: Holder, clock: Clock, key: str, name: str) -> None:
        self.runs: list[ReportedRun] = []
        self.stopped = False
        self._report: asyncio.Task[bool] | None = None
        self._store, self._holder, self._clock = store, holder, clock
        self._key, self._name = key, name
        self._began = clock.monotonic()
        self.task = asyncio.get_running_loop().create_task(self._report_in_time())

    async def _report_in_time(self) -> None:
        pause = SEEN_AFTER
        while True:
            await self._clock.sleep(pause)
            pause = EVERY
            try:
                self._report = asyncio.ensure_future(self._store.report_fleet(self._entry()))
                stop = await wait_shielded(self._report)
            except HourlyClicksError:  # the renewal of the leases logs it
                continue
            if stop and not self.stopped:
                self.stopped = True
                for run in tuple(self.runs):
                    run.stop_asked()

    def _entry(self) -> FleetEntry:
        counts = [run.counts for run in self.runs]
        active, waiting, requests = (sum(each) for each in zip(*counts, strict=True))
        age = (self._clock.monotonic() - self._began) / SECOND
        return FleetEntry(self._key, self._name, self._holder, age, active, waiting, requests)

    async def end(self) -> None:
        """Remove this run from the store, after the task was cancelled; if that fails, it expires soon.

        A report that is under way is waited for: it could reach the store last.
        """
        await asyncio.wait([self.task])
        if self._report is not None:
            await asyncio.wait([self._report])
            try:
                await self._store.end_fleet(self._key)
            except HourlyClicksError:
                return
