"""Every hour of a series as a picture: a column a day, a row an hour; of a long series one picture a year.

The picture itself is a PNG of a pixel an hour, which the page stretches. Its pixels are grey, see `grey`; an
hour without figures is transparent, and the hatched ground shows.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.day import HOURS
from hourlyclicks.model.png import TRANSPARENT, data_uri, indexed_png
from hourlyclicks.model.scale import SHADES, shade
from hourlyclicks.render.page.axis import Axis, plain
from hourlyclicks.render.page.hours import MISSING, PROVISIONAL
from hourlyclicks.render.page.palette import grey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.render.page.hours import Hours

LONGEST = 400
"""Days of one picture; a longer series has a picture for each year."""

TOP = 8
"""Where the rows of hours begin; above them are the marks of provisional days."""

_ROW, _ROW_OF_YEAR = 8, 5
_LABELLED = 3
_LABELLED_OF_YEAR = 6
_PALETTE = (*(grey(each) for each in range(SHADES)), TRANSPARENT)
_BELOW = 18
SINGLE_HEIGHT = TOP + HOURS * _ROW + _BELOW
"""The height, with its labels, of the only picture of a series."""

_LEAST = 3


@attrs.frozen
class Heatmap:
    """A picture of some days of a series.

    Args:
        title: which year it is; empty: the picture has all days.
        first: the index of its first day.
        axis: where the days are.
        row: the height of an hour.
        image: the picture, as an address.
        missing: where days that were not fetched begin, and how wide they are.
        marks: where provisional days begin, and how wide the marks are.
        gaps: whether any hour was not reported.
    """

    title: str
    first: int
    axis: Axis
    row: int
    image: str
    missing: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, float], ...]
    gaps: bool

    @property
    def height(self) -> int:
        """The height of all hours."""
        return HOURS * self.row

    @property
    def whole(self) -> int:
        """The height of the picture with its labels."""
        return TOP + self.height + _BELOW

    @property
    def width(self) -> float:
        """The width of all days."""
        return plain(self.axis.days * self.axis.width)

    def hour_labels(self) -> Iterator[tuple[int, str]]:
        """Yield the labels of hours, and the height of their base line."""
        every = _LABELLED_OF_YEAR if self.title else _LABELLED
        for hour in range(0, HOURS, every):
            yield TOP + hour * self.row + 8, f"{hour:02}:00"


def heatmaps(hours: Hours) -> Iterator[Heatmap]:
    """Yield the pictures of a series."""
    if len(hours.range) <= LONGEST:
        yield _heatmap(hours, "", 0, Axis.across(hours.range.start, len(hours.range)), _ROW)
        return
    for year, days in groupby(enumerate(hours.range), key=lambda each: each[1].year):
        places = [place for place, _ in days]
        axis = Axis.of_year(hours.range[places[0]], len(places))
        yield _heatmap(hours, str(year), places[0], axis, _ROW_OF_YEAR)


def _heatmap(hours: Hours, title: str, first: int, axis: Axis, row: int) -> Heatmap:
    last = first + axis.days
    reported = hours.reported[first * HOURS : last * HOURS]
    states = hours.states[first:last]
    return Heatmap(
        title,
        first,
        axis,
        row,
        data_uri(indexed_png(list(_rows(hours, first, last)), _PALETTE)),
        tuple(axis.across_days(*run) for run in runs(states, MISSING)),
        marks(states, axis),
        reported.count(1) < (axis.days - states.count(MISSING)) * HOURS,
    )


def _rows(hours: Hours, first: int, last: int) -> Iterator[bytes]:
    """Yield the rows of pixels, an hour each."""
    for hour in range(HOURS):
        cells = slice(first * HOURS + hour, last * HOURS, HOURS)
        pairs = zip(hours.clicks[cells], hours.reported[cells], strict=True)
        yield bytes([shade(count, hours.end) if mark else SHADES for count, mark in pairs])


def runs(states: bytes | bytearray, wanted: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last index of each run of a state."""
    for state, run in groupby(enumerate(states), key=lambda each: each[1]):
        places = [place for place, _ in run]
        if state == wanted:
            yield places[0], places[-1]


def marks(states: bytes | bytearray, axis: Axis) -> tuple[tuple[float, float], ...]:
    """Return where the marks of provisional days are; each is wide enough to be seen."""
    found = (axis.across_days(*run) for run in runs(states, PROVISIONAL))
    end = axis.at(axis.days)
    return tuple((min(left, plain(end - _LEAST)), max(width, _LEAST)) for left, width in found)
