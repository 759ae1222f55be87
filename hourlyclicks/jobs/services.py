"""What every job of a client works with, and how a job is counted while it runs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol, Self

import attrs

from hourlyclicks.events import Progress
from hourlyclicks.fetching.cache import DayCache
from hourlyclicks.fetching.coalescing import SingleFlight
from hourlyclicks.fetching.fetcher import DayFetcher

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType

    from hourlyclicks.clock import Clock
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Dispatcher
    from hourlyclicks.pacing.limiter import Limiter
    from hourlyclicks.pacing.queue import Job


class Running(Protocol):
    """What runs until it is done, or until the client is closed."""

    def on_close(self, error: HourlyClicksError, /) -> Awaitable[None]:
        """End with that error, and return when no worker is left."""
        ...


@attrs.frozen
class Services:
    """The parts of a client that its jobs share.

    Args:
        fetcher: fetches single days.
        single_flight: fetches each day only once at a time.
        cache: the store, if there is one.
        zone: the account's time zone, if it is known.
        workers: how many days a job may work on at a time.
        spare: how many more while some of these are held up.
        running: the jobs that run.
    """

    fetcher: DayFetcher
    single_flight: SingleFlight
    cache: DayCache | None
    zone: dt.tzinfo | None
    workers: int
    spare: int
    running: set[Running] = attrs.field(factory=set)

    @property
    def limiter(self) -> Limiter:
        """Hands out slots."""
        return self.fetcher.rules.limiter

    @property
    def clock(self) -> Clock:
        """What time it is."""
        return self.fetcher.rules.clock

    @property
    def dispatch(self) -> Dispatcher:
        """Told what happens."""
        return self.fetcher.rules.dispatch


class Tracker:
    """Count a job among those that run, and report how far it is.

    As a context manager it is counted in the ETA of the other jobs, and ended when the client is closed.

    Args:
        services: the parts of the client.
        job: the job, as the limiter sees it.
        run: the job, as the client sees it.
    """

    def __init__(self, services: Services, job: Job, run: Running) -> None:
        self._running = services.running
        self._eta = services.limiter.eta
        self._dispatch = services.dispatch
        self._job = job
        self._run = run

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
        self._eta.leave(self._job)
        self._running.discard(self._run)

    def tell(self, *, done: int, failed: int, total: int) -> None:
        """Report how far the job is, if anything listens."""
        if self._dispatch:
            eta, binding = self._eta.eta(self._job)
            self._dispatch(Progress(done=done, failed=failed, total=total, eta=eta, binding=binding))
