"""What is left of one target of a backfill: how many days, and which were dealt with, one bit each."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.dates import DateRange

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.define(eq=False)
class Remaining:
    """What is left of one target.

    The survey counts the days that are due and does not tell which they are. That shows as the ledger is
    read, and other processes may have fetched some of them by then. A day that is not due is taken for one
    that was not due in the survey, as long as there may be such days; each further one was due then.

    Args:
        days: the days of the target.
        due: how many of them will be handed out, as far as is known.
        settled: how many days that were not due in the survey have not been passed yet.
        passed: the days that were handed out or are not due, one bit each.
    """

    days: DateRange
    due: int
    settled: int
    passed: int = 0

    @classmethod
    def nothing(cls, days: DateRange) -> Remaining:
        """Return what is left of a target whose days were all passed."""
        return cls(days, due=0, settled=0, passed=(1 << len(days)) - 1)

    def bit(self, day: dt.date) -> int:
        """Return the bit of a day."""
        return 1 << self.days.index(day)

    def days_of(self, bits: int, *, newest_first: bool) -> Iterator[tuple[dt.date, int]]:
        """Yield the days of some bits in order or from the last one back, each with its bit."""
        first = self.days.start.toordinal()
        while bits:
            number = (bits if newest_first else bits & -bits).bit_length() - 1
            bit = 1 << number
            bits ^= bit
            yield dt.date.fromordinal(first + number), bit

    def hand_out(self, bit: int) -> None:
        """Note that a day is requested now."""
        self.passed |= bit
        self.due -= 1

    def put_back(self, day: dt.date) -> None:
        """Note that a day was not requested after all."""
        self.passed &= ~self.bit(day)
        self.due += 1

    def skip(self, bit: int) -> bool:
        """Note that a day is not due; return whether it was in the survey."""
        self.passed |= bit
        if self.settled:
            self.settled -= 1
            return False
        self.due -= 1
        return True
