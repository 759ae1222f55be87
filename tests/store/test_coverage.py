"""What a store knows of a target, day by day."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks import DateRange
from hourlyclicks.store.coverage import Month, Trouble, cover, cover_complete, freshness_of, is_complete
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, state_of
from tests.cli.filled_stores import LATER, LINK, answer, days, trouble

if TYPE_CHECKING:
    from hourlyclicks.store.coverage import Coverage

APRIL = DateRange.of("2025-04-01", "2025-04-30")


def mark(date: dt.date, *, final: bool = True) -> LedgerEntry:
    """Return the mark of a day that was answered."""
    return LedgerEntry(date, state_of(answer(date, final=final)), LATER, 1, 1)


def covered(
    marks: list[LedgerEntry], range_: DateRange | None = None, *, now: dt.datetime = LATER
) -> Coverage:
    """Return what is known of a link."""
    return cover(LINK, marks, range_, now=now, zone=dt.UTC)


def test_nothing_known_is_no_range() -> None:
    """A target without entries has no range, unless days were named: they are all missing."""
    assert covered([]).range is None
    assert covered([], APRIL).missing == (APRIL,)
    assert covered([], APRIL).months == {(2025, 4): Month(30, 0)}


def test_what_lies_between_known_days_is_missing() -> None:
    """Without a range, the days from the first known one to the last count."""
    known = [mark(day) for day in days("2025-04-01", 30) if day.day not in {3, 4, 9}]
    coverage = covered(known)
    assert coverage.range == APRIL
    assert coverage.missing == (
        DateRange.of("2025-04-03", "2025-04-04"),
        DateRange.of("2025-04-09", "2025-04-09"),
    )
    assert (coverage.missing_days, coverage.states[DayState.FINAL]) == (3, 27)


def test_a_range_may_be_wider_than_what_is_known() -> None:
    """Days before and after are missing, too, and months count as far as they are in the range."""
    coverage = covered(
        [mark(day) for day in days("2025-04-01", 30)], DateRange.of("2025-03-30", "2025-05-02")
    )
    assert [str(part) for part in coverage.missing] == ["2025-03-30..2025-03-31", "2025-05-01..2025-05-02"]
    assert coverage.months == {(2025, 3): Month(2, 0), (2025, 4): Month(30, 30), (2025, 5): Month(2, 0)}


def test_the_first_and_the_last_day_there_are() -> None:
    """The ends of the calendar are ordinary days."""
    everything = DateRange(dt.date.min, dt.date.max)
    coverage = covered([mark(dt.date.min), mark(dt.date.max)], everything)
    assert coverage.missing == (DateRange(dt.date(1, 1, 2), dt.date(9999, 12, 30)),)
    assert set(coverage.months) == {(year, month) for year in (1, 9999) for month in range(1, 13)}


def test_days_that_a_backfill_would_ask_for_again_are_stale() -> None:
    """They are stale an hour after their request, or once they can be final."""
    first, second = days("2025-06-01", 2)
    marks = [mark(first, final=False), mark(second, final=False)]
    assert covered(marks).stale == ()
    assert covered(marks, now=LATER + dt.timedelta(hours=1)).stale == (DateRange(first, second),)


def test_a_day_that_was_only_noted_is_missing() -> None:
    """Where a new target begins is known before its first request; that day has not failed."""
    noted = LedgerEntry(
        APRIL.start, DayState.FAILED, LATER, 0, reason=Failure("HourlyClicksError", "not yet")
    )
    coverage = covered([noted, mark(APRIL[1])])
    assert (coverage.range, coverage.missing) == (
        DateRange(APRIL[0], APRIL[1]),
        (DateRange(APRIL[0], APRIL[0]),),
    )
    assert (coverage.states, coverage.troubles) == (Counter(final=1), ())


def test_days_without_figures_are_grouped_by_their_reasons() -> None:
    """A range has one state and one failure, and no gap; such days are known, but not missing."""
    first = days("2025-04-01", 6)
    marks = [
        trouble(first[0]),
        trouble(first[1]),
        trouble(first[2], text="HTTP 502"),
        mark(first[3]),
        trouble(first[4], text="HTTP 502"),
        trouble(first[5], refused=True, text="no"),
    ]
    coverage = covered(marks)
    assert coverage.troubles == (
        Trouble(DateRange(first[0], first[1]), DayState.FAILED, "HTTP 500"),
        Trouble(DateRange(first[2], first[2]), DayState.FAILED, "HTTP 502"),
        Trouble(DateRange(first[4], first[4]), DayState.FAILED, "HTTP 502"),
        Trouble(DateRange(first[5], first[5]), DayState.REFUSED, "the API answered code 7: no"),
    )
    assert (coverage.missing, coverage.months) == ((), {(2025, 4): Month(6, 1)})


def test_what_a_wrong_clock_has_stamped_is_stale_or_failed() -> None:
    """An entry with a time in the future does not count, with a zone or without one."""
    first, second = days("2025-04-01", 2)
    ahead = [
        attrs.evolve(known, asked_at=LATER + dt.timedelta(days=1000))
        for known in (mark(first), trouble(second, refused=True, text="no"))
    ]
    for zone in (None, dt.UTC):
        coverage = cover(LINK, ahead, None, now=LATER, zone=zone)
        assert coverage.states == {DayState.PROVISIONAL: 1, DayState.FAILED: 1}
        assert coverage.stale == (DateRange(first, first),)
        assert [part.state for part in coverage.troubles] == [DayState.FAILED]


def test_the_zone_that_is_named_decides() -> None:
    """Without one the stored state counts."""
    evening = dt.datetime(2025, 4, 1, 20, tzinfo=dt.UTC)
    known = [attrs.evolve(mark(dt.date(2025, 4, 1)), asked_at=evening)]
    east = dt.timezone(dt.timedelta(hours=9))
    for zone, final in ((None, 1), (east, 1), (dt.UTC, 0)):
        coverage = cover(LINK, known, None, now=LATER, zone=zone)
        assert (coverage.states[DayState.FINAL], coverage.stale_days) == (final, 1 - final)


def rejected(date: dt.date, text: str = "no such link", code: int | None = 7) -> LedgerEntry:
    """Return the mark of a day that failed since the API, or a gateway, rejected it."""
    return LedgerEntry(date, DayState.FAILED, LATER, 1, reason=Failure("ApiError", text, code, 200))


def test_a_parked_target_is_known_by_its_days() -> None:
    """Five days that failed with the same rejection, and none with figures; anything less is not parked."""
    april = days("2025-04-01", 6)
    alike = [rejected(day, f"no such link on {day}") for day in april[:5]]
    assert covered(alike).parked == "the API answered code 7: no such link on 2025-04-01"
    assert covered([*alike, trouble(april[5])]).parked is not None
    gateway = covered([rejected(day, "404 page not found", None) for day in april]).parked
    assert gateway is not None
    assert "gateway" in gateway
    for others in (
        [*alike, mark(april[5])],
        alike[:4],
        [*alike[:4], rejected(april[4], code=8)],
        [*alike[:4], trouble(april[4], refused=True)],
        [trouble(day) for day in april],
    ):
        assert covered(others).parked is None


@pytest.mark.parametrize("zone", [None, dt.UTC])
@pytest.mark.parametrize("number", [1, 40, 800])
def test_numbers_are_enough_where_every_day_is_settled(number: int, zone: dt.tzinfo | None) -> None:
    """The coverage that is made of them is the one that is made of the days."""
    dates = days("2022-02-20", number)
    entries = [
        attrs.evolve(mark(date), state=DayState.EMPTY) if date.day == 3 else mark(date) for date in dates
    ]
    whole = DateRange(dates[0], dates[-1])
    states = Counter(freshness_of(LATER, zone).reader(LATER).state(each) for each in entries)
    assert is_complete(states, whole)
    assert cover_complete(LINK, states, whole) == cover(LINK, entries, whole, now=LATER, zone=zone)
    assert not is_complete(states, DateRange(whole.start, whole.end + dt.timedelta(days=1)))
    assert not is_complete(Counter({DayState.FINAL: number - 1, DayState.REFUSED: 1}), whole)
