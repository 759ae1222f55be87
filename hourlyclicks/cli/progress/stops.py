"""What ends a run before all its days are fetched: its options, and when."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable

import attrs

from hourlyclicks import Estimate


@attrs.frozen
class Stops:
    """The options that end a run early.

    Args:
        estimate: returns what so many requests take.
        deadline: when it has to stop, aware; ``None``: never.
        max_requests: how many requests it may send; ``None``: any number.
    """

    estimate: Callable[[int], Estimate]
    deadline: dt.datetime | None = None
    max_requests: int | None = None

    def first(self, requests: int, wall: dt.datetime) -> tuple[float, str]:
        """Return after how many seconds the run has to stop, infinite if it never has, and by which option.

        Args:
            requests: how many requests it has sent.
            wall: the present moment.
        """
        found = [(math.inf, "")]
        if self.deadline is not None:
            found.append((max(0.0, (self.deadline - wall).total_seconds()), "--deadline"))
        if self.max_requests is not None:
            left = max(0, self.max_requests - requests)
            found.append((self.estimate(left).seconds, "--max-requests"))
        return min(found)
