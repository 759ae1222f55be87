"""The brake: what a refusal (HTTP 429) does to everybody.

A refusal is one event however many requests were in flight when it came: it begins one pause, and the
refusals of the others add nothing. The pause lasts as long as the server asked for, or else a window, but at
most a minute, doubling from refusal to refusal; and up to a quarter longer by chance, so that several clients
on one key do not come back together. After a bounded number of pauses without a single answer the brake gives
up.

One refusal teaches nothing: a process that was started anew may have met the window of its predecessor. A
second one, although the limit was kept, means that the server smooths bursts or that somebody shares the
key. The answer is to spread the requests more and more, a step a refusal:

===== ================================================================
step  spacing
===== ================================================================
0     as configured
1     even: 1.05 times the average interval between two sendings
2     even: 1.02 times the average interval after the last response
3 …   the same interval times 1.25, 1.5625, … (at most 8 times, step 12)
===== ================================================================
"""

from __future__ import annotations

from typing import NamedTuple

from hourlyclicks.errors import RateLimitedError
from hourlyclicks.pacing.window import EVEN_SLACK

LONGEST_WAIT = 900.0
"""Seconds. A server that asks for more is not waited for; the caller is told at once."""

MOST_PAUSES = 10
"""So many pauses without an answer between them, and the brake gives up."""

_FROM_RESPONSE_SLACK = 1.02
_STRETCH = 1.25
_MOST_STRETCH = 8.0
_LAST_STEP = 12
_DOUBLINGS = 10


class Spacing(NamedTuple):
    """How the requests are spread: see `SlidingWindow.space`."""

    slack: float
    from_response: bool


class ThrottleState(NamedTuple):
    """All that a brake has learnt.

    Args:
        pauses: how many there were since the last answer.
        step: the step of the spacing.
        answers: how many there were since the last refusal.
        warned: whether a refusal is not forgotten yet.
    """

    pauses: int
    step: int
    answers: int
    warned: bool


class OpenIntervals:
    """The lengths of successive pauses: a first one, doubling up to 15 times as much.

    Attributes:
        pauses: how many there were since the last answer.
    """

    def __init__(self, first: float) -> None:
        self._first = first
        self.pauses = 0

    @property
    def spent(self) -> bool:
        """Whether there were `MOST_PAUSES` pauses without an answer."""
        return self.pauses >= MOST_PAUSES

    def next(self, asked: float | None, u: float) -> float:
        """Return how many seconds to pause; `asked` is the server's wish, `u` a random number in [0, 1)."""
        doubled = self._first * 2.0 ** min(self.pauses, _DOUBLINGS)
        self.pauses += 1
        return (asked or min(doubled, 15 * self._first)) * (1 + u / 4)

    def answered(self) -> None:
        """Begin anew: there is progress."""
        self.pauses = 0


class AdaptiveSpacing:
    """Decide what one refusal event means: how long to pause and how to go on.

    Args:
        first_pause: seconds; the length of the first pause for which the server names no length.
        calm: so many answers in a row and a first refusal is forgotten.
        step: the step to start on; 1 when the spacing is even from the beginning.
    """

    def __init__(self, *, first_pause: float, calm: int, step: int = 0) -> None:
        self._backoff = OpenIntervals(first_pause)
        self._calm = calm
        self._step = step
        self._answers = 0
        self._warned = step > 0

    def refused(self, retry_after: float | None, u: float) -> float:
        """Return how many seconds everybody pauses.

        Raises:
            RateLimitedError: the server asks for more than `LONGEST_WAIT`, or refused again after
                `MOST_PAUSES` pauses.
        """
        if retry_after is not None and retry_after > LONGEST_WAIT:
            raise RateLimitedError(
                f"the server refuses further requests and asks to wait {retry_after:.0f} s",
                retry_after=retry_after,
            )
        if self._backoff.spent:
            raise RateLimitedError(
                f"the server still refuses after {MOST_PAUSES} pauses; does another program use this key?",
                retry_after=retry_after,
            )
        self._answers = 0
        return self._backoff.next(retry_after, u)

    def next_step(self) -> Spacing | None:
        """Return how to spread the requests from this refusal on, or ``None`` to leave it as it is."""
        if not self._warned:
            self._warned = True
            return None
        if self._step == _LAST_STEP:
            return None
        self._step += 1
        return self.step

    @property
    def step(self) -> Spacing | None:
        """How the requests are spread at present; ``None``: not at all."""
        if self._step == 0:
            return None
        if self._step == 1:
            return Spacing(EVEN_SLACK, from_response=False)
        stretch = min(_STRETCH ** (self._step - 2), _MOST_STRETCH)
        return Spacing(_FROM_RESPONSE_SLACK * stretch, from_response=True)

    @property
    def memory(self) -> ThrottleState:
        """What it has learnt."""
        return ThrottleState(self._backoff.pauses, self._step, self._answers, self._warned)

    def recall(self, memory: ThrottleState) -> None:
        """Learn at once what another brake has learnt."""
        self._backoff.pauses = memory.pauses
        self._step = max(self._step, memory.step)
        self._answers = memory.answers
        self._warned = self._warned or memory.warned

    def answered(self) -> None:
        """Note that a request was let through."""
        if self._backoff.pauses:
            self._backoff.answered()
        self._answers += 1
        if self._answers >= self._calm and self._step == 0:
            self._warned = False
