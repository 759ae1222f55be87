"""The adaptive throttle of one account: the sliding window, and what a 429 changes.

A 429 opens the circuit breaker for all requests. It is one event however many requests were in flight when it
came: the other 429s of the same burst change nothing. The breaker stays open as long as the server asks for,
or else a window, but at most a minute, doubling from 429 to 429; up to a quarter is added at random, so that
several clients with one key do not return together. After `MOST_PAUSES` openings without a single answer the
throttle raises an error.

The first 429 leaves the spacing as it is: a process that was just started may have met the window of its
predecessor. A second one, although the limit was kept, means that the server smooths bursts or that another
program uses the key. From then on the requests are spread, a step wider with each 429:

===== ================================================================
step  spacing
===== ================================================================
0     as configured
1     even: 1.05 times the average interval between two sendings
2     even: 1.02 times the average interval after the last response
3 …   the same interval times 1.25, 1.5625, … (at most 8 times, step 12)
===== ================================================================

A process that is alone with its key has one throttle in its memory. Processes that share a key keep its state
in their store; see `hourlyclicks.coordination.arbiter`. Pure: it neither waits nor reads a clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import RateLimitedError
from hourlyclicks.pacing.breaker import MOST_PAUSES, OpenIntervals
from hourlyclicks.pacing.window import EVEN_SLACK, SlidingWindow

if TYPE_CHECKING:
    from hourlyclicks.pacing.breaker import BreakerState, Wait
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.window import Slot

LONGEST_WAIT = 900.0
"""Seconds. If a server asks for more, an error is raised at once."""

_FROM_RESPONSE_SLACK = 1.02
_STRETCH = 1.25
_MOST_STRETCH = 8.0
_LAST_STEP = 12
_FORGET_AFTER_WINDOWS = 10
_LONGEST_FIRST_PAUSE = 60.0


class SpacingStep(NamedTuple):
    """How the requests are spread: see `SlidingWindow.space`."""

    slack: float
    from_response: bool


class ThrottleState(NamedTuple):
    """All that a throttle has learnt.

    Args:
        pauses: how many there were since the last answer.
        step: the step of the spacing.
        answers: how many there were since the last 429.
        warned: whether the last 429 still counts, so that the next one is a second one.
    """

    pauses: int
    step: int
    answers: int
    warned: bool


class AdaptiveSpacing:
    """Decide what a 429 means: how long to pause, and how to spread the requests afterwards.

    Args:
        first_pause: seconds; the length of the first pause for which the server names no length.
        forget_after: after so many answers in a row a first 429 is forgotten.
        step: the step to start on; 1 when the spacing is even from the beginning.
    """

    def __init__(self, *, first_pause: float, forget_after: int, step: int = 0) -> None:
        self._intervals = OpenIntervals(first_pause)
        self._forget_after = forget_after
        self._step = step
        self._answers = 0
        self._warned = step > 0

    def rate_limited(self, retry_after: float | None, u: float) -> float:
        """Return for how many seconds all requests pause after a 429.

        Raises:
            RateLimitedError: the server asks for more than `LONGEST_WAIT`, or still answers 429 after
                `MOST_PAUSES` pauses.
        """
        if retry_after is not None and retry_after > LONGEST_WAIT:
            raise RateLimitedError(
                f"the server rejects further requests and asks to wait {retry_after:.0f} s",
                retry_after=retry_after,
            )
        if self._intervals.spent:
            raise RateLimitedError(
                f"the server still rejects requests after {MOST_PAUSES} pauses;"
                " does another program use this key?",
                retry_after=retry_after,
            )
        self._answers = 0
        return self._intervals.next(retry_after, u)

    def next_step(self) -> SpacingStep | None:
        """Return how to spread the requests from this 429 on, or ``None`` to leave it as it is."""
        if not self._warned:
            self._warned = True
            return None
        if self._step == _LAST_STEP:
            return None
        self._step += 1
        return self.step

    @property
    def step(self) -> SpacingStep | None:
        """How the requests are spread at present; ``None``: not at all."""
        if self._step == 0:
            return None
        if self._step == 1:
            return SpacingStep(EVEN_SLACK, from_response=False)
        stretch = min(_STRETCH ** (self._step - 2), _MOST_STRETCH)
        return SpacingStep(_FROM_RESPONSE_SLACK * stretch, from_response=True)

    @property
    def state(self) -> ThrottleState:
        """What it has learnt."""
        return ThrottleState(self._intervals.pauses, self._step, self._answers, self._warned)

    def restore(self, state: ThrottleState) -> None:
        """Learn at once what another throttle has learnt."""
        self._intervals.pauses = state.pauses
        self._step = max(self._step, state.step)
        self._answers = state.answers
        self._warned = self._warned or state.warned

    def answered(self) -> None:
        """Note that a request was let through."""
        if self._intervals.pauses:
            self._intervals.answered()
        self._answers += 1
        if self._answers >= self._forget_after and self._step == 0:
            self._warned = False


class Throttled(NamedTuple):
    """What a 429 leads to.

    Args:
        seconds: for how long all requests pause.
        interval: the seconds between two requests from now on, when that has changed.
    """

    seconds: float
    interval: float | None


def first_pause(limits: Limits) -> float:
    """Return the seconds of the first pause for which the server names no length."""
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
            forget_after=_FORGET_AFTER_WINDOWS * max((rate.requests for rate in limits.rates), default=1),
            step=1 if limits.spacing == "even" else 0,
        )

    def restore(self, breaker: BreakerState, learnt: ThrottleState | None) -> None:
        """Go on where another throttle was; what its window has seen is restored there.

        Args:
            breaker: the state of its circuit breaker.
            learnt: what 429 answers have taught it; ``None``: nothing.
        """
        self.window.breaker.restore(breaker)
        if learnt is not None:
            self.spacing.restore(learnt)
        step = self.spacing.step
        if step is not None:
            self.window.space(step.slack, from_response=step.from_response)

    def reserve(self, now: int) -> Slot | Wait:
        """Take a slot, or say what to wait for."""
        return self.window.reserve(now)

    def answered(self, slot: Slot) -> bool:
        """Note that the server let a request through; return whether that closes the breaker."""
        if slot.epoch != self.window.breaker.epoch:
            return False
        self.spacing.answered()
        return self.window.breaker.held and self.window.breaker.end()

    def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Throttled | None:
        """Open the breaker after a 429, unless the request was sent before the breaker last opened.

        Args:
            slot: the slot of the rejected request.
            retry_after: seconds, as the server asked, or ``None``.
            now: the present moment.
            u: a random number in [0, 1), for the length of the pause.
            for_rate: whether the rate was the reason; if not, the spacing stays as it is.

        Raises:
            RateLimitedError: waiting is of no use.
        """
        if slot.epoch != self.window.breaker.epoch:
            return None
        seconds = self.spacing.rate_limited(retry_after, u)
        self.window.breaker.begin(now + round(seconds * SECOND))
        return Throttled(seconds, self._spread() if for_rate else None)

    def _spread(self) -> float | None:
        """Spread the requests a step more; return their interval if that makes a difference."""
        step = self.spacing.next_step()
        if step is None or not self.window.limited:
            return None
        self.window.space(step.slack, from_response=step.from_response)
        return self.window.interval
