"""Days far above all others, beyond the end of an axis."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.bursts import Burst, axis_end, bursts, labelled

COUNTS = st.lists(st.none() | st.integers(0, 10**6), max_size=200)


@pytest.mark.parametrize(
    ("counts", "end"),
    [
        ([], 0),
        ([0] * 100, 0),
        ([7], 7),
        ([*range(100, 130), 9_000], 9_000),  # a month: all of it is shown
        ([*range(100, 463), 9_000, 9_500], 462),  # two days of a year
        ([*range(100, 463), 600, 9_500], 600),  # one of them is no burst
        ([100] * 357 + [900] * 8, 900),  # more than 2 days of 100: that is usual
        ([100] * 364 + [300], 300),  # not far enough
        ([0] * 364 + [5], 5),  # nearly all days are without clicks
    ],
)
def test_an_axis_ends_below_bursts(counts: list[float], end: float) -> None:
    """Only few days, far above all others, are beyond the end."""
    assert axis_end(counts) == end


@given(COUNTS)
def test_few_days_are_beyond_and_none_is_lost(counts: list[int | None]) -> None:
    """At most one in 50, each in one burst, and none where the axis ends at the greatest count."""
    known = [count for count in counts if count is not None]
    end = axis_end(known)
    found = list(bursts(counts, end))
    beyond = {place for place, count in enumerate(counts) if count is not None and count > end}
    assert [place for each in found for place in range(each.first, each.last + 1)] == sorted(beyond)
    assert len(beyond) <= len(known) // 50
    for each in found:
        assert each.most == max(counts[place] or 0 for place in range(each.first, each.last + 1))
        assert each.most > 1.5 * end


def test_days_that_are_not_known_part_bursts() -> None:
    """Neither ``None`` nor NaN is beyond anything."""
    assert list(bursts([9, 8, None, 9, 1, math.nan, 7], 5)) == [
        Burst(0, 1, 9),
        Burst(3, 3, 9),
        Burst(6, 6, 7),
    ]


def test_labels_do_not_touch() -> None:
    """The greatest has one, and others only where there is room."""
    found = [Burst(0, 0, 5), Burst(3, 4, 9), Burst(20, 20, 7)]
    assert labelled(found, 10) == [found[1], found[2]]
    assert labelled(found, 1) == [found[1], found[2], found[0]]
