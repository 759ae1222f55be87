"""The limiter: the gate and the brake, with people waiting at them.

Whoever wants to send waits for a `Slot`. There is no task behind this that could die: a slot is handed out
by whoever brings about that there is one, be it a caller that arrives, a response that frees a place, or a
timer that the last of them set. All state changes between two awaits, so a cancelled waiter leaves nothing
half done: it steps out of the line, or hands on the slot it had just been given.
"""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import AuthenticationError, RateLimitedError
from hourlyclicks.events import Paused, Resumed, SpacingChanged
from hourlyclicks.pacing.backend import LocalBackend
from hourlyclicks.pacing.backfill_breaker import BackfillBreaker
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.eta import EtaCalculator
from hourlyclicks.pacing.queue import HeldError, Lane, OverError, PriorityQueue
from hourlyclicks.pacing.task import fail, given
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
    from hourlyclicks.pacing.queue import Job
    from hourlyclicks.pacing.task import FetchTask

_BACKFILL = Lane.BACKFILL  # looked up once, since an enumeration takes its time for it
_SPREAD = "the server refuses bursts, or somebody else uses the key: requests are spread evenly"


class Limiter:
    """Hand out slots within the limits, in the order of the lanes.

    Args:
        limits: the limits.
        clock: what time it is.
        emit: told of pauses and changes of the spacing.
        random: where the jitter of pauses comes from.
        pace: says when requests may go; one of its own when left out.

    Attributes:
        foresight: foresees the end of calls.
    """

    def __init__(
        self, limits: Limits, *, clock: Clock, emit: Hook, random: Random, pace: LimiterBackend | None = None
    ) -> None:
        self._clock = clock
        self._emit = emit
        self._random = random
        self._pace: LimiterBackend = pace or LocalBackend(limits)
        self._pace.serves(self)
        self._backfill_breaker = BackfillBreaker(first_pause(limits))
        self._queue: PriorityQueue[FetchTask] = PriorityQueue()
        self.eta = EtaCalculator(clock, self._pace, self._backfill_breaker)
        self._timer: Timer | None = None
        self._latch: HourlyClicksError | None = None

    # -- slots ------------------------------------------------------------------------------------------

    async def acquire(self, task: FetchTask) -> Slot:
        """Wait for the right to send one request.

        Raises:
            HourlyClicksError: the run was ended by `abort` meanwhile.
            OverError: the call is over, or has no requests left.
            HeldError: a circuit breaker keeps the day from being sent.
            NotNeededError: another process has got the day meanwhile.
            TakenError: another process asks for it right now.
        """
        while True:
            slot = self.at_once(task)
            if slot is not None:
                return slot
            if self._latch is not None:
                raise copy.copy(self._latch)
            if task.call.over:
                raise OverError
            slot = await self._turn(task)
            if task.call.holds(task.query):
                self.cancel(slot)
                raise HeldError
            if not self._outdated(slot):
                return self._spent(slot)
            self.cancel(slot)  # something happened since it was handed out, in the same turn of the loop

    def at_once(self, task: FetchTask) -> Slot | None:
        """Return a slot if there is one for which nobody waits."""
        call = task.call
        if self._queue.occupied() or self._latch is not None or call.over or call.holds(task.query):
            return None
        slot = self._reserve(task, self._clock.monotonic())
        if not isinstance(slot, Slot):
            return None
        slot.call = call
        call.flying += 1
        return self._spent(slot)

    def _spent(self, slot: Slot) -> Slot:
        """Count the request that is sent now."""
        slot.call.spend()
        if slot.call.over:
            self.dismiss(slot.call, OverError())
        return slot

    async def _turn(self, task: FetchTask) -> Slot:
        turn: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        task.turn = turn
        self._queue.push(task.call, task)
        self.serve()
        try:
            return await turn
        except asyncio.CancelledError:
            self._step_out(task, turn)
            raise
        finally:
            task.turn = None

    def take_over(self, task: FetchTask, call: Job) -> None:
        """Let a call that is at least as urgent have an errand, and its place in the line if it waits."""
        if call.lane > task.call.lane:
            return
        previous, task.call = task.call, call
        if self._queue.remove(previous, task):
            self._queue.push(call, task)
            self.serve()

    def dismiss(self, call: Job, error: Exception) -> None:
        """Tell those who wait on behalf of one call that it is over."""
        for task in self._queue.drain(call):
            fail(task, error)
        self.serve()

    def recall(self, call: Job) -> None:
        """Tell those who wait on behalf of a call which of their days must not be sent now."""
        for task in self._queue.drain(call):
            if call.holds(task.query):
                fail(task, HeldError())
            else:
                self._queue.push(call, task)
        self.serve()

    def release(self, slot: Slot, may_arrive: float = 0.0) -> None:
        """Give up the place of a request that was sent, in so many seconds if it may arrive yet."""
        now = self._clock.monotonic()
        self.eta.measured(now - slot.sent)
        if may_arrive:
            self._pace.abandon(slot, now, round(may_arrive * SECOND))
        else:
            self._pace.release(slot, now)
        if self._queue.occupied() or slot.storm_probe:
            self._given_up(slot)
        else:  # as most often
            slot.call.flying -= 1

    def cancel(self, slot: Slot) -> None:
        """Give back the slot of a request that was never sent."""
        self._pace.cancel(slot)
        self._given_up(slot)

    def settled(self, query: Query) -> None:
        """Note that the result for a day is in the store."""
        self._pace.settle(query)

    async def close(self) -> None:
        """Finish what was begun."""
        await self._pace.close()

    # -- what came back ---------------------------------------------------------------------------------

    def answered(self, slot: Slot) -> None:
        """Note that the server let a request through."""
        self._pace.answered(slot)

    async def refused(self, slot: Slot, retry_after: float | None, *, for_rate: bool = True) -> None:
        """Begin a pause for everybody, unless the request had left before the present one began.

        Args:
            slot: the slot of the refused request.
            retry_after: seconds, as the server asked, or ``None``.
            for_rate: whether the rate was the reason; if not, the spacing is none of its business.

        Raises:
            RateLimitedError: it is no use to wait; whoever else waits is told the same.
        """
        now = self._clock.monotonic()
        try:
            refusal = await self._pace.refused(
                slot, retry_after, now=now, u=self._random.random(), for_rate=for_rate
            )
        except RateLimitedError as error:
            self.fail(error)
            raise
        if refusal is None:
            return
        self._emit(Paused(seconds=refusal.seconds, why="the server asks to wait"))
        if refusal.interval is not None:
            self._emit(SpacingChanged(interval=refusal.interval, why=_SPREAD))
        self.serve()

    @property
    def pause(self) -> float:
        """The seconds for which everybody pauses from now on; 0 when there is no pause."""
        now = self._clock.monotonic()
        return (self._pace.opens(now) - now) / SECOND

    def storm(self) -> float | None:
        """Hold back the backfills for a while, since too much fails.

        Returns:
            The seconds until the next of them may go; ``None`` when there were too many pauses already.
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
    def stormed_out(self) -> bool:
        """Whether `storm` is of no use any more."""
        return self._backfill_breaker.spent

    def calmed(self) -> None:
        """Note that a day was answered, so that there is no storm, or no more."""
        if not self._backfill_breaker.quiet and self._backfill_breaker.calmed():
            self.resumed()

    def abort(self, error: HourlyClicksError, *, for_good: bool) -> None:
        """Tell everybody who waits that the run is over; `for_good`: and everybody who comes later."""
        if for_good:
            self._latch = copy.copy(error)  # whoever gets the original may add to it
        self.fail(error)

    def unlatch(self) -> None:
        """Let requests go again that `abort` has stopped for good because of the key."""
        if isinstance(self._latch, AuthenticationError):
            self._latch = None

    @property
    def epoch(self) -> int:
        """How many pauses there have been; a slot bears the number of those before it."""
        return self._pace.epoch

    # -- the line, as the pace sees it -------------------------------------------------------------------

    def serve(self) -> None:
        """Hand out what can be handed out now, and set the timer for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._queue.occupied():
            self._pace.idle()
            return
        now = self._clock.monotonic()
        moments = [moment for lane in Lane if (moment := self._serve_lane(lane, now)) is not None]
        if moments:
            self._timer = self._clock.call_later(min(moments) - now, self.serve)

    def grant(self, task: FetchTask, slot: Slot) -> bool:
        """Give an errand its place; return whether it still wants it and may have it."""
        backfill = task.call.lane is Lane.BACKFILL
        if not task.waits or (backfill and self._backfill_breaker.blocks(self._clock.monotonic())):
            return False
        self._queue.remove(task.call, task)
        self._hand_out(task, self._backfill_breaker.admit(slot) if backfill else slot)
        return True

    def deny(self, task: FetchTask, error: Exception) -> None:
        """Tell an errand that it gets no place."""
        if self._queue.remove(task.call, task):
            fail(task, error)

    def fail(self, error: Exception) -> None:
        """Tell everybody who waits that there will be no place for anybody."""
        for task in self._queue.drain():
            fail(task, error)
        self._pace.idle()

    def paused(self, seconds: float) -> None:
        """Take note of a pause that began elsewhere."""
        self._emit(Paused(seconds=seconds, why="the server asks another process to wait"))

    def resumed(self) -> None:
        """Take note that a pause has ended."""
        self._emit(Resumed())
        self.serve()

    def load(self, lane: Lane) -> tuple[int, int]:
        """Return how many errands wait in a lane, and how many requests its calls still need."""
        return self._queue.size(lane), self.eta.unsent(lane)

    # -- inside -----------------------------------------------------------------------------------------

    def _reserve(self, task: FetchTask, now: int) -> Slot | Wait:
        if task.call.lane is not _BACKFILL:
            return self._pace.reserve(task, now)
        got = self._backfill_breaker.blocks(now) or self._pace.reserve(task, now)
        return self._backfill_breaker.admit(got) if isinstance(got, Slot) else got

    def _outdated(self, slot: Slot) -> bool:
        """Return whether the run or the call ended, or a pause began, since this slot was handed out."""
        if self._latch is not None or slot.call.over or slot.epoch != self._pace.epoch:
            return True
        if self._pace.expired(slot, self._clock.monotonic()):
            return True
        return slot.call.lane is Lane.BACKFILL and self._backfill_breaker.outdated(slot)

    def _given_up(self, slot: Slot) -> None:
        slot.call.flying -= 1
        if slot.storm_probe and self._backfill_breaker.lost(slot):
            self._serve_soon()  # not at once: whoever gives it up may be about to say that it failed
        else:
            self.serve()

    def _serve_soon(self) -> None:
        """Serve in the next turn of the loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_later(0, self.serve)

    def _serve_lane(self, lane: Lane, now: int) -> int | None:
        """Hand out slots in one lane; return when to go on, if that is known."""
        while self._queue.waiting(lane):
            task = self._queue.first(lane)
            if not task.waits:  # cancelled a moment ago, and not yet stepped out
                self._queue.pop(lane)
                continue
            got = self._reserve(task, now)
            if isinstance(got, Wait):
                return got.until
            self._queue.pop(lane)
            self._hand_out(task, got)
        return None

    def _hand_out(self, task: FetchTask, slot: Slot) -> None:
        assert task.turn is not None  # noqa: S101 - it waits, as every caller has seen
        task.turn.set_result(given(slot, task.call))

    def _step_out(self, task: FetchTask, turn: asyncio.Future[Slot]) -> None:
        if turn.cancelled():
            self._queue.remove(task.call, task)
            self.serve()
        elif turn.exception() is None:
            self.cancel(turn.result())
