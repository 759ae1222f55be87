"""Make a series from days, which may come in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.errors import UsageError
from hourlyclicks.model.columns import MISSING, Columns
from hourlyclicks.model.series import HourlySeries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target


class SeriesBuilder:
    """Collects days in any order, and makes a series of them.

    Args:
        target: what was counted.
        range: the days the series will have, fetched or not.
    """

    __slots__ = ("_columns", "_first", "range", "target")

    def __init__(self, target: Target, range: DateRange) -> None:  # noqa: A002 - named like `HourlySeries.range`
        self.target = target
        self.range = range
        self._first = range.start.toordinal()
        self._columns: Columns | None = Columns.blank(len(range))

    def add(self, day: DayClicks) -> None:
        """Add a day; of two answers for the same day the better one is kept, as in `HourlySeries.merge`.

        Raises:
            UsageError: for a day out of range, an invalid one, and after `build`.
        """
        columns = self._columns or self._open()
        place = day.date.toordinal() - self._first
        if not 0 <= place < len(columns.states):
            raise UsageError(f"{day.date} is not in the range {self.range}")
        if columns.states[place] == MISSING:
            columns.put(place, day)
        else:
            columns.improve(place, Columns.of(day), 0)

    def build(self) -> HourlySeries:
        """Return the series. It takes over the memory, so this works only once."""
        columns, self._columns = self._open(), None
        return HourlySeries(self.target, self.range, columns)

    def _open(self) -> Columns:
        if self._columns is None:
            raise UsageError("the series was built: this builder is used up")
        return self._columns


def merge_days(range: DateRange, days: Iterable[DayClicks], *, target: Target) -> HourlySeries:  # noqa: A002 - as above
    """Make a series of a target from days in any order, by the rules of `SeriesBuilder`."""
    builder = SeriesBuilder(target, range)
    for day in days:
        builder.add(day)
    return builder.build()
