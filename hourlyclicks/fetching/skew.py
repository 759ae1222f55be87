"""Whether this machine's clock and the server's agree, as one client sees it."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from hourlyclicks.events import ClockSkew

if TYPE_CHECKING:
    from hourlyclicks.events import Dispatcher

LOGGER = "hourlyclicks.clock"
"""Where the warning is logged."""

_log = logging.getLogger(LOGGER)

_BEHIND, _AHEAD = dt.timedelta(minutes=-5), dt.timedelta(minutes=5)
"""Clocks that differ by no more are taken to agree."""

_AGREED = 10
"""After so many answers in a row with a ``Date`` that agrees, a difference is gone. One is not enough, since
each server behind a load balancer has a clock of its own."""

_HOURS, _DAYS = 2 * 3600, 2 * 86_400
"""Seconds from which a difference is told in hours, or in days."""


class SkewWatch:
    """Tell once that the clocks differ, until they agree again.

    Args:
        announce: told of it.
    """

    def __init__(self, dispatch: Dispatcher) -> None:
        self._dispatch = dispatch
        self._told = False
        self._agreed = 0

    def note(self, skew: dt.timedelta | None) -> None:
        """Take note of the difference that an answer shows.

        Args:
            skew: how far our clock is ahead; ``None`` when the answer does not tell.
        """
        if skew is None:
            return
        if _BEHIND <= skew <= _AHEAD:
            if self._told:
                self._agreed += 1
                self._told = self._agreed < _AGREED
            return
        self._agreed = 0
        if not self._told:
            self._told = True
            event = ClockSkew(seconds=skew.total_seconds())
            _log.warning("%s", words_for(event.seconds))
            self._dispatch(event)


def words_for(skew: float) -> str:
    """Say what a difference of so many seconds means, and what to do."""
    where = "ahead of" if skew > 0 else "behind"
    return (
        f"this machine's clock is {_amount(abs(skew))} {where} the server's: check the time of this machine;"
        " until the two agree, the earlier one decides which days are final"
    )


def _amount(seconds: float) -> str:
    if seconds < _HOURS:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < _DAYS else f"{seconds / 86_400:.1f} days"
