"""Which series a page shows in full: all of them, or of very many those with the most clicks."""

from __future__ import annotations

import datetime as dt
import heapq
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.day import HourClicks
from hourlyclicks.model.series import HourlySeries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


MOST_YEARS = 50
"""Years of all series together that a page shows in full."""

MOST_LINES = 1000
"""How many series the summary names."""

_YEAR = 366


@attrs.frozen
class Line:
    """A series in the summary.

    Args:
        name: its target.
        first: its first day.
        last: its last day.
        clicks: clicks of all its hours.
        days: how many days it has.
        fetched: how many of them were fetched.
        peak: its busiest hour.
        place: the index of its series among those that are shown in full; ``None``: it is not.
    """

    name: str
    first: dt.date
    last: dt.date
    clicks: int
    days: int
    fetched: int
    peak: HourClicks | None
    place: int | None = None

    @classmethod
    def of(cls, series: HourlySeries) -> Line:
        """Sum up a series."""
        days = len(series.range)
        fetched = days - len(series.missing_days)
        first, last = series.range.start, series.range.end
        return cls(str(series.target), first, last, series.total_clicks, days, fetched, series.peak)


@attrs.frozen
class Choice:
    """What a page shows.

    Args:
        series: the series that are shown in full.
        lines: the lines of the summary.
        total: how many series there were.
    """

    series: tuple[HourlySeries, ...]
    lines: tuple[Line, ...]
    total: int

    @property
    def complete(self) -> bool:
        """Whether every series is shown in full."""
        return len(self.series) == self.total


@attrs.frozen(eq=False)
class _Candidate:
    """A series that may be shown; of several, the least one has the fewest clicks and came last."""

    clicks: int
    order: int
    line: Line
    series: HourlySeries

    def __lt__(self, other: _Candidate) -> bool:
        return (self.clicks, -self.order) < (other.clicks, -other.order)


def choose(given: HourlySeries | Iterable[HourlySeries]) -> Choice:
    """Return what a page shows of one series or several.

    At most the series with the most clicks are kept in memory while the others pass by. Those that are shown
    have the order in which they came; if some are not, the order is by clicks.

    Raises:
        UsageError: there is none, or one of them is something else.
    """
    kept: list[_Candidate] = []
    others: list[Line] = []
    days = total = 0
    for total, series in enumerate(_checked(given), start=1):
        line = Line.of(series)
        heapq.heappush(kept, _Candidate(line.clicks, total, line, series))
        days += line.days
        while len(kept) > 1 and days > MOST_YEARS * _YEAR:
            least = heapq.heappop(kept)
            others.append(least.line)
            days -= least.line.days
    if not kept:
        raise UsageError("a report needs at least one series")
    kept.sort(key=lambda each: each.order)
    if others:
        kept.sort(key=lambda each: -each.clicks)
        others.sort(key=lambda line: -line.clicks)
    lines = [
        *(attrs.evolve(each.line, place=place) for place, each in enumerate(kept)),
        *others[: max(0, MOST_LINES - len(kept))],
    ]
    return Choice(tuple(each.series for each in kept), tuple(lines), total)


def _checked(given: HourlySeries | Iterable[HourlySeries]) -> Iterator[HourlySeries]:
    """Yield the series, each once it is certain that it is one."""
    for series in [given] if isinstance(given, HourlySeries) else given:
        if not isinstance(series, HourlySeries):
            raise UsageError(f"a report is made of HourlySeries, not of {type(series).__name__}")
        yield series
