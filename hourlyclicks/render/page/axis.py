"""Where days are in a figure, and which of them have a label.

All figures of a page have the same width, in units that are pixels where the page is wide enough.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.render.page.english import MONTHS, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WIDTH = 1040
"""The width of a figure."""

LEFT = 44
"""Where the first day is; left of it are the labels of the other axis."""

PLOT = WIDTH - LEFT
"""The width of all days of a figure."""

WIDEST = 24
"""The width of a day, at most: one day alone is no broad stripe."""

_BY_MONTH = 92
_STEPS = (1, 2, 3, 7, 14, 28)
_MONTHS = (1, 3, 12, 60, 120, 600)
_DAYS_OF_A_MONTH = 30.4
_ROOM = 52
"""The width that a label has at least."""

_LONGEST = 40
"""The width of the longest label."""


def plain(number: float) -> float:
    """Return a number in as few characters as a figure needs: with one decimal, or none."""
    rounded = round(number, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def boxes(spans: Iterable[tuple[float, float]], top: int, height: int) -> str:
    """Return rectangles side by side as one SVG path, a third of what an element for each would take.

    Args:
        spans: where they begin, and how wide they are.
        top: the height at which all of them begin.
        height: how high they are.
    """
    return "".join(f"M{left} {top}h{width}v{height}h-{width}z" for left, width in spans)


@attrs.frozen
class Axis:
    """Days without a gap along the width of a figure.

    Args:
        start: the first day.
        days: how many there are.
        width: the width of each.
        left: where the first begins.
    """

    start: dt.date
    days: int
    width: float
    left: float = LEFT

    @classmethod
    def across(cls, start: dt.date, days: int) -> Axis:
        """Make an axis on which days take the whole width."""
        return cls(start, days, min(WIDEST, PLOT / days))

    @classmethod
    def of_year(cls, start: dt.date, days: int) -> Axis:
        """Make an axis of some days of a year, on which a date is at the same place in every year."""
        width = PLOT / 366
        return cls(start, days, width, LEFT + (start.timetuple().tm_yday - 1) * width)

    def at(self, place: float) -> float:
        """Return where the day of an index begins."""
        return plain(self.left + place * self.width)

    def across_days(self, first: int, last: int) -> tuple[float, float]:
        """Return where some days begin, both ends included, and how wide they are together."""
        return self.at(first), plain((last + 1 - first) * self.width)

    def labels(self) -> Iterator[tuple[float, str]]:
        """Yield the labels of the axis, and where they begin."""
        if self.days <= _BY_MONTH:
            step = next((step for step in _STEPS if step * self.width >= _ROOM), _STEPS[-1])
            for place in filter(self._fits, range(0, self.days, step)):
                yield self.at(place), short(self._day(place), year=False)
            return
        step = next((n for n in _MONTHS if n * _DAYS_OF_A_MONTH * self.width >= _ROOM), _MONTHS[-1])
        for place in range(self.days):
            day = self._day(place)
            if day.day == 1 and (day.year * 12 + day.month - 1) % step == 0 and self._fits(place):
                yield self.at(place), self._month(day, step)

    def _day(self, place: int) -> dt.date:
        return self.start + dt.timedelta(days=place)

    def _fits(self, place: int) -> bool:
        """Return whether there is room for a label that begins with a day; there is for the first."""
        return place == 0 or self.at(place) + _LONGEST <= WIDTH

    def _month(self, day: dt.date, step: int) -> str:
        """Return the name of a month; where there are several years, January has its year."""
        several = (self.start + dt.timedelta(days=self.days - 1)).year != self.start.year
        if day.month == 1 and (step > 1 or several):
            return str(day.year)
        return MONTHS[day.month - 1]
