"""Days, and ranges of days."""

from __future__ import annotations

import datetime as dt
import operator
import re
from typing import TYPE_CHECKING, Self, SupportsIndex

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.quantities import count

if TYPE_CHECKING:
    from collections.abc import Iterator

_ISO_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


def as_day(value: dt.date | str) -> dt.date:
    """Read a day.

    Args:
        value: a ``date``, or exactly ``"YYYY-MM-DD"``.

    Raises:
        UsageError: for anything else; a ``datetime`` too, since the day it means depends on a zone.
    """
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(_ISO_DAY, value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise UsageError(f"there is no such day: {value!r}") from None
    if isinstance(value, str):
        raise UsageError(f"a day is written YYYY-MM-DD, not {value!r}")
    raise UsageError(f"a day is a datetime.date or 'YYYY-MM-DD', not {value!r}")


def _only_a_date(_: DateRange, attribute: attrs.Attribute[dt.date], value: object) -> None:
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise UsageError(f"DateRange.{attribute.name} must be a datetime.date, not {value!r}")


CHUNK = 128
"""Days that are read from a store at a time by default."""


@attrs.frozen
class DateRange:
    """Days without a gap, both ends included.

    Iterates in order, knows ``len(range)``, ``day in range`` and ``range[i]``.

    Args:
        start: the first day.
        end: the last day.

    Raises:
        UsageError: when ``end`` comes before ``start``, or one of them is no ``date``.
    """

    start: dt.date = attrs.field(validator=_only_a_date)
    end: dt.date = attrs.field(validator=_only_a_date)

    def __attrs_post_init__(self) -> None:
        if self.end < self.start:
            raise UsageError(f"the range starts on {self.start}, after its end on {self.end}")

    @classmethod
    def of(cls, start: dt.date | str, end: dt.date | str) -> Self:
        """Make a range from dates, or from texts such as ``"2025-04-20"``."""
        return cls(as_day(start), as_day(end))

    def index(self, day: dt.date) -> int:
        """Return the index of a day, from 0; a day outside is a `UsageError`."""
        if day not in self:
            raise UsageError(f"{day} is not in {self}")
        return day.toordinal() - self.start.toordinal()

    def clip(self, other: DateRange) -> DateRange | None:
        """Return the days in both ranges; ``None`` when there are none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return DateRange(start, end) if start <= end else None

    def chunks(self, size: int = CHUNK, *, newest_first: bool = False) -> Iterator[DateRange]:
        """Yield the range in parts of at most that many days, in order or from the end."""
        firsts = range(0, len(self), size)
        for first in reversed(firsts) if newest_first else firsts:
            yield DateRange(self[first], self[min(first + size, len(self)) - 1])

    def __len__(self) -> int:
        return self.end.toordinal() - self.start.toordinal() + 1

    def __iter__(self) -> Iterator[dt.date]:
        return map(dt.date.fromordinal, range(self.start.toordinal(), self.end.toordinal() + 1))

    def __contains__(self, day: object) -> bool:
        if not isinstance(day, dt.date) or isinstance(day, dt.datetime):
            return False
        return self.start <= day <= self.end

    def __getitem__(self, index: SupportsIndex) -> dt.date:
        place = operator.index(index)
        place += len(self) if place < 0 else 0
        if not 0 <= place < len(self):
            raise IndexError(f"{self} has {count(len(self), 'day')}, no day {operator.index(index)}")
        return dt.date.fromordinal(self.start.toordinal() + place)

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


def as_period(value: tuple[dt.date | str, dt.date | str]) -> DateRange:
    """Read a first and a last day.

    Raises:
        UsageError: it is no pair of days, or the last one comes first.
    """
    given: object = value
    if not isinstance(given, tuple | list) or len(given) != 2:  # noqa: PLR2004 - a pair
        raise UsageError(f"a period is a pair of days: (first, last), not {value!r}")
    return DateRange.of(*value)
