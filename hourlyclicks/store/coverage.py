"""What a store knows of a target, day by day: the marks of its ledger, counted and grouped. Pure."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import ApiError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.rejections import likeness
from hourlyclicks.model.spans import spans
from hourlyclicks.model.targets import Target
from hourlyclicks.store.freshness import Freshness
from hourlyclicks.store.ledger import SETTLED, WITH_FIGURES, DayState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hourlyclicks.store.ledger import LedgerEntry

ALL_DAYS = DateRange(dt.date.min, dt.date.max)
_FEW_YEARS = 50
_PARKED = 5
"""So many days rejected with the same answer, and none with figures: a backfill has parked the target."""
_ONE_DAY = dt.timedelta(days=1)


@attrs.frozen
class Trouble:
    """Days in a row without figures, all for the same reason.

    Args:
        days: the first and the last of them.
        state: whether they failed or were refused.
        reason: why.
    """

    days: DateRange
    state: DayState
    reason: str


@attrs.frozen
class Month:
    """A calendar month, as far as it is looked at.

    Args:
        days: how many of its days are looked at.
        known: how many of these have figures.
    """

    days: int
    known: int


@attrs.frozen
class Coverage:
    """What is known of a target.

    Args:
        target: the target.
        range: the days that were looked at; ``None``: none, since nothing is known.
        states: how many of them are in each state.
        missing: those that were never requested.
        stale: those with figures that a backfill would ask for again.
        troubles: those that failed or were refused.
        parked: why a backfill has parked the target, as far as these days tell; ``None``: it has not.
        months: the months, by year and number, as far as they lie in the range.
    """

    target: Target
    range: DateRange | None
    states: Counter[DayState]
    missing: tuple[DateRange, ...] = ()
    stale: tuple[DateRange, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    parked: str | None = None
    months: Mapping[tuple[int, int], Month] = attrs.field(factory=dict)

    @property
    def missing_days(self) -> int:
        """How many days were never asked for."""
        return sum(map(len, self.missing))

    @property
    def stale_days(self) -> int:
        """How many days with figures would be asked for again."""
        return sum(map(len, self.stale))


def cover(
    target: Target,
    entries: Sequence[LedgerEntry],
    days: DateRange | None,
    *,
    now: dt.datetime,
    zone: dt.tzinfo | None,
) -> Coverage:
    """Say what is known of a target.

    Args:
        target: the target.
        entries: what the store knows of these days, in order.
        days: the days to look at; ``None``: from the first that is known to the last.
        now: the present moment.
        zone: the account's time zone; without it the stored states count, but for stamps in the future.
    """
    if days is None and entries:
        days = DateRange(entries[0].date, entries[-1].date)
    if days is None:
        return Coverage(target, None, Counter())
    entries = [entry for entry in entries if entry.requested]
    freshness = freshness_of(now, zone)
    reader = freshness.reader(now)
    states = [reader.state(entry) for entry in entries]
    stale = [
        entry.date
        for entry, state in zip(entries, states, strict=True)
        if state in WITH_FIGURES and freshness.is_stale(entry, now)
    ]
    return Coverage(
        target,
        days,
        Counter(states),
        tuple(_gaps([entry.date for entry in entries], days)),
        tuple(_ranges(stale)),
        tuple(_troubles(list(zip(entries, states, strict=True)))),
        _why_parked(entries),
        dict(_months(entries, days)),
    )


def is_complete(states: Counter[DayState], days: DateRange) -> bool:
    """Return whether nothing is missing, stale or in doubt, so that the numbers say all there is to say.

    Args:
        states: how many days of a range are in each state, as the reader of `freshness_of` computes it.
        days: the range.
    """
    return sum(states[state] for state in SETTLED) == len(days)


def cover_complete(target: Target, states: Counter[DayState], days: DateRange) -> Coverage:
    """Say what is known of a target of which every day is settled; the same as `cover` says.

    Args:
        target: the target.
        states: how many days are in each state.
        days: the days.
    """
    months = {month: Month(number, number) for month, number in _days_of_months(days, _years(days))}
    return Coverage(target, days, states, months=months)


def freshness_of(now: dt.datetime, zone: dt.tzinfo | None) -> Freshness:
    """Return the freshness by which `cover` computes states, and which days are stale.

    Args:
        now: the present moment.
        zone: the account's time zone; without it the stored states count, but for stamps in the future.
    """
    return Freshness(now, zone, patient=True, trusting=zone is None)


def _ranges(days: Sequence[dt.date]) -> Iterator[DateRange]:
    return (DateRange(first, last) for first, last in spans(days))


def _gaps(known: Sequence[dt.date], days: DateRange) -> Iterator[DateRange]:
    """Yield the stretches of a range that lie between known days."""
    start = days.start
    for stretch in _ranges(known):
        if stretch.start > start:
            yield DateRange(start, stretch.start - _ONE_DAY)
        if stretch.end >= days.end:
            return
        start = stretch.end + _ONE_DAY
    yield DateRange(start, days.end)


def _troubles(entries: Sequence[tuple[LedgerEntry, DayState]]) -> Iterator[Trouble]:
    """Group the days without figures by their reasons, and those of a reason into stretches."""
    without = [
        (entry.date, state, str(entry.reason or "")) for entry, state in entries if state not in WITH_FIGURES
    ]
    for (state, reason), group in groupby(without, key=itemgetter(1, 2)):
        for stretch in _ranges([date for date, _, _ in group]):
            yield Trouble(stretch, state, reason)


def may_be_parked(states: Counter[DayState]) -> bool:
    """Return whether a target can be parked, by the number of its days in each state."""
    return states[DayState.FAILED] >= _PARKED and not any(states[state] for state in WITH_FIGURES)


def _why_parked(entries: Sequence[LedgerEntry]) -> str | None:
    """Return the rejection that so many days have in common, if no day has figures."""
    if any(entry.state in WITH_FIGURES for entry in entries):
        return None
    errors = [
        entry.reason.as_error()
        for entry in entries
        if entry.state is DayState.FAILED
        and entry.reason is not None
        and entry.reason.error == ApiError.__name__
    ]
    for like, number in Counter(map(likeness, errors)).most_common(1):
        if number >= _PARKED:
            return str(next(error for error in errors if likeness(error) == like))
    return None


def _months(entries: Sequence[LedgerEntry], days: DateRange) -> Iterator[tuple[tuple[int, int], Month]]:
    """Yield the months of the range; if it has many years, only of those of which anything is known."""
    known = Counter((entry.date.year, entry.date.month) for entry in entries if entry.state in WITH_FIGURES)
    years = _years(days)
    few = years if len(years) <= _FEW_YEARS else sorted({entry.date.year for entry in entries})
    for month, number in _days_of_months(days, few):
        yield month, Month(number, known[month])


def _years(days: DateRange) -> range:
    return range(days.start.year, days.end.year + 1)


def _days_of_months(days: DateRange, years: Iterable[int]) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield each month of some years with the number of its days that lie in a range, if any do."""
    for year in years:
        for month in range(1, 13):
            last = monthrange(year, month)[1]
            part = days.clip(DateRange(dt.date(year, month, 1), dt.date(year, month, last)))
            if part is not None:
                yield (year, month), len(part)
