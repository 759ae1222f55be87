"""The regulator: the gate and the brake of one account together. Pure, like its parts.

A process that is alone with its key has one in its memory. Processes that share a key write its state into
their store; see `hourlyclicks.coordination.arbiter`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.pacing.spacing import AdaptiveSpacing
from hourlyclicks.pacing.window import SlidingWindow

if TYPE_CHECKING:
    from hourlyclicks.pacing.breaker import Wait
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.window import Slot

_CALM_WINDOWS = 10
_LONGEST_FIRST_PAUSE = 60.0


class Refusal(NamedTuple):
    """What a refusal leads to.

    Args:
        seconds: how long everybody pauses.
        interval: the seconds between two requests from now on, when that has changed.
    """

    seconds: float
    interval: float | None


def first_pause(limits: Limits) -> float:
    """Return the seconds of the first pause for which nobody names a length."""
    return min(_LONGEST_FIRST_PAUSE, limits.shortest_window)


class AdaptiveThrottle:
    """Decide when a request may go, and what an answer means for those that follow.

    Args:
        limits: the limits to keep.
    """

    def __init__(self, limits: Limits) -> None:
        self.window = SlidingWindow(limits)
        self.spacing = AdaptiveSpacing(
            first_pause=first_pause(limits),
            calm=_CALM_WINDOWS * max((rate.requests for rate in limits.rates), default=1),
            step=1 if limits.spacing == "even" else 0,
        )

    def reserve(self, now: int) -> Slot | Wait:
        """Take a place, or say what to wait for."""
        return self.window.reserve(now)

    def answered(self, slot: Slot) -> bool:
        """Note that the server let a request through; return whether that ends a pause."""
        if slot.epoch != self.window.pause.epoch:
            return False
        self.spacing.answered()
        return self.window.pause.held and self.window.pause.end()

    def refused(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Refusal | None:
        """Begin a pause, unless the request had left before the present one began.

        Args:
            slot: the slot of the refused request.
            retry_after: seconds, as the server asked, or ``None``.
            now: the present moment.
            u: a random number in [0, 1), for the length of the pause.
            for_rate: whether the rate was the reason; if not, the spacing is none of its business.

        Raises:
            RateLimitedError: it is no use to wait.
        """
        if slot.epoch != self.window.pause.epoch:
            return None
        seconds = self.spacing.refused(retry_after, u)
        self.window.pause.begin(now + round(seconds * SECOND))
        return Refusal(seconds, self._spread() if for_rate else None)

    def _spread(self) -> float | None:
        """Spread the requests a step more; return their interval if that makes a difference."""
        step = self.spacing.next_step()
        if step is None or not self.window.limited:
            return None
        self.window.space(step.slack, from_response=step.from_response)
        return self.window.interval
