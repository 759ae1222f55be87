"""Which days need a request."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.zones import SETTLE, is_final
from hourlyclicks.store.freshness import SKEW, Freshness, Reader
from hourlyclicks.store.ledger import SETTLED, STALE_AFTER, WITH_FIGURES, DayState, LedgerEntry
from tests.model.strategies import FIRST, NOON

SEOUL = ZoneInfo("Asia/Seoul")
ZONES = (None, dt.UTC, SEOUL, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia"), dt.timezone.max)
TICK = dt.datetime.resolution
LATER, LONG_AGO = NOON + dt.timedelta(days=30), NOON + dt.timedelta(days=365)
OVER = dt.datetime.combine(FIRST + dt.timedelta(days=1), dt.time(1), SEOUL)
"""When the first day is final in Seoul."""


class NoHash(dt.tzinfo):
    """A zone as other libraries make them: without a hash."""

    def __hash__(self) -> int:
        raise TypeError("unhashable")

    def __eq__(self, other: object) -> bool:
        return self is other

    def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
        """See `datetime.tzinfo`."""
        return dt.timedelta(hours=9)

    def tzname(self, _: dt.datetime | None) -> str:
        """See `datetime.tzinfo`."""
        return "KST"

    def dst(self, _: dt.datetime | None) -> dt.timedelta:
        """See `datetime.tzinfo`."""
        return dt.timedelta(0)


def an_entry(
    state: DayState, asked_at: dt.datetime = NOON, doubted_at: dt.datetime | None = None
) -> LedgerEntry:
    """Make the mark of a day."""
    hours = 24 if state in {DayState.FINAL, DayState.PROVISIONAL} else 0
    return LedgerEntry(FIRST, state, asked_at, 1, 1, hours=hours, doubted_at=doubted_at)


def is_due(
    entry: LedgerEntry | None, now: dt.datetime, zone: dt.tzinfo | None = None, *, refused: bool = False
) -> bool:
    """Return whether a backfill that begins now asks for a day."""
    return Freshness(now, zone, refused=refused, patient=True).is_stale(entry, now)


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (DayState.FINAL, False),
        (DayState.EMPTY, False),
        (DayState.PROVISIONAL, False),
        (DayState.FAILED, True),
        (DayState.REFUSED, False),
    ],
)
@pytest.mark.parametrize("zone", ZONES)
def test_days_asked_for_long_after_their_end(state: DayState, due: bool, zone: dt.tzinfo | None) -> None:  # noqa: FBT001 - from the table
    """Only those that failed are due, whatever state was stored for the others."""
    assert is_due(an_entry(state), LONG_AGO, zone) is due
    assert is_due(an_entry(state), LONG_AGO, zone, refused=True) is (due or state is DayState.REFUSED)


@pytest.mark.parametrize("state", [DayState.FINAL, DayState.EMPTY, DayState.REFUSED, DayState.PROVISIONAL])
def test_days_asked_for_too_early_are_due(state: DayState) -> None:
    """A day that was not over in the reader's zone is not final, whatever its stored state."""
    entry = an_entry(state, OVER - TICK)
    assert is_due(entry, LONG_AGO, SEOUL)
    assert is_due(entry, LONG_AGO)
    assert is_due(attrs.evolve(entry, asked_at=OVER), LONG_AGO)
    assert not is_due(attrs.evolve(entry, asked_at=OVER), LONG_AGO, SEOUL)


@pytest.mark.parametrize("state", DayState)
@pytest.mark.parametrize("refresh", [True, False])
@pytest.mark.parametrize("patient", [True, False])
@pytest.mark.parametrize("trusting", [True, False])
def test_a_stamp_in_the_future_is_due(
    state: DayState, *, refresh: bool, patient: bool, trusting: bool
) -> None:
    """In any state, and for any reader."""
    now = LONG_AGO
    freshness = Freshness(
        now - dt.timedelta(hours=1), None, refresh=refresh, patient=patient, trusting=trusting
    )
    for entry in (an_entry(state, now + SKEW + TICK), an_entry(state, doubted_at=now + SKEW + TICK)):
        assert freshness.is_stale(entry, now)
    future = freshness.reader(now).state(an_entry(state, now + SKEW + TICK))
    assert future is (DayState.PROVISIONAL if state in WITH_FIGURES else DayState.FAILED)


@pytest.mark.parametrize("state", [DayState.FINAL, DayState.EMPTY, DayState.REFUSED])
def test_a_clock_may_be_a_little_ahead(state: DayState) -> None:
    """A small difference of clocks is accepted."""
    assert not is_due(an_entry(state, LONG_AGO + SKEW), LONG_AGO)


@pytest.mark.parametrize("state", [DayState.FINAL, DayState.EMPTY, DayState.REFUSED, DayState.PROVISIONAL])
def test_a_day_is_refreshed_once(state: DayState) -> None:
    """It is due unless it was requested since the call began; a time in the future is no proof of that.

    Moments are kept in hundredths of a second, so the same one may be that of an earlier request.
    """
    freshness = Freshness(LONG_AGO, refresh=True)
    later = LONG_AGO + dt.timedelta(seconds=9)
    assert freshness.is_stale(an_entry(state), later)
    assert freshness.is_stale(an_entry(state, LONG_AGO - TICK), later)
    assert freshness.is_stale(an_entry(state, LONG_AGO), later)
    assert not freshness.is_stale(an_entry(state, LONG_AGO + TICK), later)
    assert not freshness.is_stale(an_entry(state, later), later)
    assert freshness.is_stale(an_entry(state, later + TICK), later)


def test_a_day_without_an_entry_is_due() -> None:
    """A day that was never requested is due at any time."""
    assert is_due(None, NOON)


def test_a_failed_day_is_due_at_once() -> None:
    """It need not get old."""
    assert is_due(an_entry(DayState.FAILED), NOON)


@pytest.mark.parametrize("state", SETTLED)
def test_a_settled_day_is_never_due(state: DayState) -> None:
    """It is not, even if rejected days are requested."""
    assert not is_due(an_entry(state), dt.datetime.max.replace(tzinfo=dt.UTC), refused=True)


def test_a_provisional_day_is_due_when_it_is_stale() -> None:
    """Not a moment earlier; an interactive call requests the day in any case."""
    asked = dt.datetime.combine(FIRST, dt.time(9), SEOUL)
    entry = an_entry(DayState.PROVISIONAL, asked)
    assert not is_due(entry, asked, SEOUL)
    assert not is_due(entry, asked + STALE_AFTER - TICK, SEOUL)
    assert is_due(entry, asked + STALE_AFTER, SEOUL)
    assert Freshness(asked + TICK, SEOUL).is_stale(entry, asked + TICK)
    assert not Freshness(asked, SEOUL).is_stale(entry, asked + TICK)


def test_a_provisional_day_is_due_when_it_became_final() -> None:
    """An hour after it ended, even if it was asked for a moment before; where that is depends on the zone."""
    entry = an_entry(DayState.PROVISIONAL, OVER - dt.timedelta(minutes=1))
    assert not is_due(entry, OVER - TICK, SEOUL)
    assert is_due(entry, OVER, SEOUL)
    assert not is_due(entry, OVER)


def test_a_day_in_doubt_is_due_when_the_doubt_is_stale() -> None:
    """It is not due in every run until then; and it is never final, however old its figures are."""
    now = LONG_AGO
    entry = an_entry(DayState.PROVISIONAL, doubted_at=now)
    assert Reader(now).state(entry) is DayState.PROVISIONAL
    assert not is_due(entry, now)
    assert not is_due(entry, now + STALE_AFTER - TICK)
    assert is_due(entry, now + STALE_AFTER)
    assert Freshness(now + TICK).is_stale(entry, now + TICK)
    assert not Freshness(now).is_stale(entry, now + TICK)


@pytest.mark.parametrize(
    ("state", "asked_at", "seen"),
    [
        (DayState.FINAL, OVER - TICK, DayState.FINAL),
        (DayState.EMPTY, OVER - TICK, DayState.EMPTY),
        (DayState.REFUSED, OVER - TICK, DayState.REFUSED),
        (DayState.PROVISIONAL, OVER, DayState.PROVISIONAL),
        (DayState.PROVISIONAL, NOON, DayState.PROVISIONAL),
        (DayState.FAILED, NOON, DayState.FAILED),
    ],
)
def test_who_has_no_zone_to_judge_by_may_trust_the_stored_word(
    state: DayState, asked_at: dt.datetime, seen: DayState
) -> None:
    """Without a zone the stored state counts, whenever the day was requested."""
    hours = 0 if state is DayState.EMPTY else 24
    assert (
        Reader(LONG_AGO, trusting=True).state(LedgerEntry(FIRST, state, asked_at, 1, 1, hours=hours)) is seen
    )


@given(
    zone=st.sampled_from(ZONES),
    start=st.dates(dt.date(1999, 12, 20), dt.date(2030, 1, 1)),
    length=st.integers(1, 400),
    after=st.timedeltas(dt.timedelta(0), dt.timedelta(days=4)),
)
def test_what_is_certain_is_final(
    zone: dt.tzinfo | None, start: dt.date, length: int, after: dt.timedelta
) -> None:
    """A day that was asked for as late as `certain_after` says is final, wherever it lies in the range."""
    days = DateRange(start, start + dt.timedelta(days=length - 1))
    certain = Reader(NOON, zone).certain_after(days)
    for day in (days[0], days[length // 2], days[-1]):
        asked = dt.datetime.combine(day, dt.time(), dt.UTC) + max(after, certain)
        assert is_final(day, asked, zone)


@pytest.mark.parametrize(
    ("days", "zone", "certain"),
    [
        (DateRange(FIRST, FIRST), None, 24 + 12 + 1),
        (DateRange(dt.date.min, dt.date.max), None, 24 + 12 + 1),
        (DateRange(FIRST, FIRST), SEOUL, 24 - 9 + 1),
        (DateRange(dt.date.min, dt.date.max), SEOUL, 49),
        (DateRange(FIRST, FIRST), NoHash(), 49),
    ],
)
def test_the_limit_of_what_is_certain_is_narrow(
    days: DateRange, zone: dt.tzinfo | None, certain: int
) -> None:
    """It is exact where that is cheap, and safe elsewhere."""
    assert Reader(NOON, zone).certain_after(days) == dt.timedelta(hours=certain)
    assert dt.timedelta(hours=1) == SETTLE


def test_the_end_of_time_is_no_future() -> None:
    """A moment to which nothing can be added is the latest there is."""
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    assert Reader(last).latest == last


@pytest.mark.parametrize(
    ("date", "asked_at", "due_at"),
    [
        (NOON.date(), NOON, NOON + STALE_AFTER),
        (FIRST, OVER - TICK, OVER),
        (FIRST, OVER, LATER + STALE_AFTER),
        (FIRST, LATER - TICK, LATER - TICK + STALE_AFTER),
        (FIRST, LATER + dt.timedelta(days=400), LATER + STALE_AFTER),
    ],
    ids=["after an hour", "when it can be final", "in doubt", "in doubt for a moment", "by a wrong clock"],
)
def test_when_a_day_is_due_again(date: dt.date, asked_at: dt.datetime, due_at: dt.datetime) -> None:
    """After an hour, or when the day can be final, whichever comes first; never in the past."""
    assert Reader(LATER, SEOUL).due_at(date, asked_at) == due_at


@pytest.mark.parametrize("state", sorted(SETTLED & WITH_FIGURES | {DayState.EMPTY}), ids=str)
def test_a_day_that_a_wrong_zone_made_final_is_due_at_once(state: DayState) -> None:
    """Its figures may be new enough, but the store says of them what is wrong."""
    asked_at = OVER - dt.timedelta(hours=3)
    now = asked_at + TICK
    assert is_due(an_entry(state, asked_at), now, SEOUL)
    assert not is_due(an_entry(DayState.PROVISIONAL, asked_at), now, SEOUL)
