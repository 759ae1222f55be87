"""Clicks by hour, version 3 of the API: the hours of a range of days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hourlyclicks.wire.decode import decode_days
from hourlyclicks.wire.range_endpoint import RangeEndpoint

if TYPE_CHECKING:
    from hourlyclicks.model.day import DayClicks

CLICKS_BY_RANGE: Final[RangeEndpoint[DayClicks]] = RangeEndpoint(
    "clicks-by-hour/v3", "/api/statistics/v3/clicks-by-hour", decode_days
)
