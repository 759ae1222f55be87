"""Freshness: the one rule that tells which days need a request.

The content of a store may have been written by a process with a wrong clock or another time zone. So the
*reader* computes the state of a day with its own clock and zone:

* A time stamp in the future is wrong. A day with such a stamp is stale, and any later answer replaces it. Up
  to `SKEW` is tolerated, since two clocks never agree.
* Figures are final if they were requested after the day was over in the reader's zone. The stored state is
  only the one that the last writer computed.
* The API can reject only a day that is over. A rejection from before is no information about the day.
* Figures that a later answer, or an audit, has put in doubt are not final; see
  `hourlyclicks.store.conflicts`.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.zones import SETTLE, ends, is_final
from hourlyclicks.store.ledger import SETTLED, STALE_AFTER, DayState

if TYPE_CHECKING:
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.store.ledger import LedgerEntry

SKEW = dt.timedelta(minutes=5)
"""How far in the future a time stamp of another clock may be."""

_ANYWHERE = dt.timedelta(days=2) + SETTLE
"""How long after it has begun in UTC a day is final in any zone."""

_MANY_DAYS = 8_000


@attrs.frozen
class Reader:
    """The clock and the zone with which a store is read.

    Args:
        now: the present moment.
        zone: the account's zone; ``None`` when it is not known.
        trusting: whether the stored states are used as they are, because no zone is known.
    """

    now: dt.datetime
    zone: dt.tzinfo | None = None
    trusting: bool = False

    @property
    def freshness(self) -> Freshness:
        """A freshness with this reader, where it makes no difference which days need a request."""
        return Freshness(self.now, self.zone, trusting=self.trusting)

    def in_future(self, moment: dt.datetime) -> bool:
        """Return whether a time stamp is later than any correct clock could have made it."""
        return moment > self.latest

    @property
    def latest(self) -> dt.datetime:
        """The latest time stamp that can be correct."""
        try:
            return self.now + SKEW
        except OverflowError:
            return self.now

    def is_final(self, date: dt.date, fetched_at: dt.datetime, *, said: bool = False) -> bool:
        """Return whether figures can no longer change.

        Args:
            date: their day.
            fetched_at: when they were requested.
            said: whether the stored state is final.
        """
        if self.in_future(fetched_at):
            return False
        return said if self.trusting else is_final(date, fetched_at, self.zone)

    def state(self, entry: LedgerEntry) -> DayState:
        """Return the state of a day as this reader sees it."""
        if entry.state is DayState.FAILED:
            return entry.state
        final = self.is_final(entry.date, entry.asked_at, said=entry.state is not DayState.PROVISIONAL)
        if entry.state is DayState.REFUSED:
            return entry.state if final else DayState.FAILED
        if not final or entry.doubted_at is not None:
            return DayState.PROVISIONAL
        if entry.state in SETTLED:
            return entry.state
        return DayState.FINAL if entry.hours else DayState.EMPTY

    def due_at(self, date: dt.date, asked_at: dt.datetime) -> dt.datetime:
        """Return when a day that was not final when it was requested is due again."""
        over = ends(date, self.zone) + SETTLE
        if asked_at < over and asked_at <= self.now:
            return min(asked_at + STALE_AFTER, over)
        # Its figures are in doubt, or a wrong clock has stamped it.
        return (asked_at if self.now - STALE_AFTER < asked_at <= self.now else self.now) + STALE_AFTER

    def certain_after(self, days: DateRange) -> dt.timedelta:
        """Return how long after they have begun in UTC all days of a range are final."""
        if self.trusting:
            return dt.timedelta(0)
        try:
            return _certain_after(days, self.zone)
        except TypeError:  # a tzinfo that has no hash
            return _ANYWHERE


@lru_cache(maxsize=64)
def _certain_after(days: DateRange, zone: dt.tzinfo | None) -> dt.timedelta:
    if zone is None:
        days = type(days)(days.start, days.start)  # all days are equal then
    if len(days) > _MANY_DAYS:
        return _ANYWHERE
    longest = max(ends(day, zone) - dt.datetime.combine(day, dt.time(), dt.UTC) for day in days)
    return longest + SETTLE


@attrs.frozen
class Freshness:
    """The freshness that one call requires of stored days.

    Args:
        began: when the call began. Days that were answered since then need not be requested again.
        zone: the account's zone; ``None`` when it is not known.
        refresh: whether final days are requested again.
        refused: whether rejected days are requested again.
        patient: whether provisional figures are requested again only when they are stale, as a backfill
            does.
        trusting: whether the stored states are used as they are; see `Reader`.
    """

    began: dt.datetime
    zone: dt.tzinfo | None = None
    refresh: bool = attrs.field(default=False, kw_only=True)
    refused: bool = attrs.field(default=False, kw_only=True)
    patient: bool = attrs.field(default=False, kw_only=True)
    trusting: bool = attrs.field(default=False, kw_only=True)

    def reader(self, now: dt.datetime) -> Reader:
        """Return the reader of the store at a moment."""
        return Reader(now, self.zone, self.trusting)

    @property
    def uncertain_states(self) -> frozenset[DayState]:
        """The states that alone do not tell whether a day needs a request."""
        if self.refresh:
            return frozenset(DayState) - {DayState.FAILED}
        return frozenset({DayState.PROVISIONAL, DayState.REFUSED} if self.refused else {DayState.PROVISIONAL})

    def is_stale(self, entry: LedgerEntry | None, now: dt.datetime) -> bool:
        """Return whether a day needs a request.

        Args:
            entry: the ledger entry of the day.
            now: the present moment.
        """
        if entry is None:
            return True
        reader = self.reader(now)
        state = reader.state(entry)
        if state is DayState.FAILED or reader.in_future(entry.last_asked):
            return True
        if self._answered_since(entry.last_asked, now):
            return False
        if self.refresh or state is DayState.REFUSED:
            return self.refresh or self.refused
        return state not in SETTLED and not (self.patient and self._fresh(entry, now))

    def _answered_since(self, asked_at: dt.datetime, now: dt.datetime) -> bool:
        """Return whether a day was requested since the call began; for a refresh, only if that is certain."""
        if self.refresh:  # moments are kept in hundredths of a second: in the same one, it may be the earlier
            return self.began < asked_at <= now
        return self.began <= asked_at

    def _fresh(self, entry: LedgerEntry, now: dt.datetime) -> bool:
        """Return whether provisional figures are new enough, and no better ones are available yet."""
        if now - entry.last_asked >= STALE_AFTER or entry.doubted_at == entry.asked_at:  # by an audit
            return False
        if entry.doubted_at is not None:
            return True
        if entry.state in SETTLED:  # by a wrong zone, and whatever reads the table would believe it
            return False
        return not is_final(entry.date, now, self.zone)
