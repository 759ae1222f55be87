"""Tables with a row for each day, week or month, made of hours.

They have no unique users: a person who clicks in two hours is counted in both, so hours do not add up to a
day. Instead, columns tell how many days were fetched and how many hours reported.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from hourlyclicks.errors import UsageError
from hourlyclicks.model.day import HOURS, HourStatus
from hourlyclicks.model.frames.hours import CLICKS, DATE, FINALITY, STATUS, STATUSES, TARGET
from hourlyclicks.model.frames.table import Column, Field, Kind, Table
from hourlyclicks.model.frames.wall_clock import EPOCH_DAY
from hourlyclicks.model.series import HourlySeries

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

_LARGEST = 2**63 - 1
_DAYS = Field("days", Kind.COUNT)
_FETCHED_DAYS = Field("fetched_days", Kind.COUNT)
_REPORTED_HOURS = Field("reported_hours", Kind.COUNT)
_HOURS = tuple([Field(f"h{hour:02}", Kind.COUNT) for hour in range(HOURS)])

PERIOD_FIELDS = (TARGET, DATE, CLICKS, _DAYS, _FETCHED_DAYS, _REPORTED_HOURS, FINALITY)
"""The columns of a table of days, weeks or months."""

WIDE_FIELDS = (TARGET, DATE, *_HOURS, STATUS, FINALITY)
"""The columns of a table of days with their hours."""


def period_table(series: HourlySeries, period: str) -> Table:
    """Return a table with a row for each ``"day"``, ``"week"`` or ``"month"``, as in `PeriodClicks`.

    Raises:
        UsageError: a sum is too large for a column of 64 bits.
    """
    sums = _SUMS[period](series)
    clicks = [each.clicks or 0 for each in sums]
    if max(clicks) > _LARGEST:
        raise UsageError(f"the clicks of a {period} of {series.target} do not fit into a column: take hours")
    return Table(
        (
            _target(series, len(sums)),
            _dates(each.start for each in sums),
            Column(
                CLICKS,
                array("q", clicks),
                bytes([each.clicks is not None for each in sums]),
            ),
            Column(_DAYS, array("q", [each.days for each in sums])),
            Column(_FETCHED_DAYS, array("q", [each.fetched_days for each in sums])),
            Column(_REPORTED_HOURS, array("q", [each.reported_hours for each in sums])),
            Column(FINALITY, bytes([each.final for each in sums])),
        )
    )


def wide_table(series: HourlySeries) -> Table:
    """Return a table with a row for each day, with the clicks of its hours.

    The status is ``reported`` if any hour of the day is, and it has no finality if it was not fetched.
    """
    clicks, reported = array("q", series.clicks.zero_filled.tobytes()), bytes(series.reported)
    missing, provisional = set(series.missing_days), set(series.provisional_days)
    fetched = bytes([date not in missing for date in series.range])
    final = bytes([date not in missing and date not in provisional for date in series.range])
    days = [reported[first : first + HOURS] for first in range(0, len(reported), HOURS)]
    statuses = [
        HourStatus.NOT_FETCHED if not known else HourStatus.REPORTED if any(day) else HourStatus.NOT_REPORTED
        for known, day in zip(fetched, days, strict=True)
    ]
    return Table(
        (
            _target(series, len(days)),
            _dates(series.range),
            *[Column(field, clicks[hour::HOURS], reported[hour::HOURS]) for hour, field in enumerate(_HOURS)],
            Column(STATUS, bytes([STATUSES.index(status) for status in statuses]), labels=STATUSES),
            Column(FINALITY, final, fetched),
        )
    )


def _target(series: HourlySeries, rows: int) -> Column:
    return Column(TARGET, bytes(rows), labels=(str(series.target),))


def _dates(dates: Iterable[dt.date]) -> Column:
    return Column(DATE, array("i", [date.toordinal() - EPOCH_DAY for date in dates]))


_SUMS = {
    "day": HourlySeries.clicks_by_day,
    "week": HourlySeries.clicks_by_week,
    "month": HourlySeries.clicks_by_month,
}
