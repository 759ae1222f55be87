"""What answers for ranges prove: on a server that shortens ranges, no day is taken for empty that is not."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.range_proof import RangeProof, shift_between
from hourlyclicks.simulator import RangeRules

if TYPE_CHECKING:
    from hourlyclicks.simulator.ranges import Excluded, Month, TooLong
    from hourlyclicks.simulator.rules import Cap

FIRST = dt.date(2025, 1, 1)
DAY = dt.timedelta(days=1)
YEAR = DateRange.of("2025-01-01", "2025-12-31")
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def days(*numbers: int) -> list[dt.date]:
    """Return days of January."""
    return [dt.date(2025, 1, number) for number in numbers]


def january(first: int, last: int) -> DateRange:
    """Return a range of days of January."""
    return DateRange(dt.date(2025, 1, first), dt.date(2025, 1, last))


def test_nothing_is_proved_at_first() -> None:
    """Only days between two days with rows are certain; without rows, no day is."""
    proof = RangeProof()
    assert proof.uncertain(january(1, 7), days(3, 5)) == days(1, 2, 6, 7)
    assert proof.uncertain(january(1, 3), []) == days(1, 2, 3)
    assert proof.after(january(1, 7), []) == proof


def test_a_dense_answer_proves_its_length() -> None:
    """After rows on both ends of a week, weeks without rows are empty, and longer ranges are uncertain."""
    proof = RangeProof().after(january(1, 7), days(1, 7))
    assert proof == RangeProof(7, 7, first_included=True, last_included=True)
    assert proof.uncertain(january(8, 14), []) == []
    assert proof.uncertain(january(8, 15), []) == days(8, 15)
    assert proof.uncertain(january(8, 21), days(8)) == days(*range(15, 22))
    assert proof.uncertain(january(8, 21), days(21)) == days(*range(8, 15))
    assert proof.uncertain(january(8, 15), days(8, 15)) == []


def test_one_day_with_clicks_is_enough() -> None:
    """A range that begins on it, and one that ends on it, prove their length for targets with few clicks."""
    proof = RangeProof().after(january(1, 14), days(1)).after(january(5, 18), days(18))
    assert proof == RangeProof(14, 14, first_included=True, last_included=True)
    assert proof.uncertain(january(18, 31), []) == []


def test_an_answer_proves_something_about_itself() -> None:
    """A range that was cut to a week shows a week, and the rest of it is uncertain."""
    assert RangeProof().uncertain(january(1, 31), days(*range(1, 8))) == days(*range(8, 32))
    assert RangeProof().uncertain(january(1, 31), days(*range(25, 32))) == days(*range(1, 25))


def test_an_end_that_is_left_out_stays_uncertain() -> None:
    """If the last day of a range never has rows, it is never empty, in ranges of any length."""
    proof = RangeProof().after(january(1, 14), days(*range(1, 14)))
    assert proof == RangeProof(13, 14, first_included=True)
    assert proof.uncertain(january(15, 20), days(17)) == days(20)
    assert proof.uncertain(january(20, 20), []) == days(20)


def test_a_start_that_is_left_out_stays_uncertain() -> None:
    """The same holds for the first day."""
    proof = RangeProof().after(january(1, 14), days(*range(2, 15)))
    assert proof == RangeProof(14, 13, last_included=True)
    assert proof.uncertain(january(15, 20), days(18)) == days(15)


def test_one_day_says_nothing_of_the_ends() -> None:
    """Rows of a single day prove neither end of longer ranges."""
    assert RangeProof().after(january(5, 5), days(5)) == RangeProof(1, 1)


def test_a_long_month_is_no_proof_for_a_short_one() -> None:
    """31 days in January do not prove 31 days from February on, which are more than a month."""
    proof = RangeProof().after(january(1, 31), days(1, 31))
    march = DateRange.of("2025-02-01", "2025-03-03")
    assert proof.uncertain(DateRange.of("2025-02-01", "2025-02-28"), []) == []
    assert proof.uncertain(march, []) == [
        *DateRange.of("2025-02-01", "2025-02-03"),
        *DateRange.of("2025-03-01", "2025-03-03"),
    ]


@st.composite
def rules(draw: st.DrawFn) -> RangeRules:
    """Draw a server that shortens ranges in any way."""
    too_long: TooLong = draw(st.sampled_from(["cut_end", "cut_start", "whole"]))
    month: Month = draw(st.sampled_from(["calendar", "30", "31"]))
    excludes: Excluded = draw(st.sampled_from(["nothing", "start", "end", "both"]))
    cap: Cap = draw(st.sampled_from(["month", 7, 14, 31]))
    return RangeRules(cap=cap, too_long=too_long, month=month, excludes=excludes)


@given(
    rules(),
    st.sampled_from([0.02, 0.5, 0.9, 1.0]),
    st.integers(0, 99),
    st.lists(st.tuples(st.integers(0, 330), st.integers(1, 33)), min_size=1, max_size=12),
)
def test_a_day_that_was_not_answered_for_is_never_certain(
    server: RangeRules,
    density: float,
    seed: int,
    asked: list[tuple[int, int]],
) -> None:
    """Whatever a server does, in any order of questions: certain days without rows were answered for."""
    source = random.Random(seed)
    clicks = {day for day in YEAR if source.random() < density}
    proof = RangeProof()
    for first, length in asked:
        question = DateRange(FIRST + first * DAY, FIRST + (first + length - 1) * DAY)
        covered = set(server.covered(question.start, question.end, "month") or ())
        answered = clicks & covered
        certain = set(question) - set(proof.uncertain(question, answered))
        assert certain <= covered
        proof = proof.after(question, answered)


@given(rules(), st.lists(st.integers(0, 300), min_size=1, max_size=6))
def test_a_proof_does_not_depend_on_the_order(server: RangeRules, firsts: list[int]) -> None:
    """Answers in another order prove the same."""

    def proved(order: list[int]) -> RangeProof:
        proof = RangeProof()
        for first in order:
            asked = DateRange(FIRST + first * DAY, FIRST + (first + 30) * DAY)
            covered = server.covered(asked.start, asked.end, "month")
            proof = proof.after(asked, [day for day in covered or () if day.day % 3])
        return proof

    assert proved(firsts) == proved(firsts[::-1]) == proved(firsts + firsts)


def day_of(cells: list[int | None], number: int) -> DayClicks:
    """Return a day of a list of hours."""
    figures = tuple(cells[24 * number : 24 * number + 24])
    return DayClicks(FIRST + number * DAY, figures, figures, NOON, final=True)


@given(st.permutations(range(120)), st.integers(-24, 24))
def test_a_shift_is_found(figures: list[int], hours: int) -> None:
    """Figures that are so many hours later are found as that, over midnight too."""
    cells: list[int | None] = [*figures]
    shifted = cells[-hours:] + cells[:-hours] if hours else cells
    others = {day.date: day for day in (day_of(shifted, number) for number in (1, 2, 3))}
    assert shift_between(day_of(cells, 2), others) == hours


@pytest.mark.parametrize("missing", [False, True])
def test_other_figures_are_no_shift(missing: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A day with one figure more, or one that is missing, differs."""
    own = day_of([1, None, *[5] * 22], 0)
    other = day_of([1, 2, *[5] * 22], 0)
    assert shift_between(own, {} if missing else {other.date: other}) is None
    assert shift_between(own, {own.date: own}) == 0


def test_ranges_that_are_answered_for_as_a_whole() -> None:
    """They are as long as the shorter reach, once both ends were seen to be included."""
    week = DateRange.of("2024-03-01", "2024-03-07")
    begins = RangeProof().after(week, [week.start, week[4]])
    assert (begins.reach, begins.whole) == (5, 0)
    both = begins.after(week, [week[2], week.end])
    assert (both.reach, both.whole) == (7, 7)
    assert both.uncertain(week, []) == []
    assert begins.uncertain(week, []) != []
