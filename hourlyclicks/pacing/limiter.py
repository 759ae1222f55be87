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
from hourlyclicks.errors import RateLimitedError
from hourlyclicks.events import Paused, Resumed, SpacingChanged
from hourlyclicks.pacing.brake import Backoff, Brake
from hourlyclicks.pacing.gate import Gate, Slot
from hourlyclicks.pacing.lanes import Lane, Lanes
from hourlyclicks.pacing.pause import Pause, Wait
from hourlyclicks.pacing.schedule import TYPICAL_LATENCY

if TYPE_CHECKING:
    from random import Random

    from hourlyclicks.clock import Clock, Timer
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Binding, Hook
    from hourlyclicks.pacing.errand import Errand
    from hourlyclicks.pacing.lanes import Call
    from hourlyclicks.pacing.plans import Limits

_CALM_WINDOWS = 10
_LONGEST_FIRST_PAUSE = 60.0
_SMOOTHING = 8


class Limiter:
    """Hand out slots within the limits, in the order of the lanes.

    Args:
        limits: the limits.
        clock: what time it is.
        emit: told of pauses and changes of the spacing.
        random: where the jitter of pauses comes from.
    """

    def __init__(self, limits: Limits, *, clock: Clock, emit: Hook, random: Random) -> None:
        self._clock = clock
        self._emit = emit
        self._random = random
        self._gate = Gate(limits)
        first_pause = min(_LONGEST_FIRST_PAUSE, limits.shortest_window)
        self._brake = Brake(
            first_pause=first_pause,
            calm=_CALM_WINDOWS * max((rate.requests for rate in limits.rates), default=1),
            step=1 if limits.spacing == "even" else 0,
        )
        self._storm = Pause()
        self._storm_backoff = Backoff(first_pause)
        self._lanes: Lanes[asyncio.Future[Slot]] = Lanes()
        self._calls: set[Call] = set()
        self._timer: Timer | None = None
        self._latch: HourlyClicksError | None = None
        self._latency = round(TYPICAL_LATENCY * SECOND)

    # -- slots ------------------------------------------------------------------------------------------

    async def acquire(self, errand: Errand) -> Slot:
        """Wait for the right to send one request.

        Raises:
            HourlyClicksError: the run was ended by `abort` meanwhile.
        """
        while True:
            if self._latch is not None:
                raise copy.copy(self._latch)
            slot = await self._turn(errand)
            if not self._outdated(slot):
                return slot
            self.cancel(slot)  # something happened since it was handed out, in the same turn of the loop

    async def _turn(self, errand: Errand) -> Slot:
        if not self._lanes:
            got = self._reserve(errand.call.lane, self._clock.monotonic())
            if isinstance(got, Slot):
                return _given(got, errand.call)
        turn: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        errand.turn = turn
        self._lanes.push(errand.call, turn)
        self._serve()
        try:
            return await turn
        except asyncio.CancelledError:
            self._step_out(errand, turn)
            raise
        finally:
            errand.turn = None

    def hand_over(self, errand: Errand, call: Call) -> None:
        """Let a call that is at least as urgent have an errand, and its place in the line if it waits."""
        if call.lane > errand.call.lane:
            return
        previous, errand.call = errand.call, call
        if errand.turn is not None and self._lanes.remove(previous, errand.turn):
            self._lanes.push(call, errand.turn)
            self._serve()

    def release(self, slot: Slot) -> None:
        """Give up the place of a request that was sent; it stays counted until its windows are over."""
        now = self._clock.monotonic()
        self._latency += (now - slot.sent - self._latency) // _SMOOTHING
        self._gate.release(slot, now)
        self._given_up(slot)

    def cancel(self, slot: Slot) -> None:
        """Give back the slot of a request that was never sent."""
        self._gate.cancel(slot)
        self._given_up(slot)

    # -- what came back ---------------------------------------------------------------------------------

    def answered(self, slot: Slot) -> None:
        """Note that the server let a request through."""
        if slot.epoch != self._gate.pause.epoch:
            return
        self._brake.answered()
        if self._gate.pause.end():
            self._emit(Resumed())
            self._serve()

    def refused(self, slot: Slot, retry_after: float | None, *, for_rate: bool = True) -> None:
        """Begin a pause for everybody, unless the request had left before the present one began.

        Args:
            slot: the slot of the refused request.
            retry_after: seconds, as the server asked, or ``None``.
            for_rate: whether the rate was the reason; if not, the spacing is none of its business.

        Raises:
            RateLimitedError: it is no use to wait; whoever else waits is told the same.
        """
        if slot.epoch != self._gate.pause.epoch:
            return
        try:
            seconds = self._brake.refused(retry_after, self._random.random())
        except RateLimitedError as error:
            self._fail_waiters(error)
            raise
        self._gate.pause.begin(self._clock.monotonic() + round(seconds * SECOND))
        self._emit(Paused(seconds=seconds, why="the server asks to wait"))
        if for_rate:
            self._spread()
        self._serve()

    @property
    def pause(self) -> float:
        """The seconds for which everybody pauses from now on; 0 when there is no pause."""
        now = self._clock.monotonic()
        return (self._gate.pause.opens(now) - now) / SECOND

    def storm(self) -> float | None:
        """Hold back the backfills for a while, since too much fails.

        Returns:
            The seconds until the next of them may go; ``None`` when there were too many pauses already.
        """
        now = self._clock.monotonic()
        if self._storm.blocks(now) is None:
            if self._storm_backoff.spent:
                return None
            seconds = self._storm_backoff.next(None, self._random.random())
            self._storm.begin(now + round(seconds * SECOND))
            self._emit(Paused(seconds=seconds, why="too many requests fail; backfills wait"))
            self._serve()
        return (self._storm.opens(now) - now) / SECOND

    @property
    def stormed_out(self) -> bool:
        """Whether `storm` is of no use any more."""
        return self._storm_backoff.spent

    def calmed(self) -> None:
        """Note that a day was answered, so that there is no storm, or no more."""
        self._storm_backoff.answered()
        if self._storm.end():
            self._emit(Resumed())
            self._serve()

    def abort(self, error: HourlyClicksError, *, for_good: bool) -> None:
        """Tell everybody who waits that the run is over; `for_good`: and everybody who comes later."""
        if for_good:
            self._latch = copy.copy(error)  # whoever gets the original may add to it
        self._fail_waiters(error)

    # -- foresight --------------------------------------------------------------------------------------

    def enter(self, call: Call) -> None:
        """Count a call's remaining days in the forecasts of the others."""
        self._calls.add(call)

    def leave(self, call: Call) -> None:
        """Count a call no more."""
        self._calls.discard(call)

    @property
    def latency(self) -> float:
        """The time in seconds between a sending and its response, smoothed over the last ones."""
        return self._latency / SECOND

    def eta(self, call: Call) -> tuple[float, Binding]:
        """Foresee in how many seconds a call will be done if nothing fails, and what decides it."""
        if not call.unsent:
            return self.latency if call.remaining else 0.0, "latency"
        ahead = sum(
            other.unsent if other.lane < call.lane else min(other.unsent, call.unsent)
            for other in self._calls
            if other is not call and other.lane <= call.lane
        )
        now = self._clock.monotonic()
        opens = self._storm.opens(now) if call.lane is Lane.BACKFILL else now
        finish = self._gate.finish(ahead + call.unsent, now, self._latency, opens=opens)
        return (finish.when - now) / SECOND, finish.binding

    # -- inside -----------------------------------------------------------------------------------------

    def _reserve(self, lane: Lane, now: int) -> Slot | Wait:
        if lane is not Lane.BACKFILL:
            return self._gate.reserve(now)
        got = self._storm.blocks(now) or self._gate.reserve(now)
        if isinstance(got, Slot):
            got.storm_probe = self._storm.sent()
            got.storm = self._storm.epoch
        return got

    def _outdated(self, slot: Slot) -> bool:
        """Return whether the run ended, or a pause began, since this slot was handed out."""
        if self._latch is not None or slot.epoch != self._gate.pause.epoch:
            return True
        return slot.call.lane is Lane.BACKFILL and slot.storm != self._storm.epoch

    def _given_up(self, slot: Slot) -> None:
        slot.call.flying -= 1
        if slot.storm_probe and slot.storm == self._storm.epoch:
            self._storm.probe_lost()
            self._serve_soon()  # not at once: whoever gives it up may be about to say that it failed
        else:
            self._serve()

    def _serve_soon(self) -> None:
        """Serve in the next turn of the loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_later(0, self._serve)

    def _serve(self) -> None:
        """Hand out what can be handed out now, and set the timer for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._lanes:
            return
        now = self._clock.monotonic()
        moments = [moment for lane in Lane if (moment := self._serve_lane(lane, now)) is not None]
        if moments:
            self._timer = self._clock.call_later(min(moments) - now, self._serve)

    def _serve_lane(self, lane: Lane, now: int) -> int | None:
        """Hand out slots in one lane; return when to go on, if that is known."""
        while self._lanes.waiting(lane):
            if self._lanes.first(lane).done():  # cancelled a moment ago, and not yet stepped out
                self._lanes.pop(lane)
                continue
            got = self._reserve(lane, now)
            if isinstance(got, Wait):
                return got.until
            call, turn = self._lanes.pop(lane)
            turn.set_result(_given(got, call))
        return None

    def _step_out(self, errand: Errand, turn: asyncio.Future[Slot]) -> None:
        if turn.cancelled():
            self._lanes.remove(errand.call, turn)
            self._serve()
        elif turn.exception() is None:
            self.cancel(turn.result())

    def _fail_waiters(self, error: HourlyClicksError) -> None:
        for turn in self._lanes.drain():
            if not turn.done():
                turn.set_exception(copy.copy(error))

    def _spread(self) -> None:
        step = self._brake.next_step()
        if step is None or not self._gate.limited:
            return
        self._gate.space(step.slack, from_response=step.from_response)
        self._emit(
            SpacingChanged(
                interval=self._gate.interval,
                why="the server refuses bursts, or somebody else uses the key: requests are spread evenly",
            )
        )


def _given(slot: Slot, call: Call) -> Slot:
    """Write down whose slot it is."""
    slot.call = call
    call.flying += 1
    return slot
