import datetime as dt
import itertools
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.columns import FINAL, MISSING, PROVISIONAL, Columns
from hourlyclicks.model.day import DayClicks
from tests.model.strategies import FIRST, NOON, a_day, days

SECOND = dt.timedelta(seconds=1)
answers = st.lists(days(st.just(FIRST)), min_size=1, max_size=4)


def _best(taken: list[DayClicks]) -> DayClicks:
    """Add answers for one day one after the other."""
    columns = Columns.blank(1)
    for day in taken:
        columns.improve(0, Columns.of(day), 0)
    return columns.get(0, FIRST)


@given(days(st.just(FIRST)), st.integers(0, 4))
def test_a_day_comes_out_as_it_went_in(day: DayClicks, place: int) -> None:
    """Counts, gaps, the state and the microsecond of fetching are kept, and no neighbour is changed."""
    columns = Columns.blank(5)
    columns.put(place, day)
    assert day == columns.get(place, FIRST)
    others = [i for i in range(5) if i != place]
    assert all(Columns.blank(1) == columns.part(i, i + 1) for i in others)


@given(days(st.just(FIRST)))
def test_a_gap_holds_zeros_under_a_mark_of_zero(day: DayClicks) -> None:
    """The mark, not the count, says that an hour was not reported."""
    columns = Columns.of(day)
    assert [count is not None for count in day.clicks] == [bool(mark) for mark in columns.reported]
    assert [count or 0 for count in day.clicks] == columns.clicks.tolist()
    assert [count or 0 for count in day.unique_users] == columns.unique_users.tolist()


@pytest.mark.parametrize("text", ["0001-01-01", "1969-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"])
def test_any_moment_of_fetching_is_kept(text: str) -> None:
    """The first and last possible microsecond, and one before 1970, are kept exactly."""
    at = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    assert at == Columns.of(a_day(FIRST, at=at)).get(0, FIRST).fetched_at


@given(answers)
def test_the_best_answer_does_not_depend_on_the_order(taken: list[DayClicks]) -> None:
    """In any order the same answer is kept, unchanged."""
    kept = {_best(list(order)) for order in itertools.permutations(taken)}
    assert len(kept) == 1
    assert kept <= set(taken)


@given(answers)
def test_final_beats_provisional_and_later_beats_earlier(taken: list[DayClicks]) -> None:
    """The kept answer has the best state and, of those, the latest time."""
    kept = _best(taken)
    assert max((day.final, day.fetched_at) for day in taken) == (kept.final, kept.fetched_at)


def test_a_late_provisional_answer_does_not_replace_a_final_one() -> None:
    """Only the state counts between the two."""
    final, late = a_day(FIRST, 1, final=True), a_day(FIRST, 9, final=False, at=NOON + SECOND)
    assert final == _best([final, late]) == _best([late, final])


def test_a_late_correction_is_taken() -> None:
    """Of two final answers the later one is kept, even with fewer hours."""
    early, late = a_day(FIRST, 9), a_day(FIRST, None, at=NOON + SECOND)
    assert late == _best([early, late]) == _best([late, early])


def test_missing_days_improve_nothing() -> None:
    """A missing day never replaces an answer."""
    columns, blank = Columns.of(a_day(FIRST)), Columns.blank(1)
    columns.absorb(blank, 0)
    columns.improve(0, blank, 0)
    blank.improve(0, Columns.blank(1), 0)
    assert [columns.states[0], blank.states[0]] == [FINAL, MISSING]
    assert Columns.of(a_day(FIRST)) == columns


@given(days(st.just(FIRST)), days(st.just(FIRST)))
def test_same_knowledge_leaves_out_the_moment(one: DayClicks, other: DayClicks) -> None:
    """Two answers are equal when counts, gaps and state agree."""
    same = (one.clicks, one.unique_users, one.final) == (other.clicks, other.unique_users, other.final)
    assert same == Columns.of(one).same_knowledge(Columns.of(other))


@pytest.mark.parametrize("count", [2**63, -(2**63) - 1, 1.5, "7"])
@pytest.mark.parametrize("gap", [0, None])
def test_what_is_no_count_is_refused_and_leaves_no_trace(count: int, gap: int | None) -> None:
    """A count that is no integer of 64 bits is a usage error, in either column, and nothing is written."""
    good, bad = (gap,) + (0,) * 23, (gap,) + (0,) * 22 + (count,)
    columns = Columns.blank(1)
    for clicks, users in ((good, bad), (bad, good)):
        with pytest.raises(UsageError, match="a count of 2024-02-25 is no integer of 64 bits"):
            columns.put(0, DayClicks(FIRST, clicks, users, NOON, final=True))
    assert Columns.blank(1) == columns


def test_a_count_that_breaks_leaves_no_trace() -> None:
    """An exception in the middle of a day is raised, and nothing of the day is kept."""

    class Broken:
        def __index__(self) -> int:
            raise ValueError("no number today")

    counts: tuple[Any, ...] = (*(7,) * 20, Broken(), *(7,) * 3)
    columns = Columns.blank(1)
    with pytest.raises(ValueError, match="no number today"):
        columns.put(0, DayClicks(FIRST, counts, counts, NOON, final=True))
    assert Columns.blank(1) == columns


def test_clicks_and_users_are_reported_together() -> None:
    """An hour with clicks but no unique users, or the reverse, is a usage error, and nothing is written."""
    one, other = (None,) + (0,) * 23, (0,) * 24
    columns = Columns.blank(1)
    for clicks, users in ((one, other), (other, one), (one, one[::-1])):
        with pytest.raises(UsageError, match="2024-02-25 reports clicks and unique users of different hours"):
            columns.put(0, DayClicks(FIRST, clicks, users, NOON, final=True))
    assert Columns.blank(1) == columns


def test_a_better_state_is_a_greater_number() -> None:
    """The states are ordered: a final day is greater than a provisional one."""
    assert MISSING < PROVISIONAL < FINAL


def test_an_hour_takes_17_bytes_and_a_day_9_more() -> None:
    """Ten years take at most 17.4 bytes an hour, all columns together."""
    size = sum(map(sys.getsizeof, Columns.blank(3653)))
    assert size / (3653 * 24) <= 17.4
