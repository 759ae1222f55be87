"""The machine's clocks."""

from __future__ import annotations

import datetime as dt
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.clock import SECOND, SystemClock

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
HUNDREDTH = 10_000
"""Microseconds in a hundredth of a second."""


@given(st.integers(0, 8_000_000_000 * SECOND))
def test_the_wall_clock_is_in_hundredths_of_a_second(nanoseconds: int) -> None:
    """Every moment until 2223 is cut off, never rounded up: no time stamp is in the future."""
    with mock.patch("hourlyclicks.clock._time_ns", return_value=nanoseconds):
        moment = SystemClock().wall()
    hundredths, rest = divmod((moment - EPOCH) // dt.timedelta.resolution, HUNDREDTH)
    assert (hundredths, rest) == (nanoseconds // (HUNDREDTH * 1000), 0)
