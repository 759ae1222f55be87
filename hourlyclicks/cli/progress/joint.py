"""One progress for the targets of a run that are fetched one after the other.

The days of earlier targets are added to the progress of each, and the time of later ones to its ETA.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.events import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hourlyclicks import Estimate
    from hourlyclicks.events import Binding, Event, Hook


class JointProgress:
    """A hook that passes events on, with the progress of one target made that of all.

    Args:
        hook: gets the events.
        days: how many days each target has, in their order.
        estimate: returns what so many requests take.
    """

    def __init__(self, hook: Hook, *, days: Sequence[int], estimate: Callable[[int], Estimate]) -> None:
        self._hook = hook
        self._days = days
        self._total = self._left = sum(days)
        self._estimate = estimate
        self._begun = 0
        self._done = self._failed = 0
        self._now: Progress | None = None
        self._later = 0.0

    def begin(self) -> None:
        """Note that the next target begins."""
        if self._now is not None:
            self._done += self._now.done
            self._failed += self._now.failed
            self._now = None
        here, left = self._days[self._begun], self._left
        self._begun += 1
        self._left -= here
        self._later = self._seconds(left) - self._seconds(here)

    def __call__(self, event: Event, /) -> None:
        """Pass an event on."""
        if len(self._days) > 1 and isinstance(event, Progress):
            self._now = event
            event = Progress.deferred(
                done=self._done + event.done,
                failed=self._failed + event.failed,
                total=self._total,
                compute=partial(_add, event, self._later),
                of=event,
            )
        self._hook(event)

    def _seconds(self, days: int) -> float:
        return self._estimate(days).seconds


def _add(event: Progress, later: float) -> tuple[float, Binding]:
    """Return the ETA of an event and what binds, with the seconds of later targets added."""
    return later + event.eta, event.binding
