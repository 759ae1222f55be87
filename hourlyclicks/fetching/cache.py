"""The store as one client sees it: the days of its account, and what its calls may take from there.

A final day is read from the store without a request. So is a day that the API has rejected: its error is
raised again. What is fetched is stored before it counts as done.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, cast

import attrs

from hourlyclicks import events
from hourlyclicks.errors import ApiError, HourlyClicksError, StoreError, UsageError
from hourlyclicks.events.context import NO_CALL
from hourlyclicks.model.dates import SETTLE, DateRange, ends, is_final
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.series import SeriesBuilder
from hourlyclicks.model.targets import Query
from hourlyclicks.store.closing import StoreLatch
from hourlyclicks.store.daily import is_due
from hourlyclicks.store.freshness import Reader
from hourlyclicks.store.ledger import SETTLED, STALE_AFTER, WITH_FIGURES, DayState, Failure, LedgerEntry

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Dispatcher
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.range_record import RangeRecord
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.state import StoreState
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness
    from hourlyclicks.store.protocol import RangeChange, Store
    from hourlyclicks.store.summary import TargetSummary

ENTRIES = 512
"""Ledger entries that are read at a time; they are smaller than days."""

_WITHOUT_FIGURES = {DayState.FAILED, DayState.REFUSED}


@attrs.frozen
class TargetHistory:
    """What the store has of the other days of a target.

    Args:
        day: a day with figures, as far from where the call begins as there is one.
        answered: when a day was last answered in an earlier call.
    """

    day: dt.date | None
    answered: dt.datetime | None


NOTHING = TargetHistory(None, None)
"""What there is without a store."""


@attrs.frozen
class StoredAnswer:
    """What the store has of a day after an answer was put into it.

    Args:
        day: the day as it is in the store.
        revised: whether the answer changed its figures.
    """

    day: DayClicks
    revised: bool = False


class DayCache:
    """Read and store the days of one account.

    Args:
        store: where they are.
        owned: whether to close the store in the end.
        fingerprint: makes the name of the account in the store from the salt of the store.
        zone: the account's time zone, if it is known.
        clock: what time it is.
        dispatch: receives an event when figures have changed.

    Attributes:
        store: where the days are, until this is closed.
    """

    store: Store

    def __init__(
        self,
        store: Store,
        *,
        owned: bool,
        fingerprint: Callable[[bytes], str],
        zone: dt.tzinfo | None,
        clock: Clock,
        dispatch: Dispatcher,
    ) -> None:
        self._latch = StoreLatch(store)
        self.store = cast("Store", self._latch)
        self._given_store = store
        self._owned = owned
        self._fingerprint = fingerprint
        self._zone = zone
        self._clock = clock
        self._dispatch = dispatch
        self._account: int | None = None
        self._closed = False
        self._written = False
        self._beginnings: list[Query] = []
        self._opening = asyncio.Lock()

    async def account(self) -> int:
        """Return the number of the account; the first call opens the store."""
        if self._closed:
            raise UsageError("the client is closed", fatal=True)
        if self._account is not None:
            return self._account
        async with self._opening:
            return await self._open()

    async def _open(self) -> int:
        """Open the store, unless another call has done so, or closed this, while this one waited."""
        if self._closed or self._account is not None:
            return await self.account()
        await self.store.open()
        self._account = await self.store.account(self._fingerprint(await self.store.salt()))
        return self._account

    async def find(self, query: Query, freshness: Freshness) -> DayClicks | None:
        """Return a day that needs no request; ``None`` if it needs one.

        Raises:
            ApiError: it was rejected before, and needs no request either.
        """
        found = (await self.known(query.target, DateRange(query.day, query.day), freshness)).get(query.day)
        if isinstance(found, HourlyClicksError):
            raise found
        return found

    async def known(
        self, target: Target, days: DateRange, freshness: Freshness
    ) -> dict[dt.date, DayClicks | HourlyClicksError]:
        """Return those of some days that need no request; a rejected one as its error."""
        account, reader = await self.account(), self.reader()
        figures = {day.date: day for day in await self.store.read(account, target, days)}
        final = [day.final and reader.is_final(day.date, day.fetched_at) for day in figures.values()]
        if not freshness.refresh and len(final) == len(days) and all(final):
            return {**figures}  # the ledger entries could not say otherwise
        found: dict[dt.date, DayClicks | HourlyClicksError] = {}
        for entry in await self.store.entries(account, target, days):
            if freshness.is_stale(entry, reader.now):
                continue
            if entry.state is DayState.REFUSED:
                reason = entry.reason or Failure(ApiError.__name__, "")
                found[entry.date] = reason.as_error().about(entry.date, target)
            elif (day := figures.get(entry.date)) and day.fetched_at == entry.asked_at:
                found[entry.date] = attrs.evolve(day, final=reader.state(entry) in SETTLED)
        return found

    async def series(self, target: Target, days: DateRange) -> HourlySeries:
        """Return the figures that the store has of some days, however old they are."""
        account, reader, builder = await self.account(), self.reader(), SeriesBuilder(target, days)
        for chunk in days.chunks(ENTRIES):
            states = {
                entry.date: reader.state(entry) for entry in await self.store.entries(account, target, chunk)
            }
            for day in await self.store.read(account, target, chunk):
                builder.add(attrs.evolve(day, final=states.get(day.date) in SETTLED))
        return builder.build()

    def describe(self) -> StoreState:
        """Return what the store is, and where."""
        from hourlyclicks.model.state import StoreState  # noqa: PLC0415 - many programs never ask

        store = self._given_store
        kind = getattr(store, "kind", type(store).__name__)
        return StoreState(kind=str(kind), location=getattr(store, "location", None))

    def reader(self) -> Reader:
        """Return the rules by which the store is read at this moment."""
        return Reader(self._clock.wall(), self._zone)

    async def entries(self, target: Target, days: DateRange) -> list[LedgerEntry]:
        """Return what is known of some days; see `Store.entries`."""
        return await self.store.entries(await self.account(), target, days)

    async def count_by_state(self, target: Target, days: DateRange) -> Counter[DayState]:
        """Count some days by their states as they are seen now; see `Store.count_by_state`."""
        return await self.store.count_by_state(await self.account(), target, days, reader=self.reader())

    async def summarize(
        self, targets: Sequence[Target], days: DateRange | None, freshness: Freshness
    ) -> list[TargetSummary]:
        """Count days of many targets by their states as they are seen now; see `Store.summarize`."""
        account, now = await self.account(), self._clock.wall()
        return await self.store.summarize(account, targets, days, freshness=freshness, now=now)

    async def failing(self) -> list[Target]:
        """Return the targets of which days have failed."""
        return await self.store.targets(await self.account(), failing=True)

    async def put(
        self,
        query: Query,
        day: DayClicks,
        *,
        requests: int,
        refresh: bool = False,
        context: CallContext = NO_CALL,
    ) -> StoredAnswer:
        """Put an answer into the store, and return the day as it is in the store from now on.

        Args:
            query: the day.
            day: the answer.
            requests: how many were sent for it.
            refresh: whether they were sent to refresh the day.
            context: the call that they were sent in.

        Raises:
            StoreError: it could not be stored; the error carries it.
        """
        try:
            account, reader = await self._begin_writing(), self.reader()
            kept = await self.store.put(
                account, query.target, day, requests=requests, reader=reader, refresh=refresh
            )
            if kept.doubted_at is not None:
                return StoredAnswer(await self._kept_figures(query) or day)
        except StoreError as error:
            error.unsaved = (day,)
            raise error.about(query.day, query.target) from None
        if kept.revised:
            self._report_revision(query, kept.revision, context)
        return StoredAnswer(day, kept.revised)

    async def put_days(
        self,
        target: Target,
        days: Sequence[DayClicks],
        *,
        endpoint: str,
        requests: int,
        refresh: bool = False,
        context: CallContext = NO_CALL,
    ) -> list[StoredAnswer]:
        """Put one answer for several days into the store, and return each as it is in the store from now on.

        Args:
            target: the target.
            days: what the answer says.
            endpoint: the version of the endpoint that gave it.
            requests: how many were sent for it.
            refresh: whether they were sent to refresh the days.
            context: the call that they were sent in.

        Raises:
            StoreError: it could not be stored; the error carries all of its days.
        """
        stored = []
        try:
            results = await self.store.put_days(
                await self._begin_writing(),
                target,
                days,
                requests=requests,
                endpoint=endpoint,
                reader=self.reader(),
                refresh=refresh,
            )
            for day, kept in zip(days, results, strict=True):
                doubted = kept.doubted_at is not None
                held = await self._kept_figures(Query(day.date, target)) if doubted else None
                stored.append(StoredAnswer(held or day, kept.revised and not doubted))
        except StoreError as error:
            error.unsaved = tuple(days)
            raise error.about(days[0].date, target) from None
        for day, kept in zip(days, results, strict=True):
            if kept.revised:
                self._report_revision(Query(day.date, target), kept.revision, context)
        return stored

    def _report_revision(self, query: Query, revision: int, context: CallContext) -> None:
        day, target = query
        self._dispatch(events.DayRevised(day=day, target=target, revision=revision, **context.tags))

    async def _kept_figures(self, query: Query) -> DayClicks | None:
        """Return the figures that stay while a new answer is in doubt; until then they are not final."""
        days = DateRange(query.day, query.day)
        for held in await self.store.read(await self.account(), query.target, days):
            return attrs.evolve(held, final=False)
        return None

    async def known_sums(
        self, target: Target, days: DateRange, freshness: Freshness
    ) -> dict[dt.date, DailyClicks]:
        """Return the sums of those of some days that need no request."""
        reader, stored = self.reader(), await self.store.read_daily(await self.account(), target, days)
        return {
            day.date: attrs.evolve(day, final=reader.is_final(day.date, day.fetched_at, said=day.final))
            for day in stored
            if not is_due(day, freshness, reader.now)
        }

    async def put_sums(self, target: Target, days: Sequence[DailyClicks]) -> None:
        """Put the sums of days into the store."""
        await self.store.put_daily(await self.account(), target, days, reader=self.reader())

    async def range_record(self, endpoint: str) -> RangeRecord:
        """Return what is known of an endpoint for ranges of days; see `Store.range_record`."""
        return await self.store.range_record(await self.account(), endpoint)

    async def change_range_record(self, endpoint: str, change: RangeChange) -> RangeRecord:
        """Change what is known of an endpoint for ranges of days; see `Store.change_range_record`."""
        return await self.store.change_range_record(await self.account(), endpoint, change)

    async def doubt(self, query: Query) -> bool:
        """Put the figures of a day in doubt; see `Store.doubt`."""
        return await self.store.doubt(await self.account(), query.target, query.day)

    def needs_request(self, entry: LedgerEntry | None, freshness: Freshness) -> bool:
        """Return whether a day needs a request now; see `hourlyclicks.store.freshness.Freshness.is_stale`."""
        return freshness.is_stale(entry, self._clock.wall())

    def due_at(self, day: dt.date, asked_at: dt.datetime) -> dt.datetime:
        """Return when a day that was not final when it was requested is due again."""
        over, now = ends(day, self._zone) + SETTLE, self._clock.wall()
        if asked_at < over and asked_at <= now:
            return min(asked_at + STALE_AFTER, over)
        # Its figures are in doubt, or a wrong clock has stamped it.
        return (asked_at if now - STALE_AFTER < asked_at <= now else now) + STALE_AFTER

    def is_over(self, day: dt.date, asked: dt.datetime) -> bool:
        """Return whether a day was over when it was requested.

        If it was not, that may be why it was rejected, and a later answer may differ.
        """
        return is_final(day, asked, self._zone)

    async def record_failure(
        self,
        query: Query,
        error: HourlyClicksError,
        *,
        asked: dt.datetime,
        requests: int,
        began: dt.datetime,
    ) -> LedgerEntry | None:
        """Record that a day failed; a rejected day that was rejected in the same way stays rejected.

        Returns:
            The ledger entry from before `began`, when the call began, if it was the same rejection.
        """
        account, reason = await self._begin_writing(), Failure.of(error)
        before = await self._earlier_rejection(account, query, reason, began)
        refused = before is not None and before.state is DayState.REFUSED
        state = DayState.REFUSED if refused else DayState.FAILED
        await self.store.record_failure(
            account, query.target, LedgerEntry(query.day, state, asked, requests, reason=reason)
        )
        return before

    async def _earlier_rejection(
        self, account: int, query: Query, reason: Failure, began: dt.datetime
    ) -> LedgerEntry | None:
        """Return the ledger entry of a day if it is the same rejection from before that moment."""
        if reason.code is None:
            return None
        entries = await self.store.entries(account, query.target, DateRange(query.day, query.day))
        alike = [
            entry
            for entry in entries
            if entry.state in _WITHOUT_FIGURES
            and entry.reason is not None
            and (entry.reason.error, entry.reason.code) == (reason.error, reason.code)
            and entry.asked_at < began
        ]
        return alike[0] if alike else None

    async def record_rejection(self, query: Query, error: HourlyClicksError, *, asked: dt.datetime) -> None:
        """Record that a rejection is final; `record_failure` has counted its requests."""
        entry = LedgerEntry(query.day, DayState.REFUSED, asked, 0, reason=Failure.of(error))
        await self.store.record_failure(await self.account(), query.target, entry)

    async def record_beginning(self, query: Query) -> None:
        """Record that a target begins with a day, which is to be requested, unless an earlier day is known.

        The day is recorded as failed without a request; not before anything else is recorded in this client,
        since a wrong key shall leave nothing, or `record_beginnings` is called.
        """
        self._beginnings.append(query)
        if self._written:
            await self.record_beginnings()

    async def record_beginnings(self) -> None:
        """Record the beginnings that wait."""
        reason = Failure(HourlyClicksError.__name__, "not requested yet")
        while self._beginnings:
            query = self._beginnings.pop()
            entry = LedgerEntry(query.day, DayState.FAILED, self._clock.wall(), 0, reason=reason)
            await self.store.record_failure(await self.account(), query.target, entry)

    def drop_beginnings(self) -> None:
        """Forget the beginnings that wait."""
        self._beginnings.clear()

    async def _begin_writing(self) -> int:
        """Record the beginnings that wait, since a day is recorded now; return the account."""
        self._written = True
        if self._beginnings:
            await self.record_beginnings()
        return await self.account()

    async def history(
        self, target: Target, days: DateRange, *, began: dt.datetime, newest_first: bool
    ) -> TargetHistory:
        """Return what a store knows of the other days of a target, by which a rejection is evaluated.

        Args:
            target: the target.
            days: the days of the call.
            began: when the call began.
            newest_first: whether it requests the last of them first.
        """
        found: dt.date | None = None
        answered: dt.datetime | None = None
        for page in days.chunks(ENTRIES, newest_first=not newest_first):
            entries = [entry for entry in await self.entries(target, page) if entry.state in WITH_FIGURES]
            if entries and found is None:
                found = (entries[0] if newest_first else entries[-1]).date
            before = [entry.asked_at for entry in entries if entry.asked_at < began]
            answered = max([*before, *([answered] if answered else [])], default=None)
        return TargetHistory(found, answered)

    async def close(self) -> None:
        """Stop using the store, and close it if it is owned."""
        self._closed = True
        self._latch.shut()  # at once, so that no call in progress opens it again
        if self._owned:
            await self._given_store.close()
