"""The tasks that wait for a slot, and the granting of slots to them.

No background task hands slots out, so none can die: each event that makes one available does it, be it a
task that arrives, a response that frees a slot, or the timer that the last of these events has set. All state
changes between two awaits, so a cancelled task leaves nothing half done: it leaves the queue, or passes on
the slot that it had just been granted.
"""

from __future__ import annotations

import asyncio
import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hourlyclicks import events
from hourlyclicks.model.priority import Lane
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.queue import HeldError, OverError, PriorityQueue, is_waiting
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.clock import Clock, Timer
    from hourlyclicks.events import Hook
    from hourlyclicks.pacing.backend import LimiterBackend
    from hourlyclicks.pacing.breaker import BackfillBreaker
    from hourlyclicks.pacing.eta import EtaCalculator
    from hourlyclicks.pacing.queue import Job, Task

ASKED_TO_WAIT = "the server asks to wait"
"""Why all requests pause after a 429."""

_OTHER_ASKED = "the server asks another process to wait"
_BACKFILL = Lane.BACKFILL  # looked up once, since an enumeration takes its time for it


class TaskQueue:
    """Grant slots to the tasks that wait, in the order of the priorities.

    Args:
        backend: decides when requests may be sent.
        breaker: the circuit breaker of the backfills.
        eta: knows what the jobs still need.
        clock: what time it is.
        emit: receives the events about pauses.

    Attributes:
        waiting: the tasks that wait.
        why_paused: why the last pause began, in words.
    """

    def __init__(
        self,
        backend: LimiterBackend,
        breaker: BackfillBreaker,
        eta: EtaCalculator,
        *,
        clock: Clock,
        emit: Hook,
    ) -> None:
        self.waiting: PriorityQueue[Task] = PriorityQueue()
        self._backend = backend
        self._breaker = breaker
        self._eta = eta
        self._clock = clock
        self._emit = emit
        self._timer: Timer | None = None
        self.why_paused = ASKED_TO_WAIT
        self._on_pause: set[Callable[[], None]] = set()

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """Return a slot for a task, or what to wait for."""
        if task.job.lane is not _BACKFILL:
            return self._backend.reserve(task, now)
        got = self._breaker.blocks(now) or self._backend.reserve(task, now)
        return self._breaker.admit(got) if isinstance(got, Slot) else got

    async def wait(self, task: Task) -> Slot:
        """Wait in the queue for a slot."""
        granted: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        task.slot = granted
        self.waiting.push(task.job, task)
        self.serve()
        try:
            return await granted
        except asyncio.CancelledError:
            self._leave_queue(task, granted)
            raise
        finally:
            task.slot = None

    @contextmanager
    def reporting(self, pause_began: Callable[[], None]) -> Iterator[None]:
        """Call a function whenever a pause begins, here or in another process."""
        self._on_pause.add(pause_began)
        try:
            yield
        finally:
            self._on_pause.discard(pause_began)

    def pause(self, event: events.Paused) -> None:
        """Report that a pause has begun."""
        if event.why != events.MUCH_FAILS:
            self.why_paused = event.why
        self._emit(event)
        for report in tuple(self._on_pause):
            report()

    def give_back(self, slot: Slot) -> None:
        """Give back the slot of a request that was never sent."""
        self._backend.cancel(slot)
        self.released(slot)

    def released(self, slot: Slot) -> None:
        """Note that a slot of a job was released, and let other tasks use what that has made free."""
        job = slot.job
        job.in_flight -= 1
        if job.changed is not None:
            job.changed.add(job)
        if slot.backfill_probe and self._breaker.lost(slot):
            self._serve_soon()  # not at once: the caller may be about to report that the probe failed
        else:
            self.serve()

    def move(self, task: Task, job: Job) -> bool:
        """Move a task to a job of at least the same priority; return whether it was moved."""
        if job.lane > task.job.lane:
            return False
        previous, task.job = task.job, job
        if self.waiting.remove(previous, task):
            self.waiting.push(job, task)
            self.serve()
        return True

    def dismiss(self, job: Job) -> None:
        """End the wait of all tasks of a job that is over."""
        for task in self.waiting.drain(job):
            _fail(task, OverError())
        self.serve()

    def recall(self, job: Job) -> None:
        """End the wait of those tasks of a job that a circuit breaker holds now."""
        for task in self.waiting.drain(job):
            if job.holds(task.query):
                _fail(task, HeldError())
            else:
                self.waiting.push(job, task)
        self.serve()

    # -- as the backend sees it ----------------------------------------------------------------------------

    def serve(self) -> None:
        """Grant all slots that can be granted now, and set the timer for the next one.

        Every event that may free a slot calls this. Each lane is served on its own, since a wait in one of
        them (an open breaker of the backfills) must not stop the other. A lane that waits for a response has
        no moment: `released` will call this again. So there is at most one timer, for the earliest moment.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.waiting.size:
            self._backend.idle()
            return
        now = self._clock.monotonic()
        moments = [moment for lane in Lane if (moment := self._serve_lane(lane, now)) is not None]
        if moments:
            self._timer = self._clock.call_later(min(moments) - now, self.serve)

    def grant(self, task: Task, slot: Slot) -> bool:
        """Give a task its slot; return whether it still wants it and may have it."""
        backfill = task.job.lane is Lane.BACKFILL
        if not is_waiting(task) or (backfill and self._breaker.blocks(self._clock.monotonic())):
            return False
        self.waiting.remove(task.job, task)
        _grant_to(task, self._breaker.admit(slot) if backfill else slot)
        return True

    def deny(self, task: Task, error: Exception) -> None:
        """End the wait of a task with an error."""
        if self.waiting.remove(task.job, task):
            _fail(task, error)

    def fail(self, error: Exception) -> None:
        """End the wait of all tasks with an error."""
        for task in self.waiting.drain():
            _fail(task, error)
        self._backend.idle()

    def paused(self, seconds: float) -> None:
        """Report a pause that began in another process."""
        self.pause(events.Paused(seconds=seconds, why=_OTHER_ASKED))

    def resumed(self) -> None:
        """Report that a pause has ended."""
        self._emit(events.Resumed())
        self.serve()

    def held(self, requests: int, seconds: float, *, killed: bool) -> None:
        """Report that requests of other processes are waited for, for so long at most."""
        self._emit(events.SlotsHeld(requests=requests, seconds=seconds, killed=killed))

    def load(self, lane: Lane) -> tuple[int, int]:
        """Return how many tasks wait in a lane, and how many requests its jobs still need."""
        return self.waiting.length(lane), self._eta.unsent(lane)

    # -- inside -----------------------------------------------------------------------------------------

    def _leave_queue(self, task: Task, granted: asyncio.Future[Slot]) -> None:
        """Leave the queue, or give back the slot that was granted just before."""
        if granted.cancelled():
            self.waiting.remove(task.job, task)
            self.serve()
        elif granted.exception() is None:
            self.give_back(granted.result())

    def _serve_soon(self) -> None:
        """Serve in the next turn of the loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_later(0, self.serve)

    def _serve_lane(self, lane: Lane, now: int) -> int | None:
        """Grant slots in one lane; return when to continue, if that moment is known."""
        while self.waiting.waiting(lane):
            task = self.waiting.first(lane)
            if not is_waiting(task):  # cancelled a moment ago, and still in the queue
                self.waiting.pop(lane)
                continue
            got = self.reserve(task, now)
            if isinstance(got, Wait):
                return got.until
            self.waiting.pop(lane)
            _grant_to(task, got)
        return None


def _fail(task: Task, error: Exception) -> None:
    """End the wait of a task with an error."""
    if task.slot is not None and not task.slot.done():
        task.slot.set_exception(copy.copy(error))


def _grant_to(task: Task, slot: Slot) -> None:
    assert task.slot is not None  # noqa: S101 - each caller has seen that it waits
    slot.job = job = task.job
    job.in_flight += 1
    if job.changed is not None:
        job.changed.add(job)
    task.slot.set_result(slot)
