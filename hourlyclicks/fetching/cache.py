"""The read-through cache: what a call may take from the store, and what it puts there.

A final day is read from the store without a request. So is a day that the API has rejected: its error is
raised again. What is fetched is stored before it counts as done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hourlyclicks import events
from hourlyclicks.errors import ApiError, HourlyClicksError, StoreError
from hourlyclicks.events.context import NO_CALL
from hourlyclicks.fetching.account_store import AccountStore
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Query
from hourlyclicks.model.zones import is_final
from hourlyclicks.store.ledger import SETTLED, DayState, Failure, LedgerEntry

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Dispatcher
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness
    from hourlyclicks.store.ledger import PutResult
    from hourlyclicks.store.protocol import Store

_WITHOUT_FIGURES = {DayState.FAILED, DayState.REFUSED}


@attrs.frozen
class StoredAnswer:
    """What the store has of a day after an answer was put into it.

    Args:
        day: the day as it is in the store.
        revised: whether the answer changed its figures.
    """

    day: DayClicks
    revised: bool = False


class DayCache(AccountStore):
    """Read and store the days of one account.

    Args:
        store: where they are, and what else an `AccountStore` needs.
        dispatch: receives an event when figures have changed.
    """

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
        super().__init__(store, owned=owned, fingerprint=fingerprint, zone=zone, clock=clock)
        self._dispatch = dispatch
        self._written = False
        self._beginnings: list[Query] = []

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
            stored = await self._answer(query.target, day, kept)
        except StoreError as error:
            error.unsaved = (day,)
            raise error.about(query.day, query.target) from None
        self._report_revision(query, kept, context)
        return stored

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
            stored = [await self._answer(target, day, kept) for day, kept in zip(days, results, strict=True)]
        except StoreError as error:
            error.unsaved = tuple(days)
            raise error.about(days[0].date, target) from None
        for day, kept in zip(days, results, strict=True):
            self._report_revision(Query(day.date, target), kept, context)
        return stored

    def _report_revision(self, query: Query, kept: PutResult, context: CallContext) -> None:
        """Report that an answer has changed the figures of a day, if it has."""
        if kept.revised:
            day, target = query
            self._dispatch(events.DayRevised(day=day, target=target, revision=kept.revision, **context.tags))

    async def _answer(self, target: Target, day: DayClicks, kept: PutResult) -> StoredAnswer:
        """Return a day as it is in the store; while an answer is in doubt, the figures before it stay."""
        if kept.doubted_at is None:
            return StoredAnswer(day, kept.revised)
        account, days = await self.account(), DateRange(day.date, day.date)
        for held in await self.store.read(account, target, days):
            return StoredAnswer(attrs.evolve(held, final=False))
        return StoredAnswer(day)

    def needs_request(self, entry: LedgerEntry | None, freshness: Freshness) -> bool:
        """Return whether a day needs a request now; see `hourlyclicks.store.freshness.Freshness.is_stale`."""
        return freshness.is_stale(entry, self._clock.wall())

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

    def note_beginning(self, query: Query) -> None:
        """Record with the next day that a target begins with a day; see `record_beginning`."""
        self._beginnings.append(query)

    async def record_beginning(self, query: Query) -> None:
        """Record that a target begins with a day, which is to be requested, unless an earlier day is known.

        The day is recorded as failed without a request; not before anything else is recorded in this client,
        since a wrong key shall leave nothing, or `record_beginnings` is called.
        """
        self.note_beginning(query)
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
