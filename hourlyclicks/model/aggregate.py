"""Sums and the peak. There are none of unique users: a person who clicks in two hours is counted in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.day import HOURS

if TYPE_CHECKING:
    from array import array

_WEEKDAYS = 7


def peak_index(clicks: array[int], reported: bytearray) -> int | None:
    """Return the first hour with the most clicks; ``None`` when no hour was reported."""
    most = max(clicks)
    if most > 0:
        return clicks.index(most)
    quiet = reported.find(1)  # all zeros: only the marks tell a reported one from the others
    return None if quiet < 0 else quiet


def by_hour(clicks: array[int]) -> tuple[int, ...]:
    """Return the clicks of each of the 24 hours."""
    return tuple([sum(clicks[hour::HOURS]) for hour in range(HOURS)])


def by_weekday_hour(clicks: array[int], first_weekday: int) -> tuple[tuple[int, ...], ...]:
    """Return the clicks of each hour of each weekday, Monday first, for days that begin on a weekday."""
    week = _WEEKDAYS * HOURS
    return tuple(
        [
            tuple(
                [
                    sum(clicks[(weekday - first_weekday) % _WEEKDAYS * HOURS + hour :: week])
                    for hour in range(HOURS)
                ]
            )
            for weekday in range(_WEEKDAYS)
        ]
    )
