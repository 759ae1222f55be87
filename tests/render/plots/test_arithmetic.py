"""The numbers in the pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.render.plots import arithmetic
from tests.render.plots.pictures import series

if TYPE_CHECKING:
    from hourlyclicks.render.plots.arithmetic import Numbers

NAN = math.nan
VALUES = st.lists(st.one_of(st.just(NAN), st.integers(0, 1000).map(float)), min_size=1, max_size=40)


def spelled_out(values: list[float], place: int) -> float:
    """Return the mean of a day and up to six before it, back to the last gap; NaN of fewer than four."""
    window = []
    for value in reversed(values[max(0, place - 6) : place + 1]):
        if math.isnan(value):
            break
        window.append(value)
    return sum(window) / len(window) if len(window) >= 4 else NAN


@given(VALUES)
def test_a_moving_mean_needs_four_days_and_crosses_no_gap(values: list[float]) -> None:
    """Each mean is that of at most seven days without a gap, of which the day is the last."""
    expected = [spelled_out(values, place) for place in range(len(values))]
    np.testing.assert_allclose(arithmetic.moving_mean(np.array(values)), expected)


def test_the_first_days_after_a_gap_have_no_mean() -> None:
    """Three days are too few, and days before the gap do not help."""
    values = np.array([10.0] * 7 + [NAN] + [20.0] * 4)
    means = arithmetic.moving_mean(values)
    np.testing.assert_array_equal(means[3:], [10, 10, 10, 10, NAN, NAN, NAN, NAN, 20])


def test_one_burst_does_not_stretch_the_scale() -> None:
    """The scale ends at the 99.5th percentile, far below a single burst."""
    counts = np.array([float(value % 100) for value in range(8760)])
    counts[17] = 1_000_000
    assert arithmetic.scale_end(counts) == math.ceil(np.percentile(counts, 99.5)) == 99


@pytest.mark.parametrize(
    ("counts", "end"),
    [([NAN, NAN], 0), ([0, 0, NAN], 0), ([0.0] * 999 + [7], 7), ([5], 5), ([NAN, 3, 3], 3)],
)
def test_the_scale_of_few_counts(counts: list[float], end: float) -> None:
    """Hours without figures do not count; a rare click is not beyond the scale; 0 stands for none."""
    assert arithmetic.scale_end(np.array(counts)) == end


def test_unreported_hours_are_no_zeros() -> None:
    """A mean divides by the hours that were reported, and a day without any has no sum."""
    drawn = series(15, lambda day, _: None if day == 7 else 10 * (day + 1), missing=[3])
    hours = arithmetic.hourly(drawn)
    weekday = drawn.range.start.weekday()
    days = arithmetic.daily(hours)
    assert math.isnan(days[7])
    assert math.isnan(days[3])
    assert days[0] == 240
    assert arithmetic.week(hours, weekday)[weekday, 0] == (10 + 150) / 2
    assert arithmetic.weekdays(days, weekday)[weekday] == (240 + 3600) / 2


@given(st.integers(1, 30), st.integers(0, 6), st.data())
def test_the_week_has_every_reported_hour_once(days: int, first: int, data: st.DataObject) -> None:
    """Multiplied by their numbers, the means of the week are the sum of all reported hours."""
    flat = data.draw(st.lists(st.one_of(st.just(NAN), st.integers(0, 99)), min_size=days, max_size=days))
    hours: Numbers = np.repeat(np.array(flat, dtype=float)[:, None], 24, axis=1)
    numbers = arithmetic.week(np.where(np.isnan(hours), NAN, 1.0), first)
    assert np.nanmax(numbers, initial=1) == 1
    places = [(first + day) % 7 for day in range(days)]
    known = [
        np.sum([not math.isnan(flat[day]) for day in range(days) if places[day] == weekday])
        for weekday in range(7)
    ]
    means = np.nan_to_num(arithmetic.week(hours, first))
    assert (means.sum(axis=1) * known).sum() == pytest.approx(np.nansum(hours))


def test_unique_users_are_those_of_the_hour_with_the_most_clicks() -> None:
    """They are not added up, other hours may have more of them, and a day without figures has none."""
    drawn = series(3, lambda day, hour: None if day == 1 else (103 if hour == 5 else hour))
    np.testing.assert_array_equal(arithmetic.users_of_busiest_hour(drawn), [3, NAN, 3])


def test_parts_are_percent_of_a_week() -> None:
    """They add up to 100, unless there are no clicks."""
    means = np.array([[1.0, 3.0], [NAN, 4.0]])
    np.testing.assert_allclose(arithmetic.shares(means), [[12.5, 37.5], [NAN, 50]])
    np.testing.assert_array_equal(arithmetic.shares(means * 0), [[0, 0], [NAN, 0]])


def test_a_weekday_was_never_fetched_only_if_all_its_days_are_missing() -> None:
    """A range shorter than a week has weekdays without any day."""
    missing = np.array([True, False, True, False, False, False, False, True, True])
    assert arithmetic.never_fetched(missing, 2).tolist() == [False, False, True, False, True, False, False]
    assert arithmetic.never_fetched(np.array([False]), 6).tolist() == [True] * 6 + [False]
