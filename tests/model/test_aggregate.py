from __future__ import annotations

from array import array
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.aggregate import by_hour, by_weekday_hour, peak_index, running_mean

day_of_counts = st.lists(st.integers(0, 2**63 - 1), min_size=24, max_size=24)
days_of_counts = st.lists(day_of_counts, min_size=1, max_size=16)


def _flat(days: list[list[int]]) -> array[int]:
    return array("q", [count for day in days for count in day])


@given(days_of_counts)
def test_an_hour_of_the_day_adds_up_its_days(days: list[list[int]]) -> None:
    """Each of the 24 sums is that of its hour on every day, without an overflow."""
    assert tuple(map(sum, zip(*days, strict=True))) == by_hour(_flat(days))


@given(days_of_counts, st.integers(0, 6))
def test_an_hour_of_the_week_adds_up_its_weekdays(days: list[list[int]], first: int) -> None:
    """Each of the 7 x 24 sums is that of its hour on its weekday, whatever the first day."""
    expected = [[0] * 24 for _ in range(7)]
    for place, day in enumerate(days):
        for hour, count in enumerate(day):
            expected[(first + place) % 7][hour] += count
    assert tuple(map(tuple, expected)) == by_weekday_hour(_flat(days), first)


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=24, max_size=24))
def test_the_peak_is_the_first_of_the_most(counts: list[int | None]) -> None:
    """It is the earliest reported hour that no other exceeds; without a reported hour there is none."""
    known = [count for count in counts if count is not None]
    expected = counts.index(max(known)) if known else None
    cells = array("q", [count or 0 for count in counts])
    assert expected == peak_index(cells, bytearray(count is not None for count in counts))


def test_an_hour_that_was_not_reported_is_no_peak() -> None:
    """With zeros only, the first reported one is the peak, not the gap before it."""
    assert peak_index(array("q", [0, 0, 0]), bytearray([0, 1, 1])) == 1


@given(st.lists(st.none() | st.integers(0, 100)))
def test_the_running_mean_never_crosses_a_gap(counts: list[int | None]) -> None:
    """It is the mean of up to seven counts since the last gap, if there are four."""
    for place, mean in enumerate(running_mean(counts)):
        run: list[int] = []
        for count in reversed(counts[max(0, place - 6) : place + 1]):
            if count is None:
                break
            run.append(count)
        assert mean == (fmean(run) if len(run) >= 4 else None)
