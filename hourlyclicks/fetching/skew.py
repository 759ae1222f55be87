"""Whether this machine's clock and the server's agree."""

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
"""Answers in a row with a ``Date`` that agrees, after which a difference is over. One is not enough, since
each server behind a load balancer has a clock of its own."""

_HOURS, _DAYS = 2 * 3600, 2 * 86_400
"""Seconds from which a difference is shown in hours, or in days."""


class SkewWatch:
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
            event = ClockSkew(seconds=skew.total_seconds())
            _log.warning("%s", words_for(event.seconds))
            self._dispatch(event)


def words_for(skew: float) -> str:
    """Return the message about a difference of so many seconds."""
    where = "ahead of" if skew > 0 else "behind"
    return (
        f"this machine's clock is {_amount(abs(skew))} {where} the server's: check the time of this machine;"
        " until the two agree, the earlier one decides which days are final"
    )


def _amount(seconds: float) -> str:
    if seconds < _HOURS:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < _DAYS else f"{seconds / 86_400:.1f} days"
