"""Every hour of a range: a column for each day, from midnight at the top to midnight."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs
import numpy as np

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.render.plots import arithmetic, marks
from hourlyclicks.render.plots.picture import Sheet, settings
from hourlyclicks.render.plots.subject import Subject
from hourlyclicks.render.plots.ticks import MONTHS, Tick, day_ticks, label_days

if TYPE_CHECKING:
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.render.plots.picture import Picture
    from hourlyclicks.render.plots.themes import Theme

_ONE_PANEL = 400
"""Days that fit side by side; of a longer range, each year has a panel of its own."""

_MOST_YEARS = 60
_LEAP_YEAR = 366
_LEFT, _LEFT_OF_YEARS, _RIGHT, _TOP, _FOOT = 0.67, 0.94, 0.24, 0.82, 1.12
_WIDTH = 11.2
_NARROWEST = 7.6
_ONE_ROW = 9.6
"""Below that width, the legend has a row of its own, below the scale."""

_ROW = 0.42
_WIDEST_CELL = 0.8
_HEIGHT, _LOW_HEIGHT, _GAP = 2.9, 1.25, 0.24
_ROOM_FOR_COUNTS = 0.36
_NAME, _SHORT_NAME = 56, 30
_FEW = 7
"""Up to so many days, every count is written into its cell."""


@attrs.frozen
class _Panel:
    """Days that are side by side.

    Args:
        days: the days.
        first: the place of the first one.
        top: where the panel begins, in inches.
        height: in inches.
        places: how many days there is room for.
        year: whether it is one of several, each for a year.
    """

    days: DateRange
    first: int
    top: float
    height: float
    places: int
    year: bool

    @property
    def cell(self) -> float:
        """How wide a day is, in inches."""
        return min(_WIDEST_CELL, _WIDTH / self.places)

    @property
    def left(self) -> float:
        """Where the first day may be, in inches."""
        return _LEFT_OF_YEARS if self.year else _LEFT

    @property
    def width(self) -> float:
        """How wide it is, in inches."""
        return self.places * self.cell


def calendar(series: HourlySeries, theme: Theme) -> Picture:
    """Draw the clicks of every hour; see `hourlyclicks.plot.calendar`."""
    subject = Subject(series)
    panels = _panels(subject.range)
    width = max(_NARROWEST, panels[0].left + panels[0].width + _RIGHT)
    bottom = panels[-1].top + panels[-1].height
    with settings(theme.settings()):
        names = marks.states([subject])
        two_rows = width < _ONE_ROW and bool(names)
        sheet = Sheet(theme, width, bottom + _FOOT + (_ROW if two_rows else 0))
        sheet.heading(
            f"Clicks by day and hour — {subject.name(_NAME if width >= _ONE_ROW else _SHORT_NAME)}",
            subject.summary(),
        )
        end = arithmetic.scale_end(subject.hours)
        for panel in panels:
            _draw(sheet, subject, panel, end)
        _label_days(panels[-1], sheet)
        marks.scale(sheet, (panels[0].left, bottom + 0.56), subject.hours, end, unit="clicks an hour")
        if two_rows:
            marks.legend(sheet, bottom + 0.62 + _ROW, names, left=panels[0].left)
        else:
            marks.legend(sheet, bottom + 0.62, names, right=width - _RIGHT)
    return sheet.picture


def _panels(days: DateRange) -> list[_Panel]:
    """Return one panel, or one for each year of a long range."""
    if len(days) <= _ONE_PANEL:
        return [_Panel(days, 0, _TOP, _HEIGHT, len(days), year=False)]
    years = range(days.start.year, days.end.year + 1)
    if len(years) > _MOST_YEARS:
        raise UsageError(
            f"a calendar shows at most {_MOST_YEARS} years, not {len(years):,}: use a part of the series"
        )
    parts = [days.clip(DateRange(dt.date(year, 1, 1), dt.date(year, 12, 31))) for year in years]
    return [
        _Panel(
            part,
            part.start.timetuple().tm_yday - 1,
            _TOP + place * (_LOW_HEIGHT + _GAP),
            _LOW_HEIGHT,
            _LEAP_YEAR,
            year=True,
        )
        for place, part in enumerate(filter(None, parts))
    ]


def _draw(sheet: Sheet, subject: Subject, panel: _Panel, end: float) -> None:
    axes = sheet.axes(panel.left, panel.top, panel.width, panel.height)
    begin = subject.range.index(panel.days.start)
    part = slice(begin, begin + len(panel.days))
    cells = subject.hours[part].T
    marks.heat(axes, cells, sheet, end, first=panel.first)
    marks.hatch(axes, subject.not_reported[part].T, "not reported", sheet, first=panel.first)
    missing = np.broadcast_to(subject.missing[part], cells.shape)
    marks.hatch(axes, missing, "not fetched", sheet, first=panel.first)
    marks.mark_provisional(axes, subject.provisional[part], sheet, first=panel.first)
    if panel.cell >= _ROOM_FOR_COUNTS:
        marks.label_top(axes, cells, sheet, end, number=cells.size if len(panel.days) <= _FEW else 3)
    axes.set(xlim=(0, panel.places), ylim=(24, 0))
    axes.set_xticks([])
    marks.hour_ticks(axes, every=6 if panel.year else 3)
    if panel.year:
        look = {"size": 10, "weight": "bold", "rotation": 90, "ha": "center", "color": sheet.theme.ink}
        sheet.text(0.24, panel.top + panel.height / 2, str(panel.days.start.year), **look)


def _label_days(panel: _Panel, sheet: Sheet) -> None:
    """Label the days below the last panel; if it is one of several, the months of any year."""
    axes = sheet.picture.axes[-1]
    if panel.year:
        starts = [dt.date(panel.days.start.year, month, 1).timetuple().tm_yday - 1 for month in range(1, 13)]
        ticks = [Tick(start, month) for start, month in zip(starts, MONTHS, strict=True)]
    else:
        ticks = day_ticks(panel.days)
    label_days(axes, ticks, panel.places)
