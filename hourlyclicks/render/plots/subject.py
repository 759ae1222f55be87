"""A series with the arrays that the pictures need of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hourlyclicks.errors import UsageError
from hourlyclicks.model.quantities import count
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.render.plots import arithmetic
from hourlyclicks.render.plots.fonts import drawable
from hourlyclicks.render.plots.ticks import span

if TYPE_CHECKING:
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.render.plots.arithmetic import Marks, Numbers


class Subject:
    """A series, and what is known of its hours and days as arrays.

    Args:
        series: the series.

    Raises:
        UsageError: it is no `HourlySeries`.
    """

    def __init__(self, series: HourlySeries) -> None:
        if not isinstance(series, HourlySeries):
            raise UsageError(f"a picture needs an HourlySeries, not {type(series).__name__}")
        self.series = series
        self.hours: Numbers = arithmetic.hourly(series)
        self.missing: Marks = arithmetic.not_fetched(series)
        self.provisional: Marks = arithmetic.provisional(series)

    @property
    def range(self) -> DateRange:
        """The days."""
        return self.series.range

    @property
    def weekday(self) -> int:
        """The weekday of the first day, 0 for Monday."""
        return self.range.start.weekday()

    @cached_property
    def days(self) -> Numbers:
        """The clicks of each day; NaN: no hour was reported."""
        return arithmetic.daily(self.hours)

    @cached_property
    def not_reported(self) -> Marks:
        """Which hours of fetched days were not reported, days x 24."""
        return np.isnan(self.hours) & ~self.missing[:, None]

    @property
    def silent(self) -> Marks:
        """Which days were fetched, and have no hour that was reported."""
        return np.isnan(self.days) & ~self.missing

    def name(self, columns: int) -> str:
        """Return the target in at most so many columns."""
        return drawable(str(self.series.target), columns)

    def summary(self) -> str:
        """Return in words what the series holds."""
        parts = [span(self.range)]
        if np.isnan(self.hours).all():
            parts.append("no figures")
        else:
            parts.append(count(self.series.total_clicks, "click"))
        if number := int(self.missing.sum()):
            parts.append(f"{count(number, 'day')} not fetched")
        if number := int(self.not_reported.sum()):
            parts.append(f"{count(number, 'hour')} not reported")
        if number := int(self.provisional.sum()):
            parts.append(f"{count(number, 'day')} provisional")
        return " · ".join(parts)
