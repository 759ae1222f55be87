"""The runs behind the calls of a client: each is given the parts it needs, and closing ends them all."""

from __future__ import annotations

import asyncio
import copy
from contextlib import AsyncExitStack, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from hourlyclicks.client.costs import Costs
from hourlyclicks.errors import UsageError
from hourlyclicks.events.context import NO_CALL
from hourlyclicks.fetching.task import Caller
from hourlyclicks.jobs.bounded_wait import bounded_wait
from hourlyclicks.jobs.finishing import GRACE, finish_sent
from hourlyclicks.jobs.series import collect
from hourlyclicks.jobs.target_run import TargetRun
from hourlyclicks.pacing.limiter import Limiter
from hourlyclicks.pacing.queue import Job
from hourlyclicks.store.freshness import Freshness

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from random import Random

    from hourlyclicks.client.resources import Network
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.fetching.fetcher import DayFetcher
    from hourlyclicks.jobs.audit import Audit
    from hourlyclicks.jobs.backfill import Backfill
    from hourlyclicks.jobs.daily import DailyRun, DailySums
    from hourlyclicks.jobs.lists import ListReader
    from hourlyclicks.jobs.run_options import RunOptions
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.jobs.target_feed import TargetFeed
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.state import ClientState, ClientStatus
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.pacing.plans import Allowance

_ABANDON = 1.0
"""Seconds in which a transport must be closed whose event loop has ended."""


class Engine:
    """Fetch days, series and backfills.

    Args:
        services: the parts that the calls share.
        allowance: what may be requested, and how fast.
        network: the transport, and how it is used.
        random: draws the jitter of waits.

    Attributes:
        limiter: grants slots.
        dispatch: sends the events.
        costs: how many requests a call takes, and how long.
    """

    def __init__(self, services: Services, *, allowance: Allowance, network: Network, random: Random) -> None:
        self.limiter = services.limiter
        self.dispatch = services.dispatch
        self.costs = Costs(services, allowance)
        self._services = services
        self._cache = services.cache
        self._allowance = allowance
        self._network = network
        self._random = random
        self._list_fetcher: DayFetcher | None = None

    def lists(self, context: CallContext) -> ListReader:
        """Return what reads the lists of the account, within limits of their own, for a call.

        Raises:
            PlanError: the plan does not include the lists.
        """
        from hourlyclicks.jobs.lists import ListReader  # noqa: PLC0415 - most clients read no list

        if self._list_fetcher is None:
            limits = self._allowance.list_limits
            limiter = Limiter(limits, clock=self._services.clock, emit=self.dispatch, random=self._random)
            self._list_fetcher = self._services.fetcher.beside(limiter)
        return ListReader(self._list_fetcher, self._services.zone, context)

    def freshness(self, *, refresh: bool = False, refused: bool = False, patient: bool = False) -> Freshness:
        """Return which days in the store need a request of a call that begins now."""
        began = self._services.clock.wall()
        return Freshness(began, self._services.zone, refresh=refresh, refused=refused, patient=patient)

    async def day(
        self, query: Query, context: CallContext, freshness: Freshness, wait: float | None = None
    ) -> DayClicks:
        """Fetch one day, or read it from the store; `wait`: see `hourlyclicks.jobs.bounded_wait`."""
        if self._cache is not None and not freshness.refresh:
            found = await self._cache.find(query, freshness)
            if found is not None:
                return found
        caller = Caller(Job(context.priority), freshness, context)
        single_flight = self._services.single_flight
        if wait is None:
            return await single_flight.fetch_shared(query, caller)

        def is_unsent() -> bool:
            return not single_flight.is_sent(query)

        async with bounded_wait(self._services, wait, Job(context.priority, int(is_unsent())), is_unsent):
            return await single_flight.fetch_shared(query, caller)

    def run(self, days: DateRange, target: Target, context: CallContext, freshness: Freshness) -> TargetRun:
        """Return a run for many days of one target."""
        return TargetRun(days, target, context=context, freshness=freshness, services=self._services)

    async def fetch(self, run: TargetRun, *, strict: bool, wait: float | None) -> HourlySeries:
        """Fetch all days of a run and merge them; `wait`: see `hourlyclicks.jobs.bounded_wait`."""
        if wait is None:
            return await collect(run, strict=strict)
        unsent = Job(run.job.lane, await self.costs.count_unsent(run))
        async with bounded_wait(self._services, wait, unsent, lambda: run.job.unsent > 0):
            return await collect(run, strict=strict)

    async def read(self, target: Target, days: DateRange) -> HourlySeries:
        """Return what the store has of some days, without a request.

        Raises:
            UsageError: there is no store.
        """
        if self._cache is None:
            raise UsageError("there is nothing to look into without a store: Client(store='clicks.db')")
        return await self._cache.series(target, days)

    def state(self, status: ClientStatus) -> ClientState:
        """Return what the client is doing now; see `hourlyclicks.jobs.client_state`."""
        from hourlyclicks.jobs.client_state import state_of  # noqa: PLC0415 - many programs never ask

        return state_of(self._services, status)

    def check_store(self) -> None:
        """Check that there is a store for a backfill.

        Raises:
            UsageError: there is none.
        """
        self._services.required_cache()

    def daily(self, days: DateRange, target: Target, context: CallContext, freshness: Freshness) -> DailyRun:
        """Return a run for the sums of many days of one target."""
        return self._sums.run(days, target, context, freshness)

    @cached_property
    def _sums(self) -> DailySums:
        """What all calls for sums of days share."""
        from hourlyclicks.jobs.daily import DailySums  # noqa: PLC0415 - most clients ask for no sums

        return DailySums(self._services, self._allowance.longest_range)

    def audit(self, context: CallContext, *, refresh: bool) -> Audit:
        """Return an audit; `refresh`: whether to request also sums that are final in the store.

        Raises:
            UsageError: there is no store.
        """
        from hourlyclicks.jobs.audit import Audit  # noqa: PLC0415 - as above

        cache, for_sums = self._services.required_cache("an audit"), self.freshness(refresh=refresh)
        return Audit(cache, self.freshness(), self._sums, for_sums, context)

    def backfill(
        self,
        ranges: dict[Target, DateRange] | TargetFeed,
        options: RunOptions,
        freshness: Freshness,
        *,
        context: CallContext = NO_CALL,
        since: Mapping[Target, dt.date] | None = None,
        from_gaps: bool = False,
    ) -> Backfill:
        """Return a backfill of many days of many targets.

        Args:
            ranges: the days of each target, or what reads the targets during the run.
            options: the order of the requests, how many it may send, and its name.
            freshness: which days in the store need a request.
            context: the call, as its events name it.
            since: the first days of targets that have one.
            from_gaps: whether each target begins with its first gap.

        Raises:
            UsageError: there is no store.
        """
        from hourlyclicks.jobs.backfill import Backfill  # noqa: PLC0415 - many clients run none
        from hourlyclicks.jobs.backfill_targets import BackfillTargets  # noqa: PLC0415 - as above
        from hourlyclicks.jobs.estimate import CachedLedger  # noqa: PLC0415 - as above
        from hourlyclicks.jobs.gaps import FirstGaps  # noqa: PLC0415 - as above

        services, since, gaps = self._services, {} if since is None else since, None
        if from_gaps:
            ledger = CachedLedger(services.required_cache())
            gaps = FirstGaps(ledger, since=since, freshness=freshness, clock=services.clock)
        feed, known = (None, ranges) if isinstance(ranges, dict) else (ranges, {})
        targets = BackfillTargets(known, feed, since, gaps)
        return Backfill(targets, options, freshness=freshness, context=context, services=services)

    def retry_key(self) -> None:
        """Allow requests again after the server has rejected the key."""
        self.limiter.unlatch()
        if self._list_fetcher is not None:
            self._list_fetcher.rules.limiter.unlatch()

    async def close(self, *, lost: bool = False, grace: float | None = None) -> None:
        """End the running jobs, finish what was begun, and close what is owned.

        Args:
            grace: the seconds for which requests in flight may be answered; ``None``: `GRACE` with a store,
                and 0 without.
            lost: whether the event loop that the client was used on has ended, so that its tasks never will.
        """
        async with AsyncExitStack() as ends:  # in reverse, each of them even if another one fails
            ends.callback(self.dispatch.end)
            if self._network.owned:
                ends.push_async_callback(self._abandon_transport if lost else self._network.transport.close)
            if self._cache is not None:
                ends.push_async_callback(self._cache.close)
            if not lost:
                ends.push_async_callback(self._end_calls, self._grace if grace is None else grace)

    @property
    def _grace(self) -> float:
        return 0.0 if self._cache is None else GRACE

    async def _abandon_transport(self) -> None:
        """Close a transport as far as that is possible without its own event loop."""
        with suppress(Exception):
            await asyncio.wait_for(self._network.transport.close(), _ABANDON)

    async def _end_calls(self, grace: float) -> None:
        error = UsageError("the client is closed", fatal=True)
        if self._list_fetcher is not None:  # nothing of a list is stored
            self._list_fetcher.rules.limiter.abort(error, for_good=True)
        if grace:
            await finish_sent(self._services, error, grace)
        self.limiter.abort(error, for_good=True)
        for run in tuple(self._services.running):
            await run.on_close(copy.copy(error))
        await self._services.finishing.end()
        await self._services.single_flight.close()
        await self.limiter.close()
