"""Labels of days and counts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes

    from hourlyclicks.model.dates import DateRange

    _Label: TypeAlias = Callable[[dt.date, dt.date | None], tuple[str, str]]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""In English whatever the locale, like everything else in the pictures."""

_UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))
_MOST_LABELS = 15
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000)
_TWO_DIGITS = 9.95
_NEARLY = 0.9995
_YEAR = 12
_FIRST_LINE, _SECOND_LINE = 14, 27
"""How far the lines of the labels are below the axis, in points."""

_WIDE_DAYS = 62
"""Up to so many days, a label stands below the middle of its day; else it begins with the day."""

_LAST_LABEL = 0.97
"""Where the last label may begin, as a part of the axis."""


class Tick(NamedTuple):
    """A label of the axis of days.

    Args:
        place: the index of the day.
        label: the first line.
        below: the second line, or nothing.
    """

    place: int
    label: str
    below: str = ""


def day_ticks(days: DateRange, most: int = _MOST_LABELS) -> list[Tick]:
    """Return at most so many labels for a range of days: of single days, Mondays, months or years."""
    dates, label = next(_choices(days, most))
    return [
        Tick(days.index(date), *label(date, None if place == 0 else dates[place - 1]))
        for place, date in enumerate(dates)
    ]


def label_days(axes: Axes, ticks: Sequence[Tick], days: int) -> None:
    """Label an axis of days, of which each is 1 wide.

    Args:
        axes: where.
        ticks: the labels; one that would stand out to the right is left out.
        days: how many days there is room for.
    """
    middle = days <= _WIDE_DAYS
    shown = [tick for tick in ticks if middle or tick.place <= days * _LAST_LABEL]
    shift = 0.5 if middle else 0
    look: dict[str, Any] = {"ha": "center" if middle else "left", "va": "baseline"}
    axes.xaxis.remove_overlapping_locs = False  # the second line is made of minor labels
    axes.set_xticks([tick.place + shift for tick in shown], [tick.label for tick in shown], **look)
    below = [tick for tick in shown if tick.below]
    axes.set_xticks(
        [tick.place + shift for tick in below], [tick.below for tick in below], minor=True, **look
    )
    axes.tick_params(axis="x", length=0, pad=_FIRST_LINE)
    axes.tick_params(axis="x", which="minor", length=0, pad=_SECOND_LINE)


def _choices(days: DateRange, most: int) -> Iterator[tuple[Sequence[dt.date], _Label]]:
    """Yield the days that may be labelled, from many to few, and how; not too many, and not none."""
    if len(days) <= 2 * most + 1:  # two digits need little room
        yield list(days), _day_label
    if len(days) <= 7 * most:
        yield [day for day in days if day.weekday() == 0][:most], _day_label
    for step in _MONTH_STEPS:
        firsts = list(_firsts(days, step))
        if 0 < len(firsts) <= most:
            yield firsts, _month_label if step < _YEAR else _year_label
    yield [days.start], _month_label


def _firsts(days: DateRange, step: int) -> Iterator[dt.date]:
    """Yield the first days of every so many months."""
    begin = days.start.year * _YEAR + days.start.month - 1
    for number in range(-(-begin // step) * step, days.end.year * _YEAR + days.end.month, step):
        first = dt.date(number // _YEAR, number % _YEAR + 1, 1)
        if first in days:
            yield first


def _day_label(day: dt.date, before: dt.date | None) -> tuple[str, str]:
    name = MONTHS[day.month - 1]
    if before is None or before.year != day.year:
        return str(day.day), f"{name} {day.year}"
    return str(day.day), "" if before.month == day.month else name


def _month_label(day: dt.date, before: dt.date | None) -> tuple[str, str]:
    return MONTHS[day.month - 1], "" if before is not None and before.year == day.year else str(day.year)


def _year_label(day: dt.date, _: dt.date | None) -> tuple[str, str]:
    return str(day.year), ""


def day_name(day: dt.date) -> str:
    """Return a day in words: ``"1 Jan 2025"``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def span(days: DateRange) -> str:
    """Return days in words: ``"1 Jan 2025 – 31 Dec 2025"``."""
    start, end = day_name(days.start), day_name(days.end)
    return start if start == end else f"{start} – {end}"


def short(number: float) -> str:
    """Return a number in two digits or its whole thousands: ``"0.4"``, ``"893"``, ``"2.1k"``, ``"31k"``."""
    for size, unit in _UNITS:
        if number >= size * _NEARLY:
            return _two_digits(number / size) + unit
    return _two_digits(number)


def _two_digits(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if number < _TWO_DIGITS else f"{number:.0f}"
