"""Days far above all others, which would make the rest of a year flat if an axis reached up to them.

An axis of days ends at the greatest count, unless that is more than three times the 98th percentile: then it
ends at the greatest count that is at most twice that percentile. What lies beyond is cut off, marked, and
labelled with its count. Of fewer than 50 days no day is taken for a burst.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ONE_IN = 50
_FAR, _NEAR = 3, 2


@attrs.frozen
class Burst:
    """Days in a row beyond the end of an axis.

    Args:
        first: the index of the first.
        last: the index of the last.
        most: the greatest count of them.
    """

    first: int
    last: int
    most: float

    @property
    def middle(self) -> float:
        """Where the middle is, if a day is 1 wide."""
        return (self.first + self.last + 1) / 2

    @property
    def single(self) -> bool:
        """Whether it is one day."""
        return self.first == self.last


def axis_end(counts: Iterable[float]) -> float:
    """Return where an axis of counts ends, without room above; 0 if there is no count."""
    known = sorted(counts)
    if not known:
        return 0
    usual = known[-1 - len(known) // _ONE_IN]
    if not usual or known[-1] <= _FAR * usual:
        return known[-1]
    return known[bisect_right(known, _NEAR * usual) - 1]


def bursts(counts: Iterable[float | None], end: float) -> Iterator[Burst]:
    """Yield the days beyond the end of an axis, in order; ``None`` or NaN is none of them."""
    found: Burst | None = None
    for place, count in enumerate(counts):
        if count is None or not count > end:
            continue
        if found is not None and found.last == place - 1:
            found = Burst(found.first, place, max(found.most, count))
            continue
        if found is not None:
            yield found
        found = Burst(place, place, count)
    if found is not None:
        yield found


def labelled(found: Sequence[Burst], room: float) -> list[Burst]:
    """Return those with room for a label, the greatest first.

    Args:
        found: the bursts.
        room: how many days a label covers.
    """
    chosen: list[Burst] = []
    for burst in sorted(found, key=lambda each: -each.most):
        if all(abs(burst.middle - other.middle) >= room for other in chosen):
            chosen.append(burst)
    return chosen
