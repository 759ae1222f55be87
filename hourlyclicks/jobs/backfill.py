"""A backfill: years of many targets into the store, in bounded memory, over as many runs as it takes.

The days of one target are requested together, or one day of each target after the other
(`hourlyclicks.jobs.planner`). The ledger is read as the run reaches it, so that neither thousands of targets
nor years need memory. A target of which the API rejects every day is parked (`hourlyclicks.jobs.parking`);
the run goes on with the others. What is done with each day is in `hourlyclicks.jobs.backfill_days`.

The run stops gracefully: workers that wait for a slot are cancelled, those with a request in flight store its
result first. Other processes may work on the same days at the same time; what they fetch is read from the
store.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import AuthenticationError, HourlyClicksError, RateLimitedError, carry
from hourlyclicks.fetching.task import Caller
from hourlyclicks.jobs.backfill_days import BackfillDays
from hourlyclicks.jobs.stopping import Stopper
from hourlyclicks.jobs.tracker import Tracker
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.report import StopReason
from hourlyclicks.model.target_days import name_of
from hourlyclicks.pacing.queue import Job

if TYPE_CHECKING:
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.jobs.backfill_targets import BackfillTargets
    from hourlyclicks.jobs.run_options import RunOptions
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.jobs.stopping import StopCondition
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.store.freshness import Freshness

_LATER = 900.0
"""Seconds after which to run again after trouble, unless the server has named a time."""


class Backfill:
    """One run.

    Args:
        targets: the targets, and which of their days are meant.
        options: the order of the requests, how many it may send, and its name.
        freshness: which days in the store need a request.
        context: the call, as its events name it.
        services: the parts of the client.

    Attributes:
        name: the name by which other processes know it; empty: none.
    """

    def __init__(
        self,
        targets: BackfillTargets,
        options: RunOptions,
        *,
        freshness: Freshness,
        context: CallContext,
        services: Services,
    ) -> None:
        self.name = options.name or ""
        self._cache = services.required_cache()
        self._limiter = services.limiter
        self._clock = services.clock
        self._runs = services.runs
        self._has_sent = services.single_flight.has_sent
        self._job = Job(
            Lane.BACKFILL, remaining=0, allowance=options.max_requests, name=name_of(targets.ranges)
        )
        self._feed = targets.feed
        self._tracker = Tracker(services, self._job, self, context, feed=self._feed)
        self._days = BackfillDays(
            targets,
            options.order,
            caller=Caller(self._job, freshness, context),
            tracker=self._tracker,
            stop=self.stop,
            services=services,
        )
        self._stopper = Stopper(services.clock, self.stop)
        self._stopped: StopReason | None = None
        self._error: HourlyClicksError | None = None

    async def run(self, condition: StopCondition) -> BackfillReport:
        """Request every day that is due, unless the deadline or the event comes first.

        Another process may stop it as well.

        Raises:
            HourlyClicksError: a fatal error; carries the report.
            asyncio.CancelledError: the call was cancelled; carries the report.
        """
        began = self._clock.monotonic()
        registered = nullcontext() if self._runs is None else self._runs.registered(self)
        try:
            with self._tracker, registered, self._stopper.watch(condition):
                await self._days.survey()
                if self._stopped is None:
                    async with nullcontext() if self._feed is None else self._feed:
                        await self._days.fetch_all()
        except asyncio.CancelledError as error:
            self._stopped = self._stopped or StopReason.STOPPED
            carry(error, report=self._report(began))
            raise
        except Exception as error:
            self._stopped = StopReason.ERROR
            self._error = error if isinstance(error, HourlyClicksError) else None
            carry(error, report=self._report(began))
            raise
        finally:
            await self._days.close()
            await self._end_beginnings()
        return self._report(began)

    async def _end_beginnings(self) -> None:
        """Record where targets begin of which nothing was answered, unless the key is wrong."""
        if isinstance(self._error, AuthenticationError):
            self._cache.drop_beginnings()
        with suppress(HourlyClicksError):  # the error that ended the run is raised
            await self._cache.record_beginnings()

    # -- what ends it early -----------------------------------------------------------------------------

    def stop(self, reason: StopReason, error: HourlyClicksError | None = None) -> None:
        """Send nothing more, and end as soon as the requests in flight have been answered and stored.

        A job that is over gets no more slots, not even for a retry. Its waiting tasks are dismissed, so that
        calls that follow one of them lead in its place. `drain` lets those workers finish that have a request
        in flight, because that is spent and its result must not be lost; it cancels the others, also the one
        that is in the planner. The first reason counts: it is the one reported.
        """
        if self._stopped is not None:
            return
        self._stopped, self._error = reason, error
        self._job.over = True
        self._limiter.queue.dismiss(self._job)
        self._days.pool.drain(self._has_sent)

    async def on_close(self, error: HourlyClicksError) -> None:
        """End at once with that error: the client is closed."""
        await self._days.pool.end(error)

    async def on_stop(self, error: HourlyClicksError) -> None:
        """End with that error as soon as the requests in flight are answered and stored."""
        self.stop(StopReason.ERROR)
        await self._days.pool.wind_down(error, self._has_sent)

    # -- what other processes see -----------------------------------------------------------------------

    @property
    def requests(self) -> int:
        """See `RegisteredRun.requests`."""
        job = self._job
        return job.unanswered if job.allowance is None else min(job.unanswered, job.allowance - job.spent)

    @property
    def pause(self) -> float:
        """See `RegisteredRun.pause`."""
        return self._limiter.backfill_pause

    def eta(self) -> float:
        """See `RegisteredRun.eta`."""
        job = self._job
        most = None if job.allowance is None else job.allowance - job.spent
        return min(self._limiter.eta.eta(job, most=most)[0], self._stopper.left())

    def stop_asked(self) -> None:
        """See `RegisteredRun.stop_asked`."""
        self.stop(StopReason.STOPPED)

    # -- the report -------------------------------------------------------------------------------------

    def unlisted(self, reason: StopReason) -> BackfillReport:
        """Return the report of a run that was stopped before all of its targets were known."""
        self.stop(reason)
        return attrs.evolve(self._report(self._clock.monotonic()), listed=False)

    def _report(self, began: int) -> BackfillReport:
        parked = self._days.parked
        report = self._days.stats.report(
            seconds=(self._clock.monotonic() - began) / SECOND,
            stopped=self._stopped or StopReason.COMPLETE,
            error=self._error,
            again_at=self._clock.wall() + dt.timedelta(seconds=self._wait()),
            parked=parked,
            unsent=sum(map(self._days.unfinished, parked)),
        )
        return report if self._feed is None else attrs.evolve(report, listed=self._feed.exhausted)

    def _wait(self) -> float:
        """Return the seconds after which another run could send a request."""
        if isinstance(self._error, RateLimitedError) and self._error.retry_after is not None:
            return self._error.retry_after
        if self._stopped in {StopReason.RATE_LIMITED, StopReason.TROUBLE}:
            return _LATER
        return self._limiter.eta.opens_in
