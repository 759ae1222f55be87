"""The table of hours: one row for each hour of a range, 24 a day, whatever the clocks did on it."""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import TYPE_CHECKING

from hourlyclicks.model.columns import FINAL, MISSING, Columns
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import HOURS, HourStatus
from hourlyclicks.model.frames.table import Column, Field, Kind, Table
from hourlyclicks.model.frames.tabular import HourlyTabular
from hourlyclicks.model.frames.wall_clock import EPOCH_DAY, hour_starts

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.frames.table import Values

TARGET = Field("target", Kind.TEXT)
DATE = Field("date", Kind.DATE)
CLICKS = Field("clicks", Kind.COUNT)
UNIQUE_USERS = Field("unique_users", Kind.COUNT)
STATUS = Field("status", Kind.TEXT)
FINALITY = Field("final", Kind.FLAG)
FETCHED_AT = Field("fetched_at", Kind.MOMENT)
_HOUR = Field("hour", Kind.HOUR)

STATUSES = tuple(status.value for status in HourStatus)
"""The labels of the column ``status``."""

_REPORTED, _NOT_REPORTED, _NOT_FETCHED = range(3)
_STATUS_OF = bytes([_NOT_REPORTED, _REPORTED, _NOT_FETCHED]) + bytes(253)
_IS_MISSING = bytes([state == MISSING for state in range(256)])
_IS_KNOWN = bytes([state != MISSING for state in range(256)])
_IS_FINAL = bytes([state == FINAL for state in range(256)])


def hourly_fields(zone: dt.tzinfo | None, *, with_target: bool = True) -> tuple[Field, ...]:
    """Return the columns of a table of hours.

    Args:
        zone: the time zone of the column ``time``; ``None``: the table has no such column.
        with_target: whether the table has a column for the target.
    """
    target = (TARGET,) if with_target else ()
    time = () if zone is None else (Field("time", Kind.TIME, zone),)
    return (*target, DATE, _HOUR, *time, CLICKS, UNIQUE_USERS, STATUS, FINALITY, FETCHED_AT)


def hourly_table(target: object, days: DateRange, columns: Columns, zone: dt.tzinfo | None) -> Table:
    """Return the table of the hours of a range; the counts are not copied.

    Args:
        target: what was counted; ``None``: there is no such column.
        days: the range.
        columns: its figures.
        zone: as for `hourly_fields`.
    """
    known = _a_day(columns.states.translate(_IS_KNOWN))
    values: dict[str, tuple[Values, bytes | bytearray | None]] = {
        "target": (bytes(len(columns.reported)), None),
        "date": (_dates(days), None),
        "hour": (bytes(range(HOURS)) * len(days), None),
        "clicks": (columns.clicks, columns.reported),
        "unique_users": (columns.unique_users, columns.reported),
        "status": (_statuses(columns), None),
        "final": (_a_day(columns.states.translate(_IS_FINAL)), known),
        "fetched_at": (_a_day_of(columns.fetched), known),
    }
    if zone is not None:
        values["time"] = hour_starts(days, zone)
    labels = {"target": (str(target),), "status": STATUSES}
    fields = hourly_fields(zone, with_target=target is not None)
    return Table(tuple([Column(field, *values[field.name], labels.get(field.name, ())) for field in fields]))


def day_table(day: DayClicks, zone: dt.tzinfo | None) -> Table:
    """Return the table of the hours of one day, without a target.

    Args:
        day: the day.
        zone: as for `hourly_fields`.
    """
    return hourly_table(None, DateRange(day.date, day.date), Columns.of(day), zone)


class NoHours(HourlyTabular):
    """A table of hours without rows, for the types of its columns."""

    __slots__ = ()

    def _fields(self, zone: dt.tzinfo | None = None) -> tuple[Field, ...]:
        return hourly_fields(zone)

    def _table(self, zone: dt.tzinfo | None = None) -> Table:
        fields = hourly_fields(zone)
        return Table(
            tuple([Column(each, array("q"), b"", STATUSES if each is STATUS else ()) for each in fields])
        )


def _statuses(columns: Columns) -> bytes:
    """Return the index of the status of each hour."""
    missing = _a_day(columns.states.translate(_IS_MISSING))
    size = len(missing)
    # An hour is reported (1) or missing (2), never both, so these bytes are added as two large integers.
    both = int.from_bytes(columns.reported, "little") + 2 * int.from_bytes(missing, "little")
    return both.to_bytes(size, "little").translate(_STATUS_OF)


@lru_cache(maxsize=2)  # all targets of a scan have the same days
def _dates(days: DateRange) -> array[int]:
    first = days.start.toordinal() - EPOCH_DAY
    return _a_day_of(array("i", range(first, first + len(days))))


def _a_day(values: bytes | bytearray) -> bytearray:
    """Repeat the byte of each day for its hours."""
    hours = bytearray(HOURS * len(values))
    for hour in range(HOURS):
        hours[hour::HOURS] = values
    return hours


def _a_day_of(values: array[int]) -> array[int]:
    """Repeat the number of each day for its hours."""
    hours = array(values.typecode, [0]) * (HOURS * len(values))
    for hour in range(HOURS):
        hours[hour::HOURS] = values
    return hours
