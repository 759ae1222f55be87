"""The limiter: tasks wait here for the right to send a request.

A task that wants to send waits for a `Slot`. No background task hands slots out, so none can die: each event
that makes one available does it, be it a task that arrives, a response that frees a slot, or the timer that
the last of these events has set. All state changes between two awaits, so a cancelled task leaves nothing
half done: it leaves the queue, or passes on the slot that it had just been granted.
"""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import AuthenticationError, RateLimitedError
from hourlyclicks.events import Paused, Resumed, SpacingChanged
from hourlyclicks.pacing.backend import LocalBackend
from hourlyclicks.pacing.breaker import BackfillBreaker, Wait
from hourlyclicks.pacing.eta import EtaCalculator
from hourlyclicks.pacing.queue import HeldError, Lane, OverError, PriorityQueue, is_waiting
from hourlyclicks.pacing.throttle import first_pause
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from random import Random

    from hourlyclicks.clock import Clock, Timer
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Hook
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.backend import LimiterBackend
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Task

_BACKFILL = Lane.BACKFILL  # looked up once, since an enumeration takes its time for it
_SPREAD = "the server rejects bursts, or another program uses the key: requests are spread evenly"


@attrs.frozen
class Outcome:
    """What became of a request when its slot is released.

    Args:
        sent: whether the request was sent.
        answered: whether the server let it through the rate limit.
        succeeded: whether the API answered the question.
        may_arrive: seconds for which the request may still arrive at the server, although it was abandoned.
    """

    sent: bool = True
    answered: bool = False
    succeeded: bool = False
    may_arrive: float = 0.0


UNSENT = Outcome(sent=False)
LOST = Outcome()
ANSWERED = Outcome(answered=True)
SUCCEEDED = Outcome(answered=True, succeeded=True)


class Limiter:
    """Grant slots within the limits, in the order of the priorities.

    The order of calls is `acquire` (or `try_acquire`), send the request, `finish`.

    Args:
        limits: the limits.
        clock: what time it is.
        emit: receives the events about pauses and about changes of the spacing.
        random: where the jitter of pauses comes from.
        backend: decides when requests may be sent; a local one if omitted.

    Attributes:
        eta: computes when jobs will be done.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Clock,
        emit: Hook,
        random: Random,
        backend: LimiterBackend | None = None,
    ) -> None:
        self._clock = clock
        self._emit = emit
        self._random = random
        self._backend: LimiterBackend = backend or LocalBackend(limits)
        self._backend.attach(self)
        self._backfill_breaker = BackfillBreaker(first_pause(limits))
        self._queue: PriorityQueue[Task] = PriorityQueue()
        self.eta = EtaCalculator(clock, self._backend, self._backfill_breaker)
        self._timer: Timer | None = None
        self._latch: HourlyClicksError | None = None

    # -- slots ------------------------------------------------------------------------------------------

    async def acquire(self, task: Task) -> Slot:
        """Wait for the right to send one request.

        Raises:
            HourlyClicksError: `abort` was called meanwhile.
            OverError: the job is over, or has no requests left.
            HeldError: a circuit breaker keeps the day from being sent.
            NotNeededError: another process has fetched the day meanwhile.
            TakenError: another process holds the claim to the day.
        """
        while True:
            slot = self.try_acquire(task)
            if slot is not None:
                return slot
            if self._latch is not None:
                raise copy.copy(self._latch)  # each task its own: a caller adds its day to the error
            if task.job.over:
                raise OverError
            slot = await self._wait(task)
            # The breaker of the day's target may have opened while the task was in the queue.
            if task.job.holds(task.query):
                self._give_back(slot)
                raise HeldError
            if not self._is_outdated(slot):
                return self._count_request(slot)
            # Other callbacks ran since the grant: a pause may have begun, or the job may have ended. Then the
            # slot must not be used, and the task starts again.
            self._give_back(slot)

    def try_acquire(self, task: Task) -> Slot | None:
        """Return a slot if one is free now and no task is in the queue; else ``None``."""
        job = task.job
        if self._queue.size or self._latch is not None or job.over:
            return None
        if job.breakers is not None and job.holds(task.query):
            return None
        now = self._clock.monotonic()
        slot = self._backend.reserve(task, now) if job.lane is not _BACKFILL else self._reserve(task, now)
        if type(slot) is not Slot:
            return None
        slot.job = job
        job.in_flight += 1
        return self._count_request(slot)

    def finish(self, slot: Slot, outcome: Outcome) -> None:
        """Release a slot, and report what became of its request."""
        if not outcome.sent:
            self._give_back(slot)
            return
        if outcome.answered:
            self._backend.answered(slot)
        now = self._clock.monotonic()
        self.eta.measured(now - slot.sent)
        if outcome.may_arrive:
            # The server may still count it, so the slot counts as in use until it can no longer arrive.
            self._backend.abandon(slot, now, round(outcome.may_arrive * SECOND))
        else:
            self._backend.release(slot, now)
        if self._queue.size or slot.storm_probe:
            self._after_release(slot)
        else:  # the usual case, without the cost of `serve`: there is no task that could use the slot
            slot.job.in_flight -= 1
        if outcome.succeeded and not self._backfill_breaker.quiet and self._backfill_breaker.calmed():
            self.resumed()

    async def rate_limited(self, slot: Slot, retry_after: float | None, *, for_rate: bool = True) -> float:
        """Pause all requests after a 429, unless its request was sent before the present pause began.

        Call it before `finish`, so that the slot is not granted to another request in between.

        Args:
            slot: the slot of the rejected request.
            retry_after: seconds, as the server asked, or ``None``.
            for_rate: whether the rate was the reason; if not, the spacing stays as it is.

        Returns:
            The seconds for which all requests pause from now on.

        Raises:
            RateLimitedError: the pause would be too long, or there were too many; all other waiting tasks
                get the same error.
        """
        now = self._clock.monotonic()
        try:
            pause = await self._backend.rate_limited(
                slot, retry_after, now=now, u=self._random.random(), for_rate=for_rate
            )
        except RateLimitedError as error:
            self.fail(error)
            raise
        if pause is not None:
            self._emit(Paused(seconds=pause.seconds, why="the server asks to wait"))
            if pause.interval is not None:
                self._emit(SpacingChanged(interval=pause.interval, why=_SPREAD))
            self.serve()
        return self.pause

    def overloaded(self) -> float | None:
        """Open the circuit breaker of the backfills, since too many requests fail.

        Returns:
            The seconds until their next request may be sent; ``None`` if there were too many pauses already.
        """
        now = self._clock.monotonic()
        seconds = self._backfill_breaker.begin(now, self._random.random())
        if seconds is not None:
            self._emit(Paused(seconds=seconds, why="too many requests fail; backfills wait"))
            self.serve()
        elif self._backfill_breaker.blocks(now) is None:
            return None
        return (self._backfill_breaker.opens(now) - now) / SECOND

    @property
    def exhausted(self) -> bool:
        """Whether `overloaded` opens the breaker no more."""
        return self._backfill_breaker.spent

    @property
    def pause(self) -> float:
        """The seconds for which all requests pause from now on; 0 when there is no pause."""
        now = self._clock.monotonic()
        return (self._backend.opens(now) - now) / SECOND

    @property
    def epoch(self) -> int:
        """How many pauses there have been; a slot holds their number at the time it was granted."""
        return self._backend.epoch

    # -- jobs -------------------------------------------------------------------------------------------

    def take_over(self, task: Task, job: Job) -> bool:
        """Move a task to a job of at least the same priority; return whether it was moved."""
        if job.lane > task.job.lane:
            return False
        previous, task.job = task.job, job
        if self._queue.remove(previous, task):
            self._queue.push(job, task)
            self.serve()
        return True

    def dismiss(self, job: Job) -> None:
        """End the wait of all tasks of a job that is over."""
        for task in self._queue.drain(job):
            fail(task, OverError())
        self.serve()

    def recall(self, job: Job) -> None:
        """End the wait of those tasks of a job that a circuit breaker holds now."""
        for task in self._queue.drain(job):
            if job.holds(task.query):
                fail(task, HeldError())
            else:
                self._queue.push(job, task)
        self.serve()

    def settle(self, query: Query, *, stored: bool = False) -> None:
        """Release the claim to a day, so that other processes may request it.

        Args:
            query: the day.
            stored: whether it is in the store, so that none of them will.
        """
        self._backend.settle(query, stored=stored)

    def abort(self, error: HourlyClicksError, *, for_good: bool) -> None:
        """Raise an error in all waiting tasks; `for_good`: and in all that come later."""
        if for_good:
            self._latch = copy.copy(error)  # the original is raised elsewhere, where its day is added
        self.fail(error)

    def unlatch(self) -> None:
        """Allow requests again that `abort` has stopped for good because of the key."""
        if isinstance(self._latch, AuthenticationError):
            self._latch = None

    async def close(self) -> None:
        """Wait for the steps of the backend in progress."""
        await self._backend.close()

    # -- the queue, as the backend sees it ----------------------------------------------------------------

    def serve(self) -> None:
        """Grant all slots that can be granted now, and set the timer for the next one.

        Every event that may free a slot calls this. Each lane is served on its own, since a wait in one of
        them (an open breaker of the backfills) must not stop the other. A lane that waits for a response has
        no moment: `finish` will call this again. So there is at most one timer, for the earliest moment.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._queue.size:
            self._backend.idle()
            return
        now = self._clock.monotonic()
        moments = [moment for lane in Lane if (moment := self._serve_lane(lane, now)) is not None]
        if moments:
            self._timer = self._clock.call_later(min(moments) - now, self.serve)

    def grant(self, task: Task, slot: Slot) -> bool:
        """Give a task its slot; return whether it still wants it and may have it."""
        backfill = task.job.lane is Lane.BACKFILL
        if not is_waiting(task) or (backfill and self._backfill_breaker.blocks(self._clock.monotonic())):
            return False
        self._queue.remove(task.job, task)
        _grant_to(task, self._backfill_breaker.admit(slot) if backfill else slot)
        return True

    def deny(self, task: Task, error: Exception) -> None:
        """End the wait of a task with an error."""
        if self._queue.remove(task.job, task):
            fail(task, error)

    def fail(self, error: Exception) -> None:
        """End the wait of all tasks with an error."""
        for task in self._queue.drain():
            fail(task, error)
        self._backend.idle()

    def paused(self, seconds: float) -> None:
        """Report a pause that began in another process."""
        self._emit(Paused(seconds=seconds, why="the server asks another process to wait"))

    def resumed(self) -> None:
        """Report that a pause has ended."""
        self._emit(Resumed())
        self.serve()

    def load(self, lane: Lane) -> tuple[int, int]:
        """Return how many tasks wait in a lane, and how many requests its jobs still need."""
        return self._queue.length(lane), self.eta.unsent(lane)

    # -- inside -----------------------------------------------------------------------------------------

    def _count_request(self, slot: Slot) -> Slot:
        """Count a request against its job's allowance; with the last one, the job is over."""
        job = slot.job
        job.spent += 1
        if job.spent == job.allowance:
            job.over = True
            self.dismiss(job)
        return slot

    async def _wait(self, task: Task) -> Slot:
        """Wait in the queue."""
        granted: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        task.slot = granted
        self._queue.push(task.job, task)
        self.serve()
        try:
            return await granted
        except asyncio.CancelledError:
            self._leave_queue(task, granted)
            raise
        finally:
            task.slot = None

    def _leave_queue(self, task: Task, granted: asyncio.Future[Slot]) -> None:
        """Leave the queue, or give back the slot that was granted just before."""
        if granted.cancelled():
            self._queue.remove(task.job, task)
            self.serve()
        elif granted.exception() is None:
            self._give_back(granted.result())

    def _reserve(self, task: Task, now: int) -> Slot | Wait:
        if task.job.lane is not _BACKFILL:
            return self._backend.reserve(task, now)
        got = self._backfill_breaker.blocks(now) or self._backend.reserve(task, now)
        return self._backfill_breaker.admit(got) if isinstance(got, Slot) else got

    def _is_outdated(self, slot: Slot) -> bool:
        """Return whether the run or the job ended, or a pause began, since this slot was granted."""
        if self._latch is not None or slot.job.over or slot.epoch != self._backend.epoch:
            return True
        if self._backend.expired(slot, self._clock.monotonic()):
            return True
        return slot.job.lane is Lane.BACKFILL and self._backfill_breaker.outdated(slot)

    def _give_back(self, slot: Slot) -> None:
        """Give back the slot of a request that was never sent."""
        self._backend.cancel(slot)
        self._after_release(slot)

    def _after_release(self, slot: Slot) -> None:
        """Let other tasks use what a released slot has made free."""
        slot.job.in_flight -= 1
        if slot.storm_probe and self._backfill_breaker.lost(slot):
            self._serve_soon()  # not at once: the caller may be about to report that the probe failed
        else:
            self.serve()

    def _serve_soon(self) -> None:
        """Serve in the next turn of the loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_later(0, self.serve)

    def _serve_lane(self, lane: Lane, now: int) -> int | None:
        """Grant slots in one lane; return when to continue, if that moment is known."""
        while self._queue.waiting(lane):
            task = self._queue.first(lane)
            if not is_waiting(task):  # cancelled a moment ago, and still in the queue
                self._queue.pop(lane)
                continue
            got = self._reserve(task, now)
            if isinstance(got, Wait):
                return got.until
            self._queue.pop(lane)
            _grant_to(task, got)
        return None


def fail(task: Task, error: Exception) -> None:
    """End the wait of a task with an error."""
    if task.slot is not None and not task.slot.done():
        task.slot.set_exception(copy.copy(error))


def _grant_to(task: Task, slot: Slot) -> None:
    assert task.slot is not None  # noqa: S101 - each caller has seen that it waits
    slot.job = task.job
    slot.job.in_flight += 1
    task.slot.set_result(slot)
