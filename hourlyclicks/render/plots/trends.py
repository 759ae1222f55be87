"""The clicks of each day, with a moving mean, and below them the unique users of the busiest hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hourlyclicks.model.bursts import axis_end
from hourlyclicks.render.plots import arithmetic, marks
from hourlyclicks.render.plots.picture import Sheet, settings
from hourlyclicks.render.plots.subject import Subject
from hourlyclicks.render.plots.ticks import day_ticks, label_days, short

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from matplotlib.axes import Axes

    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.render.plots.arithmetic import Numbers
    from hourlyclicks.render.plots.picture import Picture
    from hourlyclicks.render.plots.themes import Theme

_LEFT, _RIGHT, _TOP = 0.79, 0.24, 1.0
_WIDTH, _HEIGHT = 11.1, 2.3
_USERS_TOP, _USERS_HEIGHT = 3.84, 1.0
_FOOT = 0.62
_LEGEND = 0.79
_NAME = 56
_FEWEST_PLACES = 12
"""Below so many days, there is room to the right, so that a bar is not as wide as the sheet."""

_WIDE_BAR = 62
"""Up to so many days, the bars stand apart."""


def trend(series: HourlySeries, theme: Theme) -> Picture:
    """Draw the clicks of each day; see `hourlyclicks.plot.trend`."""
    subject = Subject(series)
    width = _LEFT + _WIDTH + _RIGHT
    with settings(theme.settings()):
        sheet = Sheet(theme, width, _USERS_TOP + _USERS_HEIGHT + _FOOT)
        sheet.heading(f"Clicks a day — {subject.name(_NAME)}", subject.summary())
        above = sheet.axes(_LEFT, _TOP, _WIDTH, _HEIGHT)
        days = len(subject.range)
        draw_days(above, subject, sheet, most=room_above(subject.days), places=days)
        style_values(above, sheet, known=bool(np.isfinite(subject.days).any()))
        label_days(above, day_ticks(subject.range), days)
        above.tick_params(labelbottom=False, which="both")
        marks.mark_provisional(above, subject.provisional, sheet)
        below = sheet.axes(_LEFT, _USERS_TOP, _WIDTH, _USERS_HEIGHT)
        _users(below, subject, sheet)
        marks.legend(sheet, _LEGEND, explained(sheet, [subject]), right=width - _RIGHT)
    return sheet.picture


def explained(sheet: Sheet, subjects: Sequence[Subject], *, besides: Collection[str] = ()) -> list[str]:
    """Return what the legend has to explain; hours that were not reported do not show, only days.

    Args:
        sheet: the sheet, on which everything else is drawn.
        subjects: the series.
        besides: what shows elsewhere in the picture, keys of `marks.HATCHES`.
    """
    means = any(np.isfinite(arithmetic.moving_mean(subject.days)).any() for subject in subjects)
    silent = any(subject.silent.any() for subject in subjects)
    shown = {name for name in marks.states(subjects) if name != "not reported" or silent} | set(besides)
    states = [name for name in (*marks.HATCHES, marks.PROVISIONAL) if name in shown]
    beyond = any(line.get_label() == marks.BEYOND for axes in sheet.picture.axes for line in axes.lines)
    return [marks.DAYS, *[marks.MEAN] * means, *[marks.BEYOND] * beyond, *states]


def draw_days(
    axes: Axes, subject: Subject, sheet: Sheet, *, most: float, places: int, first: int = 0
) -> None:
    """Draw the clicks of each day, their moving mean, and the gaps.

    Args:
        axes: where; a day is 1 wide.
        subject: the series.
        sheet: the sheet.
        most: the clicks at the top.
        places: how many days there is room for.
        first: the place of the first day.
    """
    days, theme = subject.days, sheet.theme
    edges = np.arange(len(days) + 1) + first
    if places <= _WIDE_BAR:
        known = np.isfinite(days)
        axes.bar(edges[:-1][known] + 0.5, days[known], width=0.84, color=theme.area, label=marks.DAYS)
    else:
        axes.stairs(days, edges, fill=True, color=theme.area, linewidth=0, label=marks.DAYS)
    means = arithmetic.moving_mean(days)
    axes.plot(edges[:-1] + 0.5, means, color=theme.line, linewidth=1.6, label=marks.MEAN)
    axes.set(xlim=(0, max(places, _FEWEST_PLACES)), ylim=(0, most))
    hatch_days(axes, subject, sheet, height=most, first=first)
    marks.mark_bursts(axes, days, sheet, most=most, first=first)


def hatch_days(axes: Axes, subject: Subject, sheet: Sheet, *, height: float, first: int = 0) -> None:
    """Hatch the days without figures, from the bottom to a height."""
    for name, marked in (("not fetched", subject.missing), ("not reported", subject.silent)):
        marks.hatch(axes, marked[None, :], name, sheet, first=first, height=height)


def room_above(values: Numbers) -> float:
    """Return the end of an axis for some values: a little more than the greatest, but for bursts."""
    return axis_end(values[np.isfinite(values)].tolist()) * 1.08 or 1.0


def style_values(axes: Axes, sheet: Sheet, *, known: bool, bins: int = 4) -> None:
    """Label an axis of counts, with whole numbers, and draw its grid."""
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=sheet.theme.rule, linewidth=0.8)
    if not known:
        axes.set_yticks([])
        return
    axes.yaxis.set_major_locator(MaxNLocator(bins, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def _users(axes: Axes, subject: Subject, sheet: Sheet) -> None:
    """Draw the unique users of the busiest hour of each day."""
    users = arithmetic.users_of_busiest_hour(subject.series)
    places = np.arange(len(users)) + 0.5
    alone = np.isfinite(users) & ~_has_neighbour(np.isfinite(users))
    axes.plot(places, users, color=sheet.theme.line, linewidth=1.2, label="unique users")
    axes.plot(places[alone], users[alone], "o", color=sheet.theme.line, markersize=2.5)
    top = room_above(users)
    axes.set(xlim=(0, max(len(users), _FEWEST_PLACES)), ylim=(0, top))
    hatch_days(axes, subject, sheet, height=top)
    marks.mark_bursts(axes, users, sheet, most=top)
    style_values(axes, sheet, known=bool(np.isfinite(users).any()), bins=3)
    label_days(axes, day_ticks(subject.range), len(subject.range))
    text = "unique users of the busiest hour of each day (they do not add up over hours)"
    sheet.text(_LEFT, _USERS_TOP - 0.16, text, size=9)


def _has_neighbour(known: arithmetic.Marks) -> arithmetic.Marks:
    """Return which values have one beside them; a line has no point for any other."""
    padded = np.concatenate(([False], known, [False]))
    return padded[:-2] | padded[2:]
