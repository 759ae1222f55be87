"""Several series below each other: how many clicks on which days, and in which hours of the week."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
import numpy as np

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.quantities import count
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.render.plots import MOST_COMPARED, arithmetic, differences, marks, trends
from hourlyclicks.render.plots.picture import Sheet, settings
from hourlyclicks.render.plots.subject import Subject
from hourlyclicks.render.plots.ticks import day_ticks, label_days, short, span
from hourlyclicks.render.plots.weeks import hatch_week, label_week

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hourlyclicks.render.plots.picture import Picture
    from hourlyclicks.render.plots.themes import Theme

_PAIR = 2
_LEFT, _RIGHT, _TOP = 0.79, 0.24, 1.42
_DAYS_WIDTH, _WEEK_LEFT, _WEEK_WIDTH = 7.1, 8.72, 3.2
_WIDTH = _WEEK_LEFT + _WEEK_WIDTH + _RIGHT
_FEW, _HEIGHT, _LOW_HEIGHT, _GAP = 4, 1.0, 0.66, 0.52
_FOOT = 1.25
_SCALE_WIDTH = 1.5
_NAME, _SHORT_NAME = 40, 30
_MOST_LABELS = 10
_FLAT = 20
"""By how much the busiest days of two series may differ on one scale: the lesser has 3 pixels then."""


@attrs.frozen
class _Row:
    """A series and where it is drawn.

    Args:
        subject: the series.
        parts: the part of each hour in the clicks of a week, in percent, 7 x 24.
        top: where, in inches.
        height: in inches.
    """

    subject: Subject
    parts: arithmetic.Numbers
    top: float
    height: float


def compare(series: Iterable[HourlySeries | Iterable[HourlySeries]], theme: Theme) -> Picture:
    """Draw several series; see `hourlyclicks.plot.compare`."""
    rows = list(_rows([Subject(each) for each in _few(series)]))
    bottom = rows[-1].top + rows[-1].height
    pair = len(rows) == _PAIR
    with settings(theme.settings()):
        sheet = Sheet(theme, _WIDTH, bottom + _FOOT + (differences.HEIGHT if pair else 0))
        days = _all_days(rows)
        sheet.heading(_title(rows), span(days))
        _draw_days(sheet, rows, days)
        names = trends.explained(sheet, [row.subject for row in rows], besides=_draw_weeks(sheet, rows))
        marks.legend(sheet, bottom + 0.72, names, left=_LEFT, right=_LEFT + _DAYS_WIDTH)
        if pair:
            one, other = rows
            differences.draw(sheet, (one.subject, other.subject), (one.parts, other.parts), bottom + _FOOT)
    return sheet.picture


def _few(series: Iterable[HourlySeries | Iterable[HourlySeries]]) -> list[HourlySeries]:
    """Return all series; there are neither none nor too many."""
    found: list[HourlySeries] = []
    for each in series:
        for one in _each(each):
            found.append(one)
            if len(found) > MOST_COMPARED:
                raise UsageError(f"a comparison has at most {MOST_COMPARED} series")
    if not found:
        raise UsageError("a comparison needs a series")
    return found


def _rows(subjects: list[Subject]) -> Iterator[_Row]:
    height = _HEIGHT if len(subjects) <= _FEW else _LOW_HEIGHT
    for place, subject in enumerate(subjects):
        parts = arithmetic.shares(arithmetic.week(subject.hours, subject.weekday))
        yield _Row(subject, parts, _TOP + place * (height + _GAP), height)


def _all_days(rows: list[_Row]) -> DateRange:
    """Return the days from the first of any series to the last of any."""
    ranges = [row.subject.range for row in rows]
    return DateRange(min(days.start for days in ranges), max(days.end for days in ranges))


def _title(rows: list[_Row]) -> str:
    if len(rows) == 1:
        return rows[0].subject.name(_NAME)
    if len(rows) == _PAIR:
        return " against ".join(row.subject.name(_SHORT_NAME) for row in rows)
    several = len({row.subject.series.target for row in rows}) > 1
    return f"{count(len(rows), 'target' if several else 'series')} compared"


def _draw_days(sheet: Sheet, rows: list[_Row], days: DateRange) -> None:
    """Draw the clicks of each day of all series, with one axis of days and, if possible, one scale."""
    tops = _tops(rows)
    title = "clicks a day" if len(set(tops)) == 1 else "clicks a day; mind the different scales"
    sheet.text(_LEFT, _TOP - 0.49, title, size=9)
    for row, most in zip(rows, tops, strict=True):
        subject = row.subject
        sheet.text(_LEFT, row.top - 0.2, subject.name(_NAME), size=10, weight="bold", color=sheet.theme.ink)
        sheet.text(_LEFT + _DAYS_WIDTH, row.top - 0.2, _figures(subject, days), size=9, ha="right")
        axes = sheet.axes(_LEFT, row.top, _DAYS_WIDTH, row.height)
        first = days.index(subject.range.start)
        trends.draw_days(axes, subject, sheet, first=first, most=most, places=len(days))
        marks.mark_provisional(axes, subject.provisional, sheet, first=first)
        trends.style_values(axes, sheet, known=bool(np.isfinite(subject.days).any()), bins=2)
        label_days(axes, day_ticks(days, _MOST_LABELS), len(days))
        axes.tick_params(axis="x", which="both", labelbottom=row is rows[-1])


def _tops(rows: list[_Row]) -> list[float]:
    """Return where the scale of each series ends: at the same count, unless that made one of them flat."""
    tops = [trends.room_above(row.subject.days) for row in rows]
    most = max(tops)
    clicked = [top for row, top in zip(rows, tops, strict=True) if row.subject.series.total_clicks]
    return tops if clicked and most > _FLAT * min(clicked) else [most] * len(tops)


def _figures(subject: Subject, days: DateRange) -> str:
    """Return in words how many clicks a series has."""
    known = np.isfinite(subject.days)
    if not known.any():
        return "no figures"
    own = "" if subject.range == days else f"{span(subject.range)} · "
    mean = short(float(subject.days[known].mean()))
    return f"{own}{count(subject.series.total_clicks, 'click')}, {mean} a day"


def _draw_weeks(sheet: Sheet, rows: list[_Row]) -> set[str]:
    """Draw the hours of the week of all series, with one scale; return what the legend has to explain."""
    names: set[str] = set()
    parts = np.concatenate([row.parts for row in rows])
    known = parts[np.isfinite(parts)]
    end = float(np.percentile(known, arithmetic.PERCENTILE)) if known.size else 0.0
    sheet.text(_WEEK_LEFT, _TOP - 0.49, "hours of the week", size=9)
    for row in rows:
        axes = sheet.axes(_WEEK_LEFT, row.top, _WEEK_WIDTH, row.height)
        marks.heat(axes, row.parts, sheet, end)
        never = arithmetic.never_fetched(row.subject.missing, row.subject.weekday)
        names.update(hatch_week(axes, row.parts, never, sheet))
        label_week(axes, sheet, every=6, size=8, small=True)
        axes.tick_params(axis="x", labelbottom=row is rows[-1])
    foot = rows[-1].top + rows[-1].height + 0.66
    unit = "% of a week's clicks"
    marks.scale(sheet, (_WEEK_LEFT, foot, _SCALE_WIDTH), parts, end, unit=unit, whole=False)
    return names


def _each(value: HourlySeries | Iterable[HourlySeries]) -> Iterable[HourlySeries]:
    """Return a series by itself, though it can be iterated over as well, or the series in something else."""
    single = isinstance(value, HourlySeries) or not hasattr(value, "__iter__")
    return cast("Iterable[HourlySeries]", (value,) if single else value)
