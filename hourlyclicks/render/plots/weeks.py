"""The hours of the week: a row for each weekday, a column for each hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hourlyclicks.model.day import HOURS
from hourlyclicks.render.plots import arithmetic, marks
from hourlyclicks.render.plots.picture import Sheet, settings
from hourlyclicks.render.plots.subject import Subject
from hourlyclicks.render.plots.ticks import short
from hourlyclicks.render.tables import WEEKDAYS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.render.plots.arithmetic import Marks, Numbers
    from hourlyclicks.render.plots.picture import Picture
    from hourlyclicks.render.plots.themes import Theme

_LEFT, _TOP, _RIGHT = 0.59, 0.88, 0.3
_WIDTH, _HEIGHT = 7.64, 2.87
_BARS_LEFT, _BARS_WIDTH = 8.37, 0.92
_SHEET_WIDTH, _FOOT = 10.0, 1.0
_NAME = 52


def week(series: HourlySeries, theme: Theme) -> Picture:
    """Draw the mean clicks of each hour of the week; see `hourlyclicks.plot.week`."""
    subject = Subject(series)
    means = arithmetic.week(subject.hours, subject.weekday)
    with settings(theme.settings()):
        sheet = Sheet(theme, _SHEET_WIDTH, _TOP + _HEIGHT + _FOOT)
        sheet.heading(f"When the clicks come — {subject.name(_NAME)}", subject.summary())
        never = arithmetic.never_fetched(subject.missing, subject.weekday)
        end = float(np.nanmax(means)) if np.isfinite(means).any() else 0.0
        axes = sheet.axes(_LEFT, _TOP, _WIDTH, _HEIGHT)
        marks.heat(axes, means, sheet, end)
        names = hatch_week(axes, means, never, sheet)
        marks.label_top(axes, means, sheet, end)
        label_week(axes, sheet)
        _bars(sheet, arithmetic.weekdays(subject.days, subject.weekday))
        foot = _TOP + _HEIGHT + 0.45
        marks.scale(sheet, (_LEFT, foot), means, end, unit="clicks an hour, mean of the reported hours")
        marks.legend(sheet, foot + 0.06, names, right=_SHEET_WIDTH - _RIGHT)
    return sheet.picture


def hatch_week(axes: Axes, means: Numbers, never: Marks, sheet: Sheet) -> list[str]:
    """Hatch the hours of the week without figures, and return what the legend has to explain.

    Args:
        axes: where the hours are, 7 x 24.
        means: NaN: no figures.
        never: weekdays of which no day was fetched.
        sheet: the sheet.
    """
    unknown = np.isnan(means)
    cells = {"not reported": unknown & ~never[:, None], "not fetched": unknown & never[:, None]}
    for name, marked in cells.items():
        marks.hatch(axes, marked, name, sheet)
    return [name for name, marked in cells.items() if marked.any()]


def label_week(axes: Axes, sheet: Sheet, *, every: int = 3, size: float = 9, small: bool = False) -> None:
    """Separate and label the hours of the week.

    Args:
        axes: where they are, 7 x 24.
        sheet: the sheet.
        every: which hours are labelled.
        size: of the letters, in points.
        small: whether there is room for three weekdays only, and for finer lines.
    """
    rows = len(WEEKDAYS)
    shown = range(0, rows, 3 if small else 1)
    width = 0.6 if small else 1.4
    background = sheet.theme.background
    axes.hlines(range(rows + 1), 0, HOURS, colors=background, linewidth=width, zorder=3)
    axes.vlines(range(HOURS + 1), 0, rows, colors=background, linewidth=width, zorder=3)
    axes.set(xlim=(0, HOURS), ylim=(rows, 0))
    axes.set_yticks([row + 0.5 for row in shown], [WEEKDAYS[row] for row in shown], size=size)
    hours = range(0, HOURS, every)
    axes.set_xticks([hour + 0.5 for hour in hours], [f"{hour:02}:00" for hour in hours], size=size)


def _bars(sheet: Sheet, days: Numbers) -> None:
    """Draw the mean clicks of each weekday, to the right of its row."""
    axes = sheet.axes(_BARS_LEFT, _TOP, _BARS_WIDTH, _HEIGHT)
    known = np.isfinite(days)
    rows = np.arange(len(days)) + 0.5
    axes.barh(rows[known], days[known], height=0.6, color=sheet.theme.line)
    most = float(days[known].max(initial=0)) or 1.0
    for row, value in zip(rows[known], days[known], strict=True):
        axes.text(value + most * 0.04, row, short(float(value)), va="center", size=9, color=sheet.theme.ink)
    axes.set(xlim=(0, most), ylim=(len(days), 0))
    axes.set_xticks([])
    axes.set_yticks([])
    if known.any():
        sheet.text(_BARS_LEFT, _TOP - 0.11, "clicks a day", size=9)
