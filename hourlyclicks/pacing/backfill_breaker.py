"""A storm: so much fails that backfills had better wait, while everybody else may still try.

It holds the backfills of one process for a while, and then lets a single one of their requests try whether
it is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.pacing.breaker import CircuitBreaker
from hourlyclicks.pacing.spacing import OpenIntervals

if TYPE_CHECKING:
    from hourlyclicks.pacing.breaker import Wait
    from hourlyclicks.pacing.window import Slot


class BackfillBreaker:
    """The storm there is, if there is one.

    Args:
        first: seconds; the length of the first pause.

    Attributes:
        quiet: whether there has been none since the last answer.
    """

    def __init__(self, first: float) -> None:
        self.quiet = True
        self._pause = CircuitBreaker()
        self._backoff = OpenIntervals(first)

    @property
    def spent(self) -> bool:
        """Whether there were too many pauses without an answer."""
        return self._backoff.spent

    def begin(self, now: int, u: float) -> float | None:
        """Begin a pause unless there is one; return its seconds if it is a new one."""
        if self._pause.blocks(now) is not None or self._backoff.spent:
            return None
        self.quiet = False
        seconds = self._backoff.next(None, u)
        self._pause.begin(now + round(seconds * SECOND))
        return seconds

    def calmed(self) -> bool:
        """Note that a day was answered; return whether that ends the storm."""
        self.quiet = True
        self._backoff.answered()
        return self._pause.end()

    def blocks(self, now: int) -> Wait | None:
        """Say why a backfill must wait now, or ``None`` when it may go."""
        return self._pause.blocks(now)

    def opens(self, now: int) -> int:
        """Return the moment from which a backfill may go, as far as can be foreseen."""
        return self._pause.opens(now)

    def admit(self, slot: Slot) -> Slot:
        """Let a slot of a backfill go, and write down between which storms."""
        slot.storm_probe = self._pause.sent()
        slot.storm = self._pause.epoch
        return slot

    def outdated(self, slot: Slot) -> bool:
        """Return whether another storm has begun since a slot was let go."""
        return slot.storm != self._pause.epoch

    def lost(self, slot: Slot) -> bool:
        """Note that a slot was given up; return whether it had been sent to try whether the storm is over."""
        if not slot.storm_probe or self.outdated(slot):
            return False
        self._pause.probe_lost()
        return True
