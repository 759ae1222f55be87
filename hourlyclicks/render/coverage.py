"""The coverage of a store as text for people, and as an object for JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from hourlyclicks.model.quantities import count
from hourlyclicks.render.phrases import safe, span
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.store.coverage import Coverage

_SHOWN = 10
_WIDTH = 80
_MONTHS = "J F M A M J J A S O N D"
_UNICODE = "·▁▂▃▄▅▆▇█"
_ASCII = "0123456789#"
"""From no day of a month to all of them; only a whole month gets the last one."""


def table(coverage: Coverage, shades: str, *, all_: bool) -> Iterator[str]:
    """Yield the lines about a target.

    Args:
        coverage: what is known of it.
        shades: the characters for months, see `shades_for`.
        all_: whether to name all days that are missing.
    """
    yield ""
    yield safe(str(coverage.target))
    if coverage.range is None:
        yield "  nothing is known"
        return
    yield f"  {coverage.range}, {count(len(coverage.range), 'day')}"
    yield from textwrap.wrap(_counted(coverage), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if coverage.parked is not None:
        yield f"  parked   every day is rejected: {safe(coverage.parked)}"
    yield from _calendar(coverage, shades)
    details = list(_details(coverage))
    yield from details if all_ else details[:_SHOWN]
    if len(details) > _SHOWN and not all_:
        yield f"  {len(details) - _SHOWN:,} more of these; --all shows them"


def _counted(coverage: Coverage) -> str:
    """Return how many days are in each state, in words."""
    counts = {
        **{state.value: coverage.states[state] for state in DayState},
        "missing": coverage.missing_days,
        "stale": coverage.stale_days,
    }
    return ", ".join(f"{number:,} {state}" for state, number in counts.items() if number)


def _calendar(coverage: Coverage, shades: str) -> Iterator[str]:
    """Yield a line for each year with a character for each month: how much of it has figures."""
    years = sorted({year for year, _ in coverage.months})
    if years:
        yield f"        {_MONTHS}"
    for year in years:
        months = [coverage.months.get((year, month)) for month in range(1, 13)]
        cells = [" " if month is None else shade(month.known, month.days, shades) for month in months]
        yield f"  {year:04}  {' '.join(cells)}".rstrip()


def shade(known: int, days: int, shades: str) -> str:
    """Return a character for a part of a month; only none of it gets the first, only all of it the last."""
    if known == days:
        return shades[-1]
    return shades[0] if not known else shades[1 + (known * (len(shades) - 2)) // days]


def shades_for(encoding: str | None) -> str:
    """Return the characters for months that a stream can show."""
    try:
        _UNICODE.encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        return _ASCII
    return _UNICODE


def _details(coverage: Coverage) -> Iterator[str]:
    """Yield a line for each stretch of days that is not as it should be."""
    for days in coverage.missing:
        yield f"  missing  {span(days.start, days.end)}"
    for days in coverage.stale:
        yield f"  stale    {span(days.start, days.end)}"
    for trouble in coverage.troubles:
        days = trouble.days
        yield f"  {trouble.state.value:<7}  {span(days.start, days.end)}: {safe(trouble.reason)}"


def as_object(coverage: Coverage) -> dict[str, Any]:
    """Return what is known of a target as JSON has it."""
    return {
        "target": str(coverage.target),
        "range": None if coverage.range is None else _ends(coverage.range),
        "days": {
            **{state.value: coverage.states[state] for state in DayState},
            "missing": coverage.missing_days,
            "stale": coverage.stale_days,
        },
        "parked": coverage.parked,
        "months": {
            f"{year:04}-{month:02}": {"days": part.days, "known": part.known}
            for (year, month), part in coverage.months.items()
        },
        "missing": [_ends(days) for days in coverage.missing],
        "stale": [_ends(days) for days in coverage.stale],
        "troubles": [
            {**_ends(trouble.days), "state": trouble.state.value, "reason": trouble.reason}
            for trouble in coverage.troubles
        ],
    }


def _ends(days: DateRange) -> dict[str, str]:
    return {"from": str(days.start), "to": str(days.end)}
