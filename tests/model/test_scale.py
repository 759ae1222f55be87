from __future__ import annotations

import math
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.scale import BLUES, SHADES, scale_end, shade

HOURS = st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=300)


@given(HOURS)
def test_the_scale_ends_at_a_percentile(hours: list[tuple[int, bool]]) -> None:
    """It is that of the reported hours, or of those with clicks if that is 0."""
    known = [count for count, mark in hours if mark]
    expected = percentile(known) or percentile([count for count in known if count])
    assert scale_end([count for count, _ in hours], [mark for _, mark in hours]) == expected


def percentile(counts: list[int]) -> int:
    """Return what the standard library makes of it, from 201 counts on."""
    if len(counts) <= 200:
        return max(counts, default=0)
    return math.ceil(statistics.quantiles(counts, n=200, method="inclusive")[-1])


def test_the_scale_of_a_day_ends_at_its_busiest_hour() -> None:
    """No hour of a day or a week is darker than the scale says."""
    assert scale_end([*range(23), 1000], [1] * 24) == 1000
    assert scale_end([*range(167), 9999], [1] * 168) == 9999


def test_a_burst_does_not_pale_a_year() -> None:
    """Forty hours of a year, however busy, leave the scale of the others as it is."""
    assert scale_end([100] * 8720 + [10**6] * 40, [1] * 8760) == 100
    assert scale_end([0] * 8759 + [7], [1] * 8760) == 7


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_more_clicks_are_never_paler(few: int, many: int, end: int) -> None:
    """Shades grow with the clicks, from 0 for none to the darkest at the end of the scale."""
    few, many = sorted((few, many))
    assert 0 <= shade(few, end) <= shade(many, end) < SHADES
    assert (shade(0, end), shade(end, end)) == (0, SHADES - 1)


@pytest.mark.parametrize(
    ("count", "expected"), [(0, 0), (1, 1), (3, 1), (4, 2), (15, 3), (16, 4), (49, 7), (10**9, 7)]
)
def test_shades_grow_with_the_square_root(count: int, expected: int) -> None:
    """Each shade begins at the square of its number, on a scale to 64."""
    assert shade(count, 64) == expected


def test_no_clicks_at_all_are_the_palest() -> None:
    """A scale of nothing has one shade."""
    assert scale_end([0, 0], [1, 1]) == scale_end([], []) == scale_end([9], [0]) == 0
    assert shade(0, 0) == 0


def test_the_shades_are_in_order() -> None:
    """Each is darker than the one before it."""
    lightness = [sum(bytes.fromhex(colour[1:])) for colour in BLUES]
    assert len(BLUES) == SHADES
    assert all(before > after for before, after in pairwise(lightness))
