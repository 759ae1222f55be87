"""The days of each of several targets: one range for all of them, which some enter later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.targets import Account, Group, Link, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

FirstDays: TypeAlias = (
    Mapping[Target, dt.date | str]
    | Mapping[Link, dt.date | str]
    | Mapping[Group, dt.date | str]
    | Mapping[Account, dt.date | str]
)
"""The first days of targets: dates, or texts as `as_day` reads them."""


def as_first_days(since: FirstDays | None) -> dict[Target, dt.date]:
    """Read the first days of targets.

    Raises:
        UsageError: it is no mapping from targets to days.
    """
    given: object = {} if since is None else since
    if not isinstance(given, Mapping) or not all(isinstance(target, Target) for target in given):
        raise UsageError(f"since maps targets to their first days, not {since!r}")
    return {target: as_day(day) for target, day in given.items()}


def days_of_each(
    targets: Iterable[Target], days: DateRange, since: Mapping[Target, dt.date]
) -> dict[Target, DateRange]:
    """Return the days of each target: those of a range that are not before its first day.

    A target that begins after the range is left out.

    Args:
        targets: the targets.
        days: the range.
        since: the first days of targets that have one.
    """
    later = {target: max(first, days.start) for target, first in since.items()}
    return days_from_first(targets, days, later)


def days_from_first(
    targets: Iterable[Target], days: DateRange, since: Mapping[Target, dt.date]
) -> dict[Target, DateRange]:
    """Return the days of each target: from its first day to the end of a range, or else that range.

    A target that begins after the range is left out.

    Args:
        targets: the targets.
        days: the days of a target without a first day.
        since: the first days of targets that have one.
    """
    return {
        target: DateRange(first, days.end)
        for target in targets
        if (first := since.get(target, days.start)) <= days.end
    }
