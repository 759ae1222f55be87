"""The limiter: the right to send a request, from the moment it is granted to the outcome of the request.

A task takes a `Slot` at once if one is free, and else waits for it in the `TaskQueue`. A slot that was
granted there may be outdated by the time the task runs: a pause has begun, or its job has ended. Then the
task gives it back and starts again.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import attrs

from hourlyclicks import events
from hourlyclicks.clock import SECOND
from hourlyclicks.errors import AuthenticationError, RateLimitedError
from hourlyclicks.events import MUCH_FAILS
from hourlyclicks.model.priority import Lane
from hourlyclicks.pacing.backend import LocalBackend
from hourlyclicks.pacing.breaker import BackfillBreaker
from hourlyclicks.pacing.eta import EtaCalculator
from hourlyclicks.pacing.queue import HeldError, OverError
from hourlyclicks.pacing.task_queue import ASKED_TO_WAIT, TaskQueue
from hourlyclicks.pacing.throttle import first_pause
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from random import Random

    from hourlyclicks.clock import Clock
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Hook
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.backend import LimiterBackend
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Task
    from hourlyclicks.pacing.snapshot import Usage

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
        limits: as given.
        eta: computes when jobs will be done.
        queue: the tasks that wait.
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
        self.limits = limits
        self._clock = clock
        self._emit = emit
        self._random = random
        self._backend: LimiterBackend = backend or LocalBackend(limits)
        self._backfill_breaker = BackfillBreaker(first_pause(limits))
        self.eta = EtaCalculator(clock, self._backend, self._backfill_breaker)
        self.queue = TaskQueue(self._backend, self._backfill_breaker, self.eta, clock=clock, emit=emit)
        self._waiting = self.queue.waiting
        self._backend.attach(self.queue)
        self._latch: HourlyClicksError | None = None

    # -- slots ------------------------------------------------------------------------------------------

    async def acquire(self, task: Task) -> Slot:
        """Wait for the right to send one request.

        Raises:
            HourlyClicksError: `abort` was called meanwhile.
            OverError: the job is over, or has no requests left.
            HeldError: a circuit breaker keeps the day from being sent.
            NotNeededError: another process has fetched the day meanwhile.
            ClaimedError: another process holds the claim to the day.
        """
        while True:
            slot = self.try_acquire(task)
            if slot is not None:
                return slot
            if self._latch is not None:
                raise copy.copy(self._latch)  # each task its own: a caller adds its day to the error
            if task.job.over:
                raise OverError
            slot = await self.queue.wait(task)
            # The breaker of the day's target may have opened while the task was in the queue.
            if task.job.holds(task.query):
                self.queue.give_back(slot)
                raise HeldError
            if not self._is_outdated(slot):
                return self._count_request(slot)
            # Other callbacks ran since the grant: a pause may have begun, or the job may have ended. Then the
            # slot must not be used, and the task starts again.
            self.queue.give_back(slot)

    def try_acquire(self, task: Task) -> Slot | None:
        """Return a slot if one is free now and no task is in the queue; else ``None``."""
        job = task.job
        if self._waiting.size or self._latch is not None or job.over:
            return None
        if job.breakers is not None and job.breakers.held and job.holds(task.query):
            return None
        now = self._clock.monotonic()
        slot = (
            self._backend.reserve(task, now) if job.lane is not _BACKFILL else self.queue.reserve(task, now)
        )
        if type(slot) is not Slot:
            return None
        slot.job = job
        job.in_flight += 1
        if job.changed is not None:
            job.changed.add(job)
        return self._count_request(slot)

    def finish(self, slot: Slot, outcome: Outcome) -> None:
        """Release a slot, and report the outcome of its request."""
        if not outcome.sent:
            slot.job.spent -= 1
            self.queue.give_back(slot)
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
        if self._waiting.size or slot.backfill_probe:
            self.queue.released(slot)
        else:  # the usual case, without the cost of `serve`: there is no task that could use the slot
            job = slot.job
            job.in_flight -= 1
            if job.changed is not None:
                job.changed.add(job)
        if outcome.succeeded and self._backfill_breaker.opened and self._backfill_breaker.succeeded():
            self.queue.resumed()

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
            self.queue.fail(error)
            raise
        if pause is not None:
            self.queue.pause(events.Paused(seconds=pause.seconds, why=ASKED_TO_WAIT))
            if pause.interval is not None:
                self._emit(events.SpacingChanged(interval=pause.interval, why=_SPREAD))
            self.queue.serve()
        return self.pause

    def overloaded(self) -> float | None:
        """Open the circuit breaker of the backfills, since too many requests fail.

        Returns:
            The seconds until their next request may be sent; ``None`` if there were too many pauses already.
        """
        now = self._clock.monotonic()
        seconds = self._backfill_breaker.begin(now, self._random.random())
        if seconds is not None:
            self.queue.pause(events.Paused(seconds=seconds, why=MUCH_FAILS))
            self.queue.serve()
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
    def backfill_pause(self) -> float:
        """The seconds for which backfills pause because too many requests fail; 0: they do not."""
        now = self._clock.monotonic()
        return (self._backfill_breaker.opens(now) - now) / SECOND

    @property
    def in_flight(self) -> int:
        """How many slots are granted at present."""
        return self._backend.in_flight

    @property
    def key_rejected(self) -> bool:
        """Whether no more slots are granted because the server has rejected the key."""
        return isinstance(self._latch, AuthenticationError)

    def usage(self) -> Usage:
        """Return how much of the limits is in use, by this and by other processes."""
        now = self._clock.monotonic()
        return self._backend.snapshot(now).usage(round(self.eta.latency * SECOND))

    @property
    def epoch(self) -> int:
        """How many pauses there have been; a slot holds their number at the time it was granted."""
        return self._backend.epoch

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
        self.queue.fail(error)

    def unlatch(self) -> None:
        """Allow requests again that `abort` has stopped because of the key."""
        if self.key_rejected:
            self._latch = None

    async def look(self, *, again: bool = False) -> None:
        """Find out what other processes have sent; see `LimiterBackend.look`."""
        await self._backend.look(again=again)

    def undelayed(self, job: Job) -> float:
        """Return the seconds until the last request of a job leaves if nothing but the concurrency counts."""
        return max(0, -(-job.unsent // self.limits.concurrency) - 1) * self.eta.latency

    def delay(self, job: Job) -> float:
        """Return the seconds by which limits, pauses and other jobs delay the last request of a job.

        Args:
            job: a job that was not begun yet.
        """
        ahead = sum(
            waiting if other.lane < job.lane else min(waiting, job.unsent)
            for lane in Lane
            for other, waiting in self._waiting.jobs(lane)
            if lane <= job.lane and other not in self.eta
        )
        seconds, _ = self.eta.deferred(job, ahead=ahead)()
        return max(0.0, round(seconds - self.eta.latency - self.undelayed(job), 6))

    async def close(self) -> None:
        """Wait for the steps of the backend in progress."""
        await self._backend.close()

    # -- inside -----------------------------------------------------------------------------------------

    def _count_request(self, slot: Slot) -> Slot:
        """Count a request against its job's allowance; with the last one, the job is over."""
        job = slot.job
        job.spent += 1
        if job.spent == job.allowance:
            job.over = True
            self.queue.dismiss(job)
        return slot

    def _is_outdated(self, slot: Slot) -> bool:
        """Return whether the run or the job ended, or a pause began, since this slot was granted."""
        if self._latch is not None or slot.job.over or slot.epoch != self._backend.epoch:
            return True
        if self._backend.expired(slot, self._clock.monotonic()):
            return True
        return slot.job.lane is Lane.BACKFILL and self._backfill_breaker.outdated(slot)
