"""What all jobs of a client share, and the tracker that counts a job while it runs."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol, Self

import attrs

from hourlyclicks import events
from hourlyclicks.errors import UsageError
from hourlyclicks.fetching.cache import DayCache
from hourlyclicks.fetching.coalescing import SingleFlight
from hourlyclicks.fetching.fetcher import DayFetcher
from hourlyclicks.jobs.finishing import Finishing
from hourlyclicks.jobs.registered_call import REGISTERED_AFTER, RegisteredCall

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.leased_runs import LeasedRuns  # noqa: TC004 - loaded where it is used
    from hourlyclicks.coordination.registry import RunRegistry  # noqa: TC004 - loaded where it is used
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Dispatcher
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.fetching.range_fetcher import RangeFetcher  # noqa: TC004 - loaded where it is used
    from hourlyclicks.jobs.target_feed import TargetFeed
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
        running: the jobs that run.
        finishing: the workers that complete a request of a call that has ended.
        runs: the runs that other processes see; ``None``: there is no store.
    """

    fetcher: DayFetcher
    single_flight: SingleFlight
    cache: DayCache | None
    zone: dt.tzinfo | None
    workers: int
    spare: int
    ranges: RangeFetcher | None = None
    running: set[Stoppable] = attrs.field(factory=set)
    finishing: Finishing = attrs.field(factory=Finishing)
    runs: RunRegistry | LeasedRuns | None = None

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


class Tracker:
    """Register a running job, and report its progress.

    While its context is entered, the job counts in the ETA of the others, and closing the client ends it.

    Args:
        services: the parts of the client.
        job: the job as the limiter sees it.
        run: the job as the client sees it.
        context: the call, as its events name it.

    Attributes:
        feed: what reads the targets of the job, if they are not known from the beginning.
    """

    def __init__(self, services: Services, job: Job, run: Stoppable, context: CallContext) -> None:
        self.feed: TargetFeed | None = None
        self._context = context
        self._running = services.running
        self._eta = services.limiter.eta
        self._dispatch = services.dispatch
        self._job = job
        self._run = run
        self._visible = ExitStack()
        self._ended = False

    def show(self, services: Services, run: Stoppable) -> None:
        """Let other processes see and stop the job, with a store, until the context is left."""
        if services.runs is not None:
            call = RegisteredCall(services.limiter, self._job, run.on_stop)
            self._visible.enter_context(services.runs.registered(call, after=REGISTERED_AFTER))

    def __enter__(self) -> Self:
        self._running.add(self._run)
        self._eta.enter(self._job)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended = True
        self._visible.close()
        self._eta.leave(self._job)
        self._running.discard(self._run)

    def report(self, *, done: int, failed: int, total: int) -> None:
        """Report the progress of the job, if there is a hook; requests that outlive it make none."""
        if self._dispatch and not self._ended:
            compute, listed = self._eta.deferred(self._job), self.feed is None or self.feed.exhausted
            progress = events.Progress.deferred(
                done=done, failed=failed, total=total, compute=compute, of=self._context, listed=listed
            )
            self._dispatch(progress)
