"""The runs of this process as other processes see them, through the state of the shared limit.

While a run is registered, its heartbeat goes into each step that changes the state. If there was no step for
`LOOK_AFTER`, as in a long pause, the state is read without a transaction, to see whether the run is asked to
stop; the state is only changed if the last heartbeat becomes too old, a pause has begun, or a claim of this
process would end before the next look.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.heartbeat import RUN_LEASE, Heartbeat
from hourlyclicks.coordination.processes import host_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.clock import Clock, Timer
    from hourlyclicks.coordination.arbiter import Arbiter
    from hourlyclicks.coordination.state import ArbiterState
    from hourlyclicks.coordination.step_loop import StepLoop
    from hourlyclicks.coordination.steps import ArbiterSteps

LOOK_AFTER = 10 * SECOND
"""Nanoseconds without a step after which the state is read; a run is stopped within this time."""

_LATE = 2 * SECOND
"""Nanoseconds by which the next look may come late."""
_OLD_HEARTBEAT = 2 * RUN_LEASE // 3
_COMPUTE_AFTER = 5 * SECOND
"""Nanoseconds for which a computed ETA is used."""


class RegisteredRun(Protocol):
    """A run that can be seen and stopped by other processes."""

    @property
    def name(self) -> str:
        """The name it was given; empty: none."""
        ...

    @property
    def requests(self) -> int:
        """How many requests it still has to send, if none has to be repeated."""
        ...

    @property
    def pause(self) -> float:
        """The seconds for which its own circuit breaker lets nothing go; 0: it does."""
        ...

    def eta(self) -> float:
        """Compute the seconds until it ends: when it is done, or has to stop before."""
        ...

    def stop_asked(self) -> None:
        """Stop gracefully: another process has asked for it."""
        ...


class _Registration:
    """A run, and what is known of its heartbeats.

    Attributes:
        ends: when it will be done.
        computed: when that was computed; ``None``: it has to be computed anew.
        pauses: how many shared pauses there had been then, and whether it paused by itself.
        written: the same of the last heartbeat that was written.
        seen: when that was written, on the clock of the store.
        visible: from when on others see it.
    """

    def __init__(self, key: str, run: RegisteredRun, began: int, visible: int) -> None:
        self.key = key
        self.run = run
        self.began = began
        self.visible = visible
        self.reported = False
        self.stopped = False
        self.ends = 0
        self.computed: int | None = None
        self.pauses = self.written = (0, False)
        self.seen = 0


class RunRegistry:
    """The runs of this process.

    Args:
        steps: takes the steps.
        loop: reads the shared state, and reports with the next step.
        clock: what time it is here.
    """

    def __init__(self, steps: ArbiterSteps, loop: StepLoop, *, clock: Clock) -> None:
        self._steps = steps
        self._loop = loop
        self._clock = clock
        self._runs: dict[str, _Registration] = {}
        self._number = 0
        self._host = ""
        self._began = self._left = 0
        self._timer: Timer | None = None

    @contextmanager
    def registered(self, run: RegisteredRun, *, after: int = 0) -> Iterator[None]:
        """Let other processes see and stop a run, until the context is left.

        Args:
            run: the run.
            after: for how many nanoseconds it is not seen, so that one that is over by then costs nothing;
                one that follows another at once is taken for the same.
        """
        self._number += 1
        now = self._clock.monotonic()
        if not self._runs and now - self._left > after:
            self._began = now
        began = self._began if after else now
        key = f"{self._steps.holder}.{self._number}"
        self._host = host_name()
        self._runs[key] = _Registration(key, run, began, began + after)
        if self._timer is None:
            self._timer = self._clock.call_later(LOOK_AFTER, self._check)
        try:
            yield
        finally:
            reported = self._runs.pop(key).reported
            self._left = self._clock.monotonic()
            if not self._runs and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if reported:
                self._loop.report(lambda arbiter: arbiter.end_run(key))

    def heartbeats(self) -> dict[str, Heartbeat]:
        """Return what the runs report with a step that is taken now."""
        now = self._clock.monotonic()
        return {key: self._heartbeat(each, now) for key, each in self._runs.items() if each.visible <= now}

    def heard(self, state: ArbiterState) -> None:
        """Stop the runs that are asked to stop in a state."""
        for each in tuple(self._runs.values()):
            entry = state.runs.get(each.key)
            if entry is None:
                continue
            if entry.seen != each.seen:
                each.seen, each.written = entry.seen, each.pauses
            if entry.stop and not each.stopped:
                each.stopped = True
                each.run.stop_asked()

    # -- inside -----------------------------------------------------------------------------------------

    def _heartbeat(self, each: _Registration, now: int) -> Heartbeat:
        each.reported = True
        run, pause = each.run, round(each.run.pause * SECOND)
        pauses = self._steps.state.pause.epoch, bool(pause)
        if each.computed is None or each.pauses != pauses or now - each.computed >= _COMPUTE_AFTER:
            each.ends, each.pauses = now + round(run.eta() * SECOND), pauses
            # Before the first step, it is not known what other processes have sent.
            each.computed = None if self._steps.taken is None else now
        left = max(0, each.ends - now)
        return Heartbeat(self._host, os.getpid(), run.name, now - each.began, run.requests, left, pause)

    def _check(self) -> None:
        """Read the state if there was no step for a while, or change it if that is necessary."""
        now = self._clock.monotonic()
        due = now if self._steps.taken is None else self._steps.taken + LOOK_AFTER
        if due <= now:
            due = now + LOOK_AFTER
            if self._steps.claims_end_by(due + _LATE) or any(
                self._needs_heartbeat(each, now + self._steps.offset) for each in self._runs.values()
            ):
                self._loop.report(_change)
            else:
                self._loop.look()
        self._timer = self._clock.call_later(due - now, self._check)

    def _needs_heartbeat(self, each: _Registration, now: int) -> bool:
        """Return whether the last heartbeat of a run is too old, or does not tell of a pause."""
        if each.visible > now - self._steps.offset:
            return False
        entry = self._steps.state.runs.get(each.key)
        if entry is None or not 0 <= now - entry.seen < _OLD_HEARTBEAT:
            return True
        return each.written != (self._steps.state.pause.epoch, bool(each.run.pause))


def _change(arbiter: Arbiter) -> None:
    """Have the state written: heartbeats and renewed claims go into each step that changes it."""
    arbiter.changed = True
