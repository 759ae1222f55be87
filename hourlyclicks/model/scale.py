"""The scale of colours for the clicks of hours, as all pictures of them have it.

The scale ends at the 99.5th percentile of the reported hours, since a single burst would otherwise make a
year pale; that of a day or a week ends at its busiest hour. It grows with the square root of the clicks, so
that quiet hours can be told apart too.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHADES = 8
"""How many shades a scale has: 0 for the fewest clicks, 7 for the most."""

BLUES = ("#e3effb", "#c3dbf3", "#96c1e8", "#639fd6", "#3773b5", "#20599f", "#10396f", "#07204a")
"""The shades on a light ground: one hue, and each is darker than the one before it."""

_OF = 1000
_BELOW_THE_END = 995
_FEW = 200
"""Among so many counts, the percentile lies between the two largest."""


def scale_end(clicks: Iterable[int], reported: Iterable[int]) -> int:
    """Return the number of clicks at which the scale of some hours ends.

    Args:
        clicks: a count an hour.
        reported: 1 for an hour with figures, else 0; other hours do not count.

    Returns:
        The 99.5th percentile, between two counts in proportion and rounded up; of at most 200 hours the
        largest count, which is no burst among so few. If that is 0, since nearly all hours are without
        clicks, that of the others; 0 when no hour has any.
    """
    known = sorted([count for count, mark in zip(clicks, reported, strict=True) if mark])
    return _percentile(known) or _percentile([count for count in known if count])


def _percentile(counts: Sequence[int]) -> int:
    """Return the 99.5th percentile of counts in order; 0 if there are none."""
    if len(counts) <= _FEW:
        return counts[-1] if counts else 0
    place, part = divmod(_BELOW_THE_END * (len(counts) - 1), _OF)
    step = counts[place + 1] - counts[place] if part else 0
    return counts[place] - (-part * step // _OF)


def shade(count: int, end: int) -> int:
    """Return the shade of a count, 0 to 7, on a scale that ends at `end`; 0 clicks have shade 0."""
    if count <= 0 or end <= 0:
        return 0
    return min(SHADES - 1, isqrt(SHADES * SHADES * count // end))
