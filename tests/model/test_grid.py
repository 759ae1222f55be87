"""The counts of a series as a table of days and hours."""

from __future__ import annotations

import array
import datetime as dt
import math
import statistics
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Account
from tests.model.strategies import FIRST, a_day, series

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.model.series import HourlySeries

TWO_DAYS = merge_days(DateRange(FIRST, FIRST + dt.timedelta(days=1)), [a_day(FIRST, 9)], target=Account())
FIRST_DAY = (9, *[0] * 11, *[None] * 12)


def test_a_grid_is_a_sequence_of_days() -> None:
    """Days, hours and slices can be taken, from either end; unknown hours are None."""
    grid = TWO_DAYS.clicks
    assert (len(grid), grid.shape) == (2, (2, 24))
    assert list(grid) == [FIRST_DAY, (None,) * 24]
    assert grid[0] == grid[-2] == FIRST_DAY
    assert grid[:1] == (FIRST_DAY,)
    assert (grid[0, 0], grid[-2, 11], grid[0, 12], grid[1, -1]) == (9, 0, None, None)
    assert grid.tolist() == [list(FIRST_DAY), [None] * 24]
    assert grid == TWO_DAYS.clicks == TWO_DAYS.unique_users
    assert grid != TWO_DAYS.clicks.tolist()
    assert repr(grid) == "<Grid of 2 x 24 counts, 12 of them known>"


@pytest.mark.parametrize("key", [2, -3, (0, 24), (0, -25), (2, 0)])
def test_what_is_not_there_is_an_error(key: Any) -> None:  # noqa: ANN401 - of either kind
    """Indices beyond the days or the hours of a day are errors."""
    with pytest.raises(IndexError):
        TWO_DAYS.clicks[key]


@pytest.mark.parametrize(
    "take",
    [memoryview, bytes, sum, statistics.mean, lambda grid: array.array("q", grid), lambda grid: 0 in grid[1]],
)
def test_nothing_takes_a_gap_for_a_zero(take: Callable[[Any], object]) -> None:
    """A type that has no value for a gap gets no figures."""
    try:
        assert take(TWO_DAYS.clicks) is False
    except TypeError:
        return


def test_the_zeros_have_a_name() -> None:
    """`zero_filled` is the memory without a copy, with a 0 in each gap."""
    filled = TWO_DAYS.clicks.zero_filled
    assert (filled.format, filled.shape, filled.readonly, filled.c_contiguous) == ("q", (2, 24), True, True)
    nested: object = filled.tolist()
    assert nested == [[9] + [0] * 23, [0] * 24]


def test_numpy_gets_nan_for_a_gap() -> None:
    """A mean over an array is that of the reported hours, or NaN."""
    np = pytest.importorskip("numpy")
    for made in (
        np.asarray(TWO_DAYS.clicks),
        np.array(TWO_DAYS.clicks),
        np.array(TWO_DAYS.clicks, copy=True),
    ):
        assert (made.dtype, made.shape) == (np.float64, (2, 24))
        assert np.isnan(made.mean())
        assert np.nanmean(made) == 9 / 12
    assert np.isnan(np.mean(TWO_DAYS.clicks))
    assert np.isnan(np.sum(TWO_DAYS.unique_users))
    assert np.asarray(TWO_DAYS.clicks, dtype="f4").dtype == np.float32
    assert np.asarray(TWO_DAYS.clicks, dtype=object)[1, 3] is None


@pytest.mark.parametrize("dtype", [int, "i4", "u8", bool, "datetime64[s]", "S5"])
def test_a_gap_is_no_integer(dtype: object) -> None:
    """An integer array with gaps is an error; without gaps it is returned."""
    np = pytest.importorskip("numpy")
    with pytest.raises(ValueError, match="has no value for a count that is not known"):
        np.asarray(TWO_DAYS.clicks, dtype=dtype)


def test_known_hours_are_integers_if_wanted() -> None:
    """They are exact to the last digit."""
    np = pytest.importorskip("numpy")
    large = 2**63 - 1
    day = a_day(FIRST)
    day = type(day)(FIRST, (large,) * 24, (0,) * 24, day.fetched_at, final=True)
    known = merge_days(DateRange(FIRST, FIRST), [day], target=Account())
    assert np.asarray(known.clicks, dtype=int).tolist() == [[large] * 24]
    assert np.asarray(known.unique_users, dtype=bool).tolist() == [[False] * 24]


def test_an_array_is_a_copy() -> None:
    """It can be written to without changing the series; without a copy there is no array."""
    np = pytest.importorskip("numpy")
    np.asarray(TWO_DAYS.clicks)[0, 0] = 7
    assert TWO_DAYS.clicks[0, 0] == 9
    with pytest.raises(ValueError, match="zero_filled"):
        np.asarray(TWO_DAYS.clicks, copy=False)
    assert not np.asarray(TWO_DAYS.clicks.zero_filled).flags.writeable


@given(series())
def test_an_array_says_what_the_series_says(known: HourlySeries) -> None:
    """Each cell of the array is that of the series."""
    np = pytest.importorskip("numpy")
    made = np.asarray(known.clicks)
    for hour, count in zip(known, made.flat, strict=True):
        assert math.isnan(count) if hour.clicks is None else count == float(hour.clicks)
    assert np.isnan(made).tolist() == (np.asarray(known.reported) == 0).tolist()
