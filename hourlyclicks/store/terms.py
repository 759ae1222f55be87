"""What a call wants of the days that a store knows already."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.store.ledger import SETTLED, DayState

if TYPE_CHECKING:
    from hourlyclicks.store.ledger import Mark


@attrs.frozen
class Terms:
    """The terms of one call.

    Args:
        began: when it began. What was answered since then need not be asked for again, whoever asked.
        refresh: whether days that are known for good are asked for again.
        refused: whether days that were refused are.
    """

    began: dt.datetime
    refresh: bool = False
    refused: bool = False

    def want(self, mark: Mark | None) -> bool:
        """Return whether a request for a day is worth it.

        Args:
            mark: what the store knows of the day.
        """
        if mark is None or mark.state is DayState.FAILED:
            return True
        if mark.state is DayState.REFUSED:
            return self.refused or self.refresh
        return self.want_again(mark.asked_at, final=mark.state in SETTLED)

    def want_again(self, asked_at: dt.datetime, *, final: bool) -> bool:
        """Return whether a request for a day with figures is worth it.

        Args:
            asked_at: when they were asked for.
            final: whether they can no longer change.
        """
        return asked_at < self.began and (self.refresh or not final)
