"""Figures that a test chooses, in place of the invented traffic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import as_day
from hourlyclicks.model.day import HOURS, DayClicks
from hourlyclicks.model.targets import Account, Group, Link, Target
from hourlyclicks.simulator.traffic import EMPTY, NOT_REPORTED

if TYPE_CHECKING:
    from hourlyclicks.simulator.traffic import Cell, Cells

Hour: TypeAlias = int | tuple[int, int] | None
"""The clicks of an hour, from as many unique users; a pair of clicks and unique users; or not reported."""

Hours: TypeAlias = Sequence[Hour] | Mapping[int, Hour] | DayClicks
"""The 24 hours of a day; some hours by their numbers, the others not reported; or a day that was fetched."""

# ``Any``, because the keys of a mapping are invariant: {(link, day): …} would be no Mapping of targets.
Figures: TypeAlias = Mapping[Any, Hours] | Callable[[Target, dt.date], Hours | None]
"""The hours of chosen days by pairs of a target and a day, which is a date or ``"YYYY-MM-DD"``; or a function
of a target and a date that returns hours, and ``None`` for a day that it leaves alone."""

Chosen: TypeAlias = Callable[[Target, dt.date], "Cells | None"]
"""Return the 24 hours of a day; ``None``: the traffic is invented."""

_PAIR = 2


def read_figures(figures: Figures) -> Chosen:
    """Check figures, and return them by target and day. What a function returns is checked when it is asked.

    Raises:
        UsageError: they are of another form.
    """
    given: object = figures
    if isinstance(given, Mapping):
        return _of_mapping(given)
    if callable(given):
        return _of_function(given)
    raise UsageError(
        f"figures map pairs of a target and a day to hours, or are a function of both, not {figures!r}"
    )


def _of_mapping(figures: Mapping[object, object]) -> Chosen:
    cells = {_key(key): _cells(hours) for key, hours in figures.items()}

    def chosen(target: Target, day: dt.date) -> Cells | None:
        return cells.get((target, day))

    return chosen


def _of_function(function: Callable[[Target, dt.date], object]) -> Chosen:
    def chosen(target: Target, day: dt.date) -> Cells | None:
        hours = function(target, day)
        return None if hours is None else _cells(hours)

    return chosen


def _key(key: object) -> tuple[Target, dt.date]:
    match key:
        case (Account() | Link() | Group() as target, dt.date() | str() as day):
            return target, as_day(day)
    raise UsageError(f"figures are given for pairs of a target and a day, not for {key!r}")


def _cells(hours: object) -> Cells:
    match hours:
        case DayClicks():
            return tuple(zip(hours.clicks, hours.unique_users, strict=True))
        case Mapping():
            return _some(hours)
        case Sequence() if len(hours) == HOURS and not isinstance(hours, str | bytes):
            return tuple([_cell(hour) for hour in hours])
    raise UsageError(
        f"the figures of a day are {HOURS} hours, or a mapping from hours to them, not {hours!r}"
    )


def _some(hours: Mapping[object, object]) -> Cells:
    cells = list(EMPTY)
    for number, hour in hours.items():
        if type(number) is not int or not 0 <= number < HOURS:
            raise UsageError(f"an hour is a whole number from 0 to {HOURS - 1}, not {number!r}")
        cells[number] = _cell(hour)
    return tuple(cells)


def _cell(hour: object) -> Cell:
    if hour is None or hour == NOT_REPORTED:
        return NOT_REPORTED
    pair = tuple(hour) if isinstance(hour, tuple | list) else (hour, hour)
    if len(pair) != _PAIR or not all(type(count) is int and count >= 0 for count in pair):
        raise UsageError(
            f"the figures of an hour are its clicks, or a pair of clicks and unique users, not {hour!r}"
        )
    return pair


def read_known(known: object) -> frozenset[Target] | None:
    """Check the targets that exist, and return them; ``None``: every target exists.

    Raises:
        UsageError: they are no collection of targets.
    """
    if known is None:
        return None
    if isinstance(known, str | Target) or not hasattr(known, "__iter__"):
        raise UsageError(
            f"known targets are several, such as [Link('kYdr', 'https://vvd.bz')], not {known!r}"
        )
    found = list(known)
    for target in found:
        if not isinstance(target, Target):
            raise UsageError(f"a known target is an Account, a Link or a Group, not {target!r}")
    return frozenset(found)
