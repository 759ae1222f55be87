"""What is behind a client: everything between its calls and the socket, put together once."""

from __future__ import annotations

import asyncio
import copy
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.errors import UsageError
from hourlyclicks.net.archive import Archive
from hourlyclicks.net.backfill import Backfill
from hourlyclicks.net.days import DayFetcher
from hourlyclicks.net.flights import Flights
from hourlyclicks.net.retry import Retrier
from hourlyclicks.net.runs import Run
from hourlyclicks.pacing.lanes import Call, Lane
from hourlyclicks.pacing.limiter import Limiter
from hourlyclicks.pacing.pace import OwnPace
from hourlyclicks.pacing.shared import SharedPace
from hourlyclicks.store.terms import Terms
from hourlyclicks.wire.key import fingerprint_of

if TYPE_CHECKING:
    import datetime as dt
    from random import Random

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Announcer
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.net.fanout import Ongoing
    from hourlyclicks.net.retry import RetryPolicy
    from hourlyclicks.net.transport import Transport
    from hourlyclicks.pacing.pace import Pace
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.store.protocol import Store
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
        announce: Announcer,
    ) -> None:
        self._clock = clock
        self._zone = zone
        self._announce = announce
        self._transport = transport
        self._closes_transport = closes_transport
        self._workers, self._spare = limits.concurrency, _SPARE
        self._archive: Archive | None = None
        pace: Pace = OwnPace(limits)
        if store is not None:
            self._workers, self._spare = limits.concurrency + _SPARE, 0  # some always wait for the disk
            key = origin.api_key
            fingerprint = key.fingerprint if account is None else partial(fingerprint_of, account)
            self._archive = Archive(
                store, owned=owned, fingerprint=fingerprint, zone=zone, clock=clock, announce=announce
            )
            pace = SharedPace(
                limits, store=self._archive.store, account=self._archive.account, clock=clock, longest=longest
            )
        self.limiter = Limiter(limits, pace=pace, clock=clock, emit=announce, random=random)
        self._fetcher = DayFetcher(
            origin=origin,
            zone=zone,
            transport=transport,
            limiter=self.limiter,
            retrier=Retrier(retry, clock=clock, random=random),
            clock=clock,
            announce=announce,
            concurrency=limits.concurrency,
            archive=self._archive,
        )
        self._flights = Flights(self._fetcher.fetch, self.limiter.hand_over)
        self._running: set[Ongoing] = set()

    def terms(self, *, refresh: bool = False, refused: bool = False, patient: bool = False) -> Terms:
        """Return what a call that begins now wants of the days in the store."""
        began = self._clock.wall()
        return Terms(began, self._zone, refresh=refresh, refused=refused, patient=patient)

    async def day(self, query: Query, terms: Terms) -> DayClicks:
        """Fetch one day, or take it from the store."""
        if self._archive is not None and not terms.refresh:
            found = await self._archive.find(query, terms)
            if found is not None:
                return found
        return await self._flights.share(query, Call(Lane.INTERACTIVE, terms=terms))

    def run(self, days: DateRange, target: Target, lane: Lane, terms: Terms) -> Run:
        """Return a call for many days of one target."""
        return Run(
            days,
            target,
            lane=lane,
            terms=terms,
            archive=self._archive,
            fetcher=self._fetcher,
            flights=self._flights,
            limiter=self.limiter,
            clock=self._clock,
            announce=self._announce,
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
        terms: Terms,
    ) -> Backfill:
        """Return a call for many days of many targets.

        Raises:
            UsageError: there is no store.
        """
        if self._archive is None:
            raise UsageError("a backfill needs a store: Client(store='clicks.db')")
        return Backfill(
            days,
            targets,
            newest_first=newest_first,
            max_requests=max_requests,
            terms=terms,
            archive=self._archive,
            fetcher=self._fetcher,
            flights=self._flights,
            limiter=self.limiter,
            clock=self._clock,
            announce=self._announce,
            zone=self._zone,
            workers=self._workers,
            running=self._running,
        )

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
            if self._archive is not None:
                ends.push_async_callback(self._archive.close)
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
        await self._flights.close()
        await self.limiter.close()
