"""The hours of a series as flat columns, and what they come to."""

from __future__ import annotations

from array import array
from functools import cached_property
from typing import TYPE_CHECKING

from hourlyclicks.model.day import HOURS
from hourlyclicks.model.scale import scale_end
from hourlyclicks.model.spans import spans

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.series import HourlySeries

MISSING, PROVISIONAL, FINAL = range(3)
"""What is known of a day, as a byte; the script knows these numbers too."""

_WEEKDAYS = 7
_WEEK = _WEEKDAYS * HOURS
_BUSIEST = 5


def days_with_figures(reported: bytes) -> int:
    """Return of how many days any hour was reported; a byte for each hour, 1 if it was."""
    return sum(1 in reported[first : first + HOURS] for first in range(0, len(reported), HOURS))


class Hours:
    """The hours of a series.

    Args:
        series: the series.

    Attributes:
        range: its days.
        clicks: a count an hour, 0 where nothing is known.
        unique_users: likewise.
        reported: 1 for an hour with figures, else 0.
        states: `MISSING`, `PROVISIONAL` or `FINAL` for each day.
    """

    def __init__(self, series: HourlySeries) -> None:
        self.range: DateRange = series.range
        self.clicks = array("q", series.clicks.zero_filled.tobytes())
        self.unique_users = array("q", series.unique_users.zero_filled.tobytes())
        self.reported = series.reported.tobytes()
        self.states = bytearray([FINAL]) * len(series.range)
        for days, state in ((series.missing_days, MISSING), (series.provisional_days, PROVISIONAL)):
            for day in days:
                self.states[self.range.index(day)] = state

    @cached_property
    def end(self) -> int:
        """The clicks at which the scale of colours ends."""
        return scale_end(self.clicks, self.reported)

    @cached_property
    def by_day(self) -> list[int | None]:
        """The clicks of each day; ``None`` for a day without figures."""
        return [
            sum(self.clicks[first : first + HOURS]) if 1 in self.reported[first : first + HOURS] else None
            for first in range(0, len(self.clicks), HOURS)
        ]

    @property
    def known_days(self) -> int:
        """How many days have figures."""
        return days_with_figures(self.reported)

    @property
    def not_reported(self) -> int:
        """How many hours of the days that were fetched have no figures."""
        fetched = len(self.states) - self.states.count(MISSING)
        return fetched * HOURS - self.reported.count(1)

    def by_weekday(self) -> list[list[float | None]]:
        """Return the mean clicks of each hour of the week, Monday first, of the hours that have figures."""
        first = self.range.start.weekday()
        return [
            [self._mean((weekday - first) % _WEEKDAYS * HOURS + hour) for hour in range(HOURS)]
            for weekday in range(_WEEKDAYS)
        ]

    def _mean(self, place: int) -> float | None:
        number = sum(self.reported[place::_WEEK])
        return sum(self.clicks[place::_WEEK]) / number if number else None

    def busiest_hours(self) -> list[tuple[dt.date, int, int, int]]:
        """Return the hours with the most clicks: the day, the hour, its clicks and its unique users."""
        found = _largest(self.clicks)
        return [
            (self.range[place // HOURS], place % HOURS, self.clicks[place], self.unique_users[place])
            for place in found
        ]

    def busiest_days(self) -> list[tuple[dt.date, int]]:
        """Return the days with the most clicks."""
        sums = [count or 0 for count in self.by_day]
        return [(self.range[place], sums[place]) for place in _largest(sums)]

    def spans_of(self, state: int) -> list[tuple[dt.date, dt.date]]:
        """Return the days in a state, as stretches."""
        return spans([day for day, known in zip(self.range, self.states, strict=True) if known == state])


def _largest(counts: Sequence[int]) -> list[int]:
    """Return the indexes of the largest counts above 0, the largest first, of equals the earliest."""
    ordered = sorted(range(len(counts)), key=lambda place: -counts[place])
    return [place for place in ordered[:_BUSIEST] if counts[place]]
