"""One progress for the targets of a run that are fetched one after the other.

Each of them tells how far it is itself; what was done before is added, and what comes after is foreseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hourlyclicks.events import Progress
from hourlyclicks.pacing.eta import TYPICAL_LATENCY, forecast

if TYPE_CHECKING:
    from hourlyclicks.events import Event, Hook
    from hourlyclicks.pacing.plans import Limits


class JointProgress:
    """A hook that passes events on, with the progress of one target made that of all.

    Args:
        hook: gets the events.
        days: how many days each target has.
        targets: how many targets there are.
        limits: the limits that are kept.
    """

    def __init__(self, hook: Hook, *, days: int, targets: int, limits: Limits) -> None:
        self._hook = hook
        self._days = days
        self._targets = targets
        self._limits = limits
        self._begun = 0
        self._done = self._failed = 0
        self._now: Progress | None = None
        self._later = 0.0

    def begin(self) -> None:
        """Take note that the next target begins."""
        if self._now is not None:
            self._done += self._now.done
            self._failed += self._now.failed
            self._now = None
        self._begun += 1
        self._later = self._foreseen(self._targets - self._begun + 1) - self._foreseen(1)

    def __call__(self, event: Event, /) -> None:
        """Pass an event on."""
        if self._targets > 1 and isinstance(event, Progress):
            self._now = event
            event = attrs.evolve(
                event,
                done=self._done + event.done,
                failed=self._failed + event.failed,
                total=self._days * self._targets,
                eta=self._later + event.eta,
            )
        self._hook(event)

    def _foreseen(self, targets: int) -> float:
        return forecast(self._days * targets, self._limits, latency=TYPICAL_LATENCY).seconds
