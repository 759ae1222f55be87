"""Pictures of hourly clicks, as figures of matplotlib (``pip install 'hourlyclicks[plot]'``).

Each function returns a ``matplotlib.figure.Figure``. Save it with ``figure.savefig("clicks.svg")``; in a
notebook it shows itself. ``matplotlib.pyplot`` is not used, so nothing has to be closed, and no setting of
matplotlib changes: neither are the figures changed by the settings of your program.

In all of them, zero is the palest shade of one hue, hours that were *not reported* and days that were *not
fetched* are hatched, and an orange mark is above days whose figures may still change. The scale of an hour
ends at the 99.5th percentile; "≥" in its last label says that some hours lie beyond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hourlyclicks.render.plots import check_installed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.figure import Figure

    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.render.plots.themes import Theme

__all__ = ["calendar", "compare", "trend", "week"]


def calendar(series: HourlySeries, *, theme: Literal["light", "dark"] = "light") -> Figure:
    """Draw the clicks of every hour: a column for each day, from midnight at the top to midnight.

    Of more than 400 days, each year has a row of its own.

    Args:
        series: the hours of one target.
        theme: ``"light"`` or ``"dark"``.

    Raises:
        UsageError: matplotlib is not installed, the theme is unknown, or the series has more than 60 years.
    """
    chosen = _theme(theme)
    from hourlyclicks.render.plots import calendars  # noqa: PLC0415 - matplotlib takes long to import

    return calendars.calendar(series, chosen)


def week(series: HourlySeries, *, theme: Literal["light", "dark"] = "light") -> Figure:
    """Draw the mean clicks of each hour of the week, of the hours that were reported, and of each weekday.

    Args:
        series: the hours of one target.
        theme: ``"light"`` or ``"dark"``.

    Raises:
        UsageError: matplotlib is not installed, or the theme is unknown.
    """
    chosen = _theme(theme)
    from hourlyclicks.render.plots import weeks  # noqa: PLC0415 - as above

    return weeks.week(series, chosen)


def trend(series: HourlySeries, *, theme: Literal["light", "dark"] = "light") -> Figure:
    """Draw the clicks of each day, and below them the unique users of its busiest hour.

    The line is the mean of each day and the six days before. It needs four days, and does not cross a gap.
    Unique users of several hours cannot be added, so there is no sum of them.

    Args:
        series: the hours of one target.
        theme: ``"light"`` or ``"dark"``.

    Raises:
        UsageError: matplotlib is not installed, or the theme is unknown.
    """
    chosen = _theme(theme)
    from hourlyclicks.render.plots import trends  # noqa: PLC0415 - as above

    return trends.trend(series, chosen)


def compare(
    *series: HourlySeries | Iterable[HourlySeries], theme: Literal["light", "dark"] = "light"
) -> Figure:
    """Draw several series below each other: the clicks of each day, and the hours of the week.

    The days have one axis and one scale, or a scale for each series if their busiest days differ more than
    twentyfold. The hours of the week are parts of the clicks of a week, in percent, so that a large target
    and a small one can be compared. Of two series, another part of the picture shows in which hours of the
    week the first one has a greater part than the second.

    Args:
        series: one to 24 series, or an iterable of them; also several of one target.
        theme: ``"light"`` or ``"dark"``.

    Raises:
        UsageError: matplotlib is not installed, the theme is unknown, or there is none or too many.
    """
    chosen = _theme(theme)
    from hourlyclicks.render.plots import comparisons  # noqa: PLC0415 - as above

    return comparisons.compare(series, chosen)


def _theme(name: str) -> Theme:
    """Return a theme, once it is certain that matplotlib is there."""
    check_installed()
    from hourlyclicks.render.plots.themes import theme_named  # noqa: PLC0415 - as above

    return theme_named(name)
