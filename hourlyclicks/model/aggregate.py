"""Sums and the peak. There are none of unique users: a person who clicks in two hours is counted in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.day import HOURS

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

_WEEKDAYS = 7
_MEAN_OF = 7
_FEWEST = 4


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


def running_mean(counts: Sequence[float | None]) -> list[float | None]:
    """Return the mean of each count and the six before it.

    It begins again after each ``None``, so that it never crosses a gap, and needs four counts.
    """
    means: list[float | None] = []
    window: list[float] = []
    for count in counts:
        window = [] if count is None else [*window[1 - _MEAN_OF :], count]
        means.append(sum(window) / len(window) if len(window) >= _FEWEST else None)
    return means
