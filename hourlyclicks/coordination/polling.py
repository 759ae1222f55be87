"""When to ask the arbiter again, so that waiting takes no transactions.

* Until a moment that the arbiter has named, nothing is asked. Behind other processes, that is the moment at
  which they will have sent.
* Until a response of this process, nothing is asked either: the step that reports it asks again.
* Until a response of another process, or for its turn, the state is read again and again, without a
  transaction, and the more seldom the more processes rank before this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.process_queue import POLL_AFTER
from hourlyclicks.pacing.breaker import Wait

if TYPE_CHECKING:
    from hourlyclicks.coordination.arbiter import Claimed
    from hourlyclicks.coordination.state import LimitsHolder
    from hourlyclicks.events import Binding
    from hourlyclicks.model.priority import Lane
    from hourlyclicks.pacing.window import Slot

_LOOK_AFTER = SECOND
"""Nanoseconds after which a process looks at the state again, though others rank before it."""
_MOST_DOUBLINGS = 6
_WAITING_PART = 20
"""A poll comes after this part of the time since the last request was sent: it adds little to a long wait."""
_NEVER = 1 << 62


class Answer(NamedTuple):
    """What the arbiter has answered to a request for a slot.

    Args:
        got: the slot, or what to wait for; ``None``: no request is needed.
        next_wait: what the next request of this process must wait for, if that is known.
        ahead: how many other processes in the queue rank before this one.
        alone: whether all requests in flight are of this process, which will report their responses.
        waited: the nanoseconds since the last request was sent.
        expires_in: those until a request in flight counts as over.
        holder: the process that has the limits in memory, so that this one has to wait.
    """

    got: Slot | Wait | Claimed | None
    next_wait: Wait | None = None
    ahead: int = 0
    alone: bool = False
    waited: int = 0
    expires_in: int = 0
    holder: LimitsHolder | None = None


class Polling:
    """The moment at which the arbiter is asked again.

    Attributes:
        binding: what the tasks wait for.
    """

    def __init__(self) -> None:
        self.binding: Binding = "rate"
        self._next = 0
        self._lane: Lane | None = None

    def wait(self, lane: Lane, now: int) -> Wait | None:
        """Return what a task of a lane must wait for before the arbiter is asked; ``None``: ask now."""
        if now < self._next and self._lane is not None and lane >= self._lane:
            return Wait(None if self._next == _NEVER else self._next, self.binding)
        return None

    def ask_now(self) -> None:
        """Let the next task ask at once."""
        self._next = 0

    def reported(self) -> None:
        """Let the next task ask at once if what was reported may have freed a slot."""
        if self._next == _NEVER or self.binding != "rate":
            self._next = 0

    def wait_for(self, wait: Wait, lane: Lane, answer: Answer, *, now: int, offset: int) -> None:
        """Set when to ask again.

        Args:
            wait: what the arbiter has said to wait for, on the clock of the store.
            lane: the lane of the task that asked; tasks of a higher priority may ask earlier.
            answer: what else the arbiter has answered.
            now: the present moment, on the clock of this process.
            offset: how far the clock of the store is ahead of that.
        """
        self._lane, self.binding = lane, wait.binding
        until = None if wait.until is None else wait.until - offset
        if until is not None and not answer.ahead:
            self._next = until
        elif until is not None and until > now + POLL_AFTER:
            self._next = min(until, now + answer.ahead * _LOOK_AFTER)
        elif until is None and answer.alone and not answer.ahead:
            self._next = _NEVER
        else:
            pause = max(POLL_AFTER, answer.waited // _WAITING_PART) << min(answer.ahead, _MOST_DOUBLINGS)
            self._next = now + min(pause, _LOOK_AFTER, max(POLL_AFTER, answer.expires_in))
