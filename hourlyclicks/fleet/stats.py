"""How far a run over many accounts is: sums, so that thousands of accounts cost nothing to show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.events import AccountEnded, FleetProgress, Progress
from hourlyclicks.model.fleet_report import AccountState

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Dispatcher, Event
    from hourlyclicks.model.fleet_report import AccountReport

_EVERY = SECOND
"""Nanoseconds between two reports of the progress."""


class FleetStats:
    """The sums of a run, which are reported by events.

    Args:
        dispatch: receives the events.
        clock: what time it is.

    Attributes:
        accounts: how many accounts were read.
        running: how many of them are active.
        held: how many another process works on.
        listed: whether all accounts were read.
    """

    def __init__(self, dispatch: Dispatcher, clock: Clock) -> None:
        self.accounts = self.running = self.held = 0
        self.listed = False
        self._complete = self._failed = 0
        self._days = self._done = self._failed_days = 0
        self._dispatch = dispatch
        self._clock = clock
        self._began = self._told = clock.monotonic()
        self._later: asyncio.Task[None] | None = None

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return (self._clock.monotonic() - self._began) / SECOND

    @property
    def unfinished(self) -> int:
        """How many of the accounts that were read are not done."""
        return self.accounts - self._complete - self._failed

    def hook(self) -> AccountStats | None:
        """Return what receives the events of one account; ``None`` if nothing would come of them."""
        return AccountStats(self) if self._dispatch else None

    def add(self, *, days: int, done: int, failed: int) -> None:
        """Add to the sums, and report the progress if it is time."""
        self._days += days
        self._done += done
        self._failed_days += failed
        if self._clock.monotonic() - self._told >= _EVERY:
            self.tell()
        elif self._later is None and self._dispatch:
            self._later = asyncio.get_running_loop().create_task(self._tell_later())

    async def _tell_later(self) -> None:
        """Report what has changed, since nothing else may change while all accounts wait."""
        await self._clock.sleep(_EVERY / SECOND)
        self.tell()

    def ended(self, report: AccountReport) -> None:
        """Count an account that is done."""
        if report.state is AccountState.COMPLETE:
            self._complete += 1
        else:
            self._failed += 1
        if self._dispatch:
            self._dispatch(AccountEnded(report=report))
            self.tell()

    def stop_waiting(self) -> None:
        """Report nothing later: it is reported now, or the run is over."""
        if self._later is not None and self._later is not asyncio.current_task():
            self._later.cancel()
        self._later = None

    def tell(self) -> None:
        """Report the progress."""
        if not self._dispatch:
            return
        self._told = self._clock.monotonic()
        self.stop_waiting()
        self._dispatch(
            FleetProgress(
                accounts=self.accounts,
                running=self.running,
                held=self.held,
                complete=self._complete,
                failed=self._failed,
                days=self._days,
                done=self._done,
                failed_days=self._failed_days,
                listed=self.listed,
                seconds=self.seconds,
            )
        )


class AccountStats:
    """The hook of the client of one account, which adds what changes to the sums of the run.

    Args:
        stats: the sums of the run.
    """

    __slots__ = ("_days", "_done", "_failed", "_stats")

    def __init__(self, stats: FleetStats) -> None:
        self._stats = stats
        self._days = self._done = self._failed = 0

    def __call__(self, event: Event, /) -> None:
        """Receive an event of the client."""
        if isinstance(event, Progress):
            self.move(event.total, event.done, event.failed)

    def move(self, days: int, done: int, failed: int) -> None:
        """Count the account with these sums from now on."""
        self._stats.add(days=days - self._days, done=done - self._done, failed=failed - self._failed)
        self._days, self._done, self._failed = days, done, failed
