"""Clicks by date: the sum of each day of a range, with the unique users of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.wire.decode import decode_with
from hourlyclicks.wire.envelope import rows_of
from hourlyclicks.wire.range_endpoint import RangeEndpoint
from hourlyclicks.wire.rows import careful_sums

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.http import Response
    from hourlyclicks.wire.key import ApiKey


def _decode_sums(
    days: DateRange,
    response: Response,
    *,
    fetched_at: dt.datetime,
    is_final: Callable[[dt.date, dt.datetime], bool],
    key: ApiKey | None = None,
) -> tuple[DailyClicks, ...]:
    """Return the days that have a row."""
    sums = decode_with(lambda document: careful_sums(rows_of(document), days), response, key=key)
    return tuple(DailyClicks(day, *sums[day], fetched_at, is_final(day, fetched_at)) for day in sums)


CLICKS_BY_DATE: Final = RangeEndpoint("clicks-by-date/v2", "/api/statistics/v2/clicks-by-date", _decode_sums)
