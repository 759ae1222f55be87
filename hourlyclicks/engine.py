"""What is behind a client: everything between its calls and the socket, put together once."""

from __future__ import annotations

import asyncio
import copy
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.coordination.backend import SharedBackend
from hourlyclicks.errors import UsageError
from hourlyclicks.fetching.cache import DayCache
from hourlyclicks.fetching.coalescing import SingleFlight
from hourlyclicks.fetching.exchange import DayFetcher
from hourlyclicks.fetching.retry import Retrier
from hourlyclicks.jobs.backfill import Backfill
from hourlyclicks.jobs.estimate import CachedLedger, count_due
from hourlyclicks.jobs.ranges import Run
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.pacing.backend import LocalBackend
from hourlyclicks.pacing.limiter import Limiter
from hourlyclicks.pacing.queue import Job, Lane
from hourlyclicks.store.freshness import Freshness

if TYPE_CHECKING:
    import datetime as dt
    from random import Random

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Dispatcher
    from hourlyclicks.fetching.retry import RetryPolicy
    from hourlyclicks.jobs.workers import Running
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.pacing.backend import LimiterBackend
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.transport.aiohttp import Transport
    from hourlyclicks.wire.request import Origin

_ABANDON = 1.0
"""Seconds in which a transport must be closed whose event loop has ended."""
_SPARE = 2
"""So many more workers than may send at a time; they stand in for those that are held up."""


class Engine:
    """Fetch days, series and backfills.

    Args:
        origin: where the API is and who asks.
        limits: the limits to keep.
        retry: how often and when to try again.
        transport: carries the requests.
        closes_transport: whether the transport is closed in the end.
        longest: the seconds one request can take.
        zone: the account's time zone, if it is known.
        store: where days are kept, if anywhere.
        owned: whether the store is closed in the end.
        account: the name of the account in the store; ``None``: a hash of the key.
        clock: what time it is.
        random: draws the jitter of waits.
        announce: told what happens.

    Attributes:
        limiter: says when.
    """

    def __init__(
        self,
        *,
        origin: Origin,
        limits: Limits,
        retry: RetryPolicy,
        transport: Transport,
        closes_transport: bool,
        longest: float,
        zone: dt.tzinfo | None,
        store: Store | None,
        owned: bool,
        account: str | None,
        clock: Clock,
        random: Random,
        dispatch: Dispatcher,
    ) -> None:
        self._clock = clock
        self._zone = zone
        self._dispatch = dispatch
        self._transport = transport
        self._closes_transport = closes_transport
        self._workers, self._spare = limits.concurrency, _SPARE
        self._cache: DayCache | None = None
        pace: LimiterBackend = LocalBackend(limits)
        if store is not None:
            self._workers, self._spare = limits.concurrency + _SPARE, 0  # some always wait for the disk
            key = origin.api_key
            fingerprint = key.fingerprint if account is None else partial(fingerprint_of, account)
            self._cache = DayCache(
                store, owned=owned, fingerprint=fingerprint, zone=zone, clock=clock, dispatch=dispatch
            )
            pace = SharedBackend(
                limits, store=self._cache.store, account=self._cache.account, clock=clock, longest=longest
            )
        self.limiter = Limiter(limits, pace=pace, clock=clock, emit=dispatch, random=random)
        self._fetcher = DayFetcher(
            origin=origin,
            zone=zone,
            transport=transport,
            limiter=self.limiter,
            retrier=Retrier(retry, clock=clock, random=random),
            clock=clock,
            dispatch=dispatch,
            concurrency=limits.concurrency,
            cache=self._cache,
        )
        self._in_flight = SingleFlight(self._fetcher.fetch, self.limiter.take_over)
        self._running: set[Running] = set()

    def freshness(self, *, refresh: bool = False, refused: bool = False, patient: bool = False) -> Freshness:
        """Return what a call that begins now wants of the days in the store."""
        began = self._clock.wall()
        return Freshness(began, self._zone, refresh=refresh, refused=refused, patient=patient)

    async def day(self, query: Query, freshness: Freshness) -> DayClicks:
        """Fetch one day, or take it from the store."""
        if self._cache is not None and not freshness.refresh:
            found = await self._cache.find(query, freshness)
            if found is not None:
                return found
        return await self._in_flight.fetch_shared(query, Job(Lane.INTERACTIVE, freshness=freshness))

    def run(self, days: DateRange, target: Target, lane: Lane, freshness: Freshness) -> Run:
        """Return a call for many days of one target."""
        return Run(
            days,
            target,
            lane=lane,
            freshness=freshness,
            cache=self._cache,
            fetcher=self._fetcher,
            single_flight=self._in_flight,
            limiter=self.limiter,
            clock=self._clock,
            dispatch=self._dispatch,
            zone=self._zone,
            workers=self._workers,
            spare=self._spare,
            running=self._running,
        )

    def backfill(
        self,
        days: DateRange,
        targets: tuple[Target, ...],
        *,
        newest_first: bool,
        max_requests: int | None,
        freshness: Freshness,
    ) -> Backfill:
        """Return a call for many days of many targets.

        Raises:
            UsageError: there is no store.
        """
        if self._cache is None:
            raise UsageError("a backfill needs a store: Client(store='clicks.db')")
        return Backfill(
            days,
            targets,
            newest_first=newest_first,
            max_requests=max_requests,
            freshness=freshness,
            cache=self._cache,
            fetcher=self._fetcher,
            single_flight=self._in_flight,
            limiter=self.limiter,
            clock=self._clock,
            dispatch=self._dispatch,
            zone=self._zone,
            workers=self._workers,
            running=self._running,
        )

    async def count_due(self, days: DateRange, targets: tuple[Target, ...], freshness: Freshness) -> int:
        """Return how many days a backfill would ask for; without a store, all."""
        ledger = None if self._cache is None else CachedLedger(self._cache)
        return await count_due(ledger, targets, days, freshness=freshness, now=self._clock.wall())

    def retry_key(self) -> None:
        """Send requests again after the server has refused the key."""
        self.limiter.unlatch()

    async def close(self, *, lost: bool = False) -> None:
        """End whatever still runs, finish what was begun, and give up what is owned.

        Args:
            lost: whether the event loop that it was used on has ended, so that its tasks never will.
        """
        async with AsyncExitStack() as ends:  # in reverse, each of them even if another one fails
            if self._closes_transport:
                ends.push_async_callback(self._abandon_transport if lost else self._transport.close)
            if self._cache is not None:
                ends.push_async_callback(self._cache.close)
            if not lost:
                ends.push_async_callback(self._end_calls)

    async def _abandon_transport(self) -> None:
        """Close a transport as far as its own event loop is not needed for it."""
        with suppress(Exception):
            await asyncio.wait_for(self._transport.close(), _ABANDON)

    async def _end_calls(self) -> None:
        error = UsageError("the client is closed", fatal=True)
        self.limiter.abort(error, for_good=True)
        for run in tuple(self._running):
            await run.on_close(copy.copy(error))
        await self._in_flight.close()
        await self.limiter.close()
