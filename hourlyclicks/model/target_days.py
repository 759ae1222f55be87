"""The days of each of several targets: one range for all of them, which some enter later."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.targets import Account, Group, Link, Query, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterator

    from hourlyclicks.model.listing import ListedGroup, ListedLink

FirstDays: TypeAlias = (
    Mapping[Target, dt.date | str]
    | Mapping[Link, dt.date | str]
    | Mapping[Group, dt.date | str]
    | Mapping[Account, dt.date | str]
)
"""The first days of targets, as dates or as texts such as ``"2025-04-20"``."""

TargetItem: TypeAlias = "Target | tuple[Target, dt.date | str] | ListedLink | ListedGroup"
"""A target; a target and its first day; or what `Client.links` and `Client.groups` yield."""

TargetSource: TypeAlias = "Iterable[TargetItem] | AsyncIterable[TargetItem]"
"""Targets, from a collection, an iterator or an async iterator."""


class TargetDays:
    """Targets in their order, each once, and the first days of those that have one.

    Args:
        since: first days by target, which count more than those that come with the targets.
    """

    def __init__(self, since: FirstDays | None = None) -> None:
        self._since = as_first_days(since)
        self._targets: dict[Target, dt.date | None] = {}

    @classmethod
    def of(cls, items: Iterable[TargetItem], since: FirstDays | None = None) -> TargetDays:
        """Read a collection of targets.

        Raises:
            UsageError: something in it is no target, or it is no collection.
        """
        given: object = items
        if isinstance(given, str | Target | Query) or not isinstance(given, Iterable):
            raise UsageError(f"targets are several, such as [{Account()!r}], not {items!r}")
        found = cls(since)
        for item in items:
            found.add(item)
        return found

    def add(self, item: TargetItem) -> Target | None:
        """Add a target, and return it, unless it is there.

        Raises:
            UsageError: it is none.
        """
        target, day = _read(item)
        if target in self._targets:
            return None
        self._targets[target] = day
        return target

    def first_day(self, target: Target) -> dt.date | None:
        """Return the first day of a target, if it has one."""
        return self._since.get(target) or self._targets.get(target)

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets)

    @property
    def since(self) -> dict[Target, dt.date]:
        """The first days."""
        known = {target: day for target, day in self._targets.items() if day is not None}
        return {**known, **self._since}


def _read(item: TargetItem) -> tuple[Target, dt.date | None]:
    """Return a target, and its first day if it has one."""
    match item:
        case Account() | Group() | Link():
            return item, None
        case (Account() | Group() | Link() as target, day):
            return target, as_day(day)
    from hourlyclicks.model.listing import ListedGroup, ListedLink  # noqa: PLC0415 - loaded by what lists them

    if isinstance(item, ListedLink | ListedGroup):
        return item.target, None if item.created is None else item.created.date()
    raise UsageError(f"a target is an Account, a Link or a Group, not {item!r}")


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


def name_of(ranges: Mapping[Target, DateRange]) -> str:
    """Return a name for a job of these days, by which processes with the same job recognize each other.

    It is empty if there are no targets.
    """
    if not ranges:
        return ""
    name = hashlib.blake2b(digest_size=8)
    for target, days in ranges.items():
        name.update(f"{days}|{target}|".encode())
    return name.hexdigest()
