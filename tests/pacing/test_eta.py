"""The time that is foreseen against the time it takes.

With a constant latency the two differ by at most the time of one request, since nobody knows how much of
its way a request under way has behind it; a pause is followed by a probe, which takes one more.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks.clock import SECOND
from hourlyclicks.events import Binding
from hourlyclicks.pacing.eta import forecast
from hourlyclicks.pacing.limiter import LOST
from hourlyclicks.pacing.plans import Limits, Plan, Rate
from hourlyclicks.pacing.queue import Job, Lane
from hourlyclicks.simulator.clock import run_virtual
from tests.pacing.world import World, task_for, virtual

if TYPE_CHECKING:
    from hourlyclicks.simulator.clock import VirtualClock

HOUR_AND_MINUTE = Limits(rates=(Rate(100, 3600), Rate(20, 60)), concurrency=3)
EVENLY = Limits(rates=(Rate(20),), concurrency=2, spacing="even")
TEN = Limits(rates=(Rate(10),), concurrency=2)


@attrs.frozen
class Look:
    """A look at the remaining time."""

    now: float
    eta: float
    binding: Binding

    @property
    def end(self) -> float:
        """When the call would be done."""
        return self.now + self.eta


@attrs.define
class Journey:
    """One call with a number of days; looks ahead whenever one of them is done."""

    world: World
    call: Job
    latency: float
    looks: list[Look] = attrs.Factory(list)
    jitter: float = 0.0
    chance: random.Random = attrs.Factory(lambda: random.Random(7))

    def look(self) -> Look:
        """Look ahead."""
        eta, binding = self.world.limiter.eta.eta(self.call)
        self.looks.append(Look(self.world.now, eta, binding))
        return self.looks[-1]

    async def travel(self, workers: int) -> float:
        """Ask for all days, as a client does, and return when the last is there."""
        self.world.limiter.eta.enter(self.call)
        todo = iter(range(self.call.remaining))

        async def work() -> None:
            for _ in todo:
                await self.world.ask(self.call, self.latency + self.chance.uniform(-1, 1) * self.jitter)
                self.call.remaining -= 1
                self.look()

        await asyncio.gather(*(work() for _ in range(workers)))
        self.world.limiter.eta.leave(self.call)
        return self.world.now


def depart(
    clock: VirtualClock, limits: Limits, days: int, latency: float, *, lane: Lane = Lane.INTERACTIVE
) -> Journey:
    """Begin a journey on which the limiter knows the latency already."""
    world = World.of(clock, limits)
    world.limiter.eta._latency = round(latency * SECOND)
    return Journey(world, Job(lane, days), latency)


@pytest.mark.parametrize(
    "limits",
    [Plan.PERSONAL.limits, Plan.ENTERPRISE.limits, HOUR_AND_MINUTE, EVENLY, Limits(concurrency=3)],
    ids=["personal", "enterprise", "hour-and-minute", "even", "unlimited"],
)
@pytest.mark.parametrize("latency", [0.3, 2.0])
@pytest.mark.parametrize("days", [1, 61, 250])
def test_every_look_ahead_is_right(limits: Limits, latency: float, days: int) -> None:
    """At every moment of a run the foreseen end is the end, give or take one request; at first exactly."""

    async def scene(clock: VirtualClock) -> None:
        journey = depart(clock, limits, days, latency)
        first = journey.look()
        end = await journey.travel(limits.concurrency + 2)
        estimate = forecast(days, limits, latency=latency)
        assert end == pytest.approx(estimate.seconds, rel=1e-9)
        assert first.end == pytest.approx(end, rel=1e-9)
        assert first.binding == estimate.binding
        assert max(abs(look.end - end) for look in journey.looks) <= latency * 1.001
        assert journey.looks[-1].eta == 0.0

    run_virtual(scene)


@pytest.mark.parametrize("limits", [Plan.PERSONAL.limits, Plan.ENTERPRISE.limits, EVENLY])
def test_looks_ahead_over_a_network_that_jitters(limits: Limits) -> None:
    """With a latency that varies, the remaining time is right within two in a hundred and a second."""

    async def scene(clock: VirtualClock) -> None:
        journey = depart(clock, limits, 300, 0.3)
        journey.jitter = 0.25
        journey.look()
        end = await journey.travel(limits.concurrency + 2)
        assert all(abs(look.end - end) <= 0.02 * (end - look.now) + 1.0 for look in journey.looks)

    run_virtual(scene)


@virtual
async def test_a_pause_is_foreseen(clock: VirtualClock) -> None:
    """In the middle of a pause the foreseen end lies behind it, and is right."""
    journey = depart(clock, TEN, 40, 0.3)
    task = asyncio.create_task(journey.travel(4))
    await clock.sleep(150)
    slot = await journey.world.limiter.acquire(task_for(Job(Lane.INTERACTIVE, 0)))
    await journey.world.limiter.rate_limited(slot, 400.0)
    journey.world.limiter.finish(slot, LOST)
    looks = [journey.look()]
    await clock.sleep(200)
    looks.append(journey.look())
    end = await task
    assert [look.end for look in looks] == pytest.approx([end, end], abs=2 * 0.3)


@virtual
async def test_a_pause_binds(clock: VirtualClock) -> None:
    """When nothing but a pause is in the way, it is what binds."""
    journey = depart(clock, TEN, 1, 0.3)
    (slot,) = await journey.world.slots(1)
    await journey.world.limiter.rate_limited(slot, 400.0)
    journey.world.limiter.finish(slot, LOST)
    await clock.sleep(100)
    look = journey.look()
    assert look.binding == "pause"
    assert look.eta == pytest.approx(300.3, abs=0.1)


@virtual
async def test_a_storm_is_foreseen_by_backfills(clock: VirtualClock) -> None:
    """While backfills are held back, theirs is the only end that moves."""
    backfill = depart(clock, TEN, 5, 0.3, lane=Lane.BACKFILL)
    backfill.world.limiter.overloaded()
    assert backfill.look().binding == "concurrency"
    assert backfill.look().eta == pytest.approx(60.9)
    call = Job(Lane.INTERACTIVE, 1)
    assert backfill.world.limiter.eta.eta(call)[0] == pytest.approx(0.3)


@virtual
async def test_days_under_way_are_not_counted_twice(clock: VirtualClock) -> None:
    """When the last days of a call are under way, its end is a request away, however full the window."""
    journey = depart(clock, TEN, 10, 0.3)
    task = asyncio.create_task(journey.travel(4))
    await clock.sleep(1.3)
    assert journey.call.remaining == 2
    look = journey.look()
    assert look.binding == "latency"
    assert look.eta == pytest.approx(0.3)
    await task


@virtual
async def test_a_call_that_is_done(clock: VirtualClock) -> None:
    """A call without days left has no time left."""
    assert World.of(clock, TEN).limiter.eta.eta(Job(Lane.INTERACTIVE, 0)) == (0.0, "latency")


@virtual
async def test_calls_of_one_lane_share(clock: VirtualClock) -> None:
    """Two calls that take turns: the shorter foresees twice its own time, the longer the time of both."""
    short = depart(clock, TEN, 50, 0.3)
    long = Journey(short.world, Job(Lane.INTERACTIVE, 100), 0.3)
    for journey in (short, long):
        journey.world.limiter.eta.enter(journey.call)
    looks = [short.look(), long.look()]
    ends = await asyncio.gather(short.travel(4), long.travel(4))
    assert [look.end for look in looks] == pytest.approx(ends, rel=0.02)


@virtual
async def test_a_backfill_foresees_what_overtakes_it(clock: VirtualClock) -> None:
    """A backfill ends after the interactive calls, and these as if there were none."""
    backfill = depart(clock, TEN, 50, 0.3, lane=Lane.BACKFILL)
    urgent = Journey(backfill.world, Job(Lane.INTERACTIVE, 100), 0.3)
    for journey in (backfill, urgent):
        journey.world.limiter.eta.enter(journey.call)
    looks = [urgent.look(), backfill.look()]
    alone = forecast(50, TEN, latency=0.3).seconds
    ends = await asyncio.gather(urgent.travel(4), backfill.travel(4))
    assert [look.end for look in looks] == pytest.approx(ends, abs=0.3)
    assert looks[0].eta == pytest.approx(forecast(100, TEN, latency=0.3).seconds)
    assert looks[1].eta > 2 * alone


@virtual
async def test_a_call_that_has_left_counts_no_more(clock: VirtualClock) -> None:
    """What a call that was given up still had to ask for is nobody's concern."""
    journey = depart(clock, TEN, 50, 0.3)
    gone = Job(Lane.INTERACTIVE, 500)
    journey.world.limiter.eta.enter(gone)
    longer = journey.look().eta
    journey.world.limiter.eta.leave(gone)
    journey.world.limiter.eta.leave(gone)
    assert journey.look().eta == pytest.approx(forecast(50, TEN, latency=0.3).seconds)
    assert longer > journey.look().eta
