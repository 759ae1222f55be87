"""Days, hours and numbers in English, whatever the language of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.render.tables import WEEKDAYS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS_IN_FULL = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_THOUSAND = 1000
_UNITS = ("", "k", "M", "G", "T", "P", "E")
_THREE_DIGITS = 999.5
_MOST_STRETCHES = 20


def in_full(day: dt.date) -> str:
    """Return a day: ``"1 January 2025"``."""
    return f"{day.day} {_MONTHS_IN_FULL[day.month - 1]} {day.year}"


def short(day: dt.date, *, year: bool = True) -> str:
    """Return a day: ``"1 Jan 2025"``, or ``"1 Jan"``."""
    return f"{day.day} {MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")


def with_weekday(day: dt.date) -> str:
    """Return a day: ``"Wed 1 Jan 2025"``."""
    return f"{WEEKDAYS[day.weekday()]} {short(day)}"


def stretch(first: dt.date, last: dt.date) -> str:
    """Return a stretch of days: ``"17 Aug 2025"``, ``"3 – 8 Mar 2025"``, ``"28 Feb – 3 Mar 2025"``."""
    if first == last:
        return short(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} – {short(last)}"
    return f"{short(first, year=first.year != last.year)} – {short(last)}"


def stretches(spans: Sequence[tuple[dt.date, dt.date]]) -> str:
    """Return stretches of days, at most 20, and how many more there are."""
    said = ", ".join(stretch(*span) for span in spans[:_MOST_STRETCHES])
    more = len(spans) - _MOST_STRETCHES
    return f"{said} and {more:,} more stretches of days" if more > 0 else said


def compact(number: float) -> str:
    """Return a number with three digits at most: ``"145"``, ``"2.1k"``, ``"9.57k"``, ``"3.43M"``."""
    unit = 0
    while abs(number) >= _THREE_DIGITS and unit < len(_UNITS) - 1:
        number /= _THOUSAND
        unit += 1
    return f"{number:.3g}{_UNITS[unit]}"
