"""Which series a page shows in full: all of them, or of very many those with the most clicks."""

from __future__ import annotations

import datetime as dt
import heapq
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.day import HourClicks
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.render.page.hours import days_with_figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


MOST_YEARS = 50
"""Years of all series together that a page shows in full."""

MOST_ROWS = 1000
"""How many series the summary names."""

_YEAR = 366


@attrs.frozen
class SummaryRow:
    """A series in the summary.

    Args:
        name: its target.
        first: its first day.
        last: its last day.
        clicks: clicks of all its hours.
        days: how many days it has.
        fetched: how many of them were fetched.
        known: how many of them have figures.
        peak: its busiest hour.
        place: the index of its series among those that are shown in full; ``None``: it is not.
    """

    name: str
    first: dt.date
    last: dt.date
    clicks: int
    days: int
    fetched: int
    known: int
    peak: HourClicks | None
    place: int | None = None

    @classmethod
    def of(cls, series: HourlySeries) -> SummaryRow:
        """Sum up a series."""
        days = len(series.range)
        fetched = days - len(series.missing_days)
        first, last = series.range.start, series.range.end
        known = days_with_figures(series.reported.tobytes())
        return cls(str(series.target), first, last, series.total_clicks, days, fetched, known, series.peak)


@attrs.frozen
class Choice:
    """What a page shows.

    Args:
        series: the series that are shown in full.
        rows: the rows of the summary.
        total: how many series there were.
    """

    series: tuple[HourlySeries, ...]
    rows: tuple[SummaryRow, ...]
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
    row: SummaryRow
    series: HourlySeries

    def __lt__(self, other: _Candidate) -> bool:
        return (self.clicks, -self.order) < (other.clicks, -other.order)


class Chooser:
    """Collects series one at a time; at most those that a page shows in full are kept in memory."""

    def __init__(self) -> None:
        self._kept: list[_Candidate] = []
        self._others: list[SummaryRow] = []
        self._days = 0
        self.total = 0

    def add(self, series: HourlySeries) -> None:
        """Add a series; if there are too many, the one with the fewest clicks is left out."""
        self.total += 1
        row = SummaryRow.of(series)
        heapq.heappush(self._kept, _Candidate(row.clicks, self.total, row, series))
        self._days += row.days
        while len(self._kept) > 1 and self._days > MOST_YEARS * _YEAR:
            least = heapq.heappop(self._kept)
            self._others.append(least.row)
            self._days -= least.row.days

    def choice(self) -> Choice:
        """Return what the page shows.

        If every series is shown in full, they have the order in which they came, else that of their clicks.

        Raises:
            UsageError: there is no series.
        """
        if not self.total:
            raise UsageError("a report needs at least one series")
        kept = sorted(self._kept, key=lambda each: each.order)
        if self._others:
            kept.sort(key=lambda each: -each.clicks)
        others = sorted(self._others, key=lambda row: -row.clicks)
        rows = [
            *(attrs.evolve(each.row, place=place) for place, each in enumerate(kept)),
            *others[: max(0, MOST_ROWS - len(kept))],
        ]
        return Choice(tuple(each.series for each in kept), tuple(rows), self.total)


def choose(given: HourlySeries | Iterable[HourlySeries]) -> Choice:
    """Return what a page shows of one series or several, which are read once.

    Raises:
        UsageError: there is none, or one of them is something else.
    """
    chooser = Chooser()
    for series in _checked(given):
        chooser.add(series)
    return chooser.choice()


def _checked(given: HourlySeries | Iterable[HourlySeries]) -> Iterator[HourlySeries]:
    """Yield the series, each once it is certain that it is one."""
    for series in [given] if isinstance(given, HourlySeries) else given:
        if not isinstance(series, HourlySeries):
            raise UsageError(f"a report is made of HourlySeries, not of {type(series).__name__}")
        yield series
