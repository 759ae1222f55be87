"""Whether this machine's clock and the server's agree."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks import events

if TYPE_CHECKING:
    from hourlyclicks.events import Dispatcher

_BEHIND, _AHEAD = dt.timedelta(minutes=-5), dt.timedelta(minutes=5)
"""Clocks that differ by no more are taken to agree."""

_AGREED = 10
"""Answers in a row with a ``Date`` that agrees, after which a difference is over. One is not enough, since
each server behind a load balancer has a clock of its own."""


class ClockSkewDetector:
    """Report once that the clocks differ, until they agree again.

    Args:
        dispatch: receives the event.
    """

    def __init__(self, dispatch: Dispatcher) -> None:
        self._dispatch = dispatch
        self._reported = False
        self._agreed = 0

    def record(self, skew: dt.timedelta | None) -> None:
        """Note the difference that an answer shows.

        Args:
            skew: how far our clock is ahead; ``None`` if the answer does not show it.
        """
        if skew is None:
            return
        if _BEHIND <= skew <= _AHEAD:
            if self._reported:
                self._agreed += 1
                self._reported = self._agreed < _AGREED
            return
        self._agreed = 0
        if not self._reported:
            self._reported = True
            self._dispatch(events.ClockSkew(seconds=skew.total_seconds()))
