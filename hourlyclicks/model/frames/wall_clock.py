"""When the hours of a wall clock began.

The API numbers the hours of a day 0 to 23, also on the days when clocks change. The start of an hour is the
first moment at which the clock of the zone shows this date and hour:

* An hour that the clock repeats starts at its first occurrence, so the second occurrence has no row.
* An hour that the clock skips has no start. Samoa skipped the 24 hours of 2011-12-30.
* Where the clock skips only the beginning of an hour, as by 30 minutes on Lord Howe Island, the hour starts
  with the minute that the clock shows next.

The hours of a day without a change are all found by the offset of the first one, after a look at all of them.
"""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.errors import UsageError
from hourlyclicks.model.day import HOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.model.dates import DateRange

EPOCH_DAY = dt.date(1970, 1, 1).toordinal()

_HOUR, _DAY = 3_600, 86_400
_DAYS = 8_192
"""Days that are remembered, 22 years; about 1 MB."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Starts(NamedTuple):
    """The start of each hour.

    Args:
        seconds: since 1970, in UTC; 0 for an hour that was skipped.
        known: 0 for an hour that was skipped, else 1.
    """

    seconds: array[int]
    known: bytearray


@lru_cache(maxsize=2)  # all targets of a scan have the same hours
def hour_starts(days: DateRange, zone: dt.tzinfo) -> Starts:
    """Return the starts of all hours of a range, 24 a day.

    Args:
        days: the days.
        zone: the time zone of the clock.
    """
    seconds, known = array("q"), bytearray()
    clock = _clock(zone)
    for date in days:
        midnight = (date.toordinal() - EPOCH_DAY) * _DAY
        offset = clock.only_offset(date)
        if offset is not None:
            seconds.extend(range(midnight - offset, midnight - offset + _DAY, _HOUR))
            known += b"\1" * HOURS
            continue
        starts = [clock.start(date, hour) for hour in range(HOURS)]
        seconds.extend([start or 0 for start in starts])
        known += bytes([start is not None for start in starts])
    return Starts(seconds, known)


def name_of(zone: dt.tzinfo) -> str:
    """Return the name by which other programs know a zone: ``"Asia/Seoul"``, ``"UTC"`` or ``"+09:00"``.

    Raises:
        UsageError: it has none.
    """
    name = getattr(zone, "key", None)
    if isinstance(name, str):
        return name
    if zone is dt.UTC:
        return "UTC"
    if isinstance(zone, dt.timezone):
        minutes, rest = divmod(zone.utcoffset(None), dt.timedelta(minutes=1))
        if not rest:
            hours, minutes = divmod(abs(minutes), 60)
            sign = "-" if zone.utcoffset(None) < dt.timedelta() else "+"
            return f"{sign}{hours:02}:{minutes:02}"
    raise UsageError(f"a column of times needs a time zone with a name such as Asia/Seoul, not {zone!r}")


@lru_cache(maxsize=2)
def _clock(zone: dt.tzinfo) -> _Clock:
    return _Clock(zone)


class _Clock:
    """The wall clock of a zone. It remembers days, since most targets of a scan have the same ones.

    Args:
        zone: the zone.
    """

    def __init__(self, zone: dt.tzinfo) -> None:
        self._zone = zone
        self.only_offset = lru_cache(maxsize=_DAYS)(self._only_offset)
        """Returns the offset of a day from UTC, in seconds; ``None`` if it may have more than one."""
        self._hours = [dt.time(hour, tzinfo=zone) for hour in range(HOURS)]
        self._again = [dt.time(hour, tzinfo=zone, fold=1) for hour in range(HOURS)]

    def _only_offset(self, date: dt.date) -> int | None:
        first = _offset(date, self._again[0])
        if date != dt.date.max and _offset(date + dt.timedelta(days=1), self._hours[0]) != first:
            return None
        return None if any(_offset(date, hour) != first for hour in self._hours) else _in_seconds(first)

    def start(self, date: dt.date, hour: int) -> int | None:
        """Return the first moment of an hour, in seconds since 1970; ``None``: the clock skipped the hour."""
        before = _in_seconds(_offset(date, self._hours[hour]))
        after = _in_seconds(_offset(date, self._again[hour]))
        wall = (date.toordinal() - EPOCH_DAY) * _DAY + hour * _HOUR
        if before >= after:  # an hour has two offsets, the earlier first, if it is repeated (PEP 495)
            return wall - before
        change = self._change(range(wall - after, wall - before), before)
        return change if wall <= change + after < wall + _HOUR else None

    def _change(self, seconds: Sequence[int], before: int) -> int:
        """Return the second at which the clock gets another offset than before."""
        return seconds[0] + bisect_left(seconds, 1, key=lambda second: self._offset_at(second) != before)

    def _offset_at(self, second: int) -> int:
        return _in_seconds((_EPOCH + dt.timedelta(seconds=second)).astimezone(self._zone).utcoffset())


def _offset(date: dt.date, time: dt.time) -> dt.timedelta | None:
    return dt.datetime.combine(date, time).utcoffset()


def _in_seconds(offset: dt.timedelta | None) -> int:
    """Return an offset in whole seconds; ``None`` is that of a zone that does not know it."""
    if offset is None:
        raise UsageError("a time zone must know its offset from UTC")
    return offset.days * _DAY + offset.seconds
