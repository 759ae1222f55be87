"""The parts of a client that all its jobs share."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.fetching.cache import DayCache
from hourlyclicks.fetching.coalescing import SingleFlight
from hourlyclicks.fetching.fetcher import DayFetcher
from hourlyclicks.jobs.finishing import Finishing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.leased_runs import LeasedRuns  # noqa: TC004 - loaded where it is used
    from hourlyclicks.coordination.registry import RunRegistry  # noqa: TC004 - loaded where it is used
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Dispatcher
    from hourlyclicks.fetching.range_fetcher import RangeFetcher  # noqa: TC004 - loaded where it is used
    from hourlyclicks.pacing.limiter import Limiter
    from hourlyclicks.pacing.queue import Job


class Stoppable(Protocol):
    """A job that runs until it is done, or until the client is closed or another process stops it."""

    def on_close(self, error: HourlyClicksError, /) -> Awaitable[None]:
        """End with that error; return when all workers have ended."""
        ...

    def on_stop(self, error: HourlyClicksError, /) -> Awaitable[None]:
        """End with that error as soon as the requests in flight are answered."""
        ...


@attrs.frozen
class Services:
    """The parts of a client that its jobs share.

    Args:
        fetcher: fetches single days.
        single_flight: fetches each day only once at a time.
        cache: the store, if there is one.
        zone: the account's time zone, if it is known.
        workers: the size of the worker pool of a job.
        spare: how many spare workers may be started while some of these wait.
        ranges: fetches ranges of days, if the client uses the endpoint for them.
        runs: the runs that other processes see; ``None``: there is no store.

    Attributes:
        running: the jobs that run.
        finishing: the workers that complete a request of a call that has ended.
    """

    fetcher: DayFetcher
    single_flight: SingleFlight
    cache: DayCache | None
    zone: dt.tzinfo | None
    workers: int
    spare: int
    ranges: RangeFetcher | None = None
    runs: RunRegistry | LeasedRuns | None = None
    running: set[Stoppable] = attrs.field(factory=set, init=False)
    finishing: Finishing = attrs.field(factory=Finishing, init=False)

    def required_cache(self, job: str = "a backfill") -> DayCache:
        """Return the store of a job that cannot do without.

        Args:
            job: what it is, for the message.

        Raises:
            UsageError: there is none.
        """
        if self.cache is None:
            raise UsageError(f"{job} needs a store: Client(store='clicks.db')")
        return self.cache

    def finisher(
        self, job: Job, has_sent: Callable[[asyncio.Task[None]], bool]
    ) -> Callable[[asyncio.Task[None]], bool]:
        """Return what tells whether a worker is left to complete its request when its call ends early.

        Args:
            job: the call as the limiter sees it; it sends nothing more then.
            has_sent: returns whether a worker has a request in flight.
        """

        def finishes(worker: asyncio.Task[None]) -> bool:
            job.over = True
            if self.cache is None or not has_sent(worker):
                return False
            self.finishing.add(worker)
            return True

        return finishes

    @property
    def limiter(self) -> Limiter:
        """The limiter, which grants slots."""
        return self.fetcher.rules.limiter

    @property
    def clock(self) -> Clock:
        """What time it is."""
        return self.fetcher.rules.clock

    @property
    def dispatch(self) -> Dispatcher:
        """Receives the events."""
        return self.fetcher.rules.dispatch
