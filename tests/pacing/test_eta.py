"""The ETA against the time that a run takes.

With a constant latency the two differ by at most the time of one request, since it is not known how long
a request in flight still takes; a pause is followed by a probe, which takes one more.
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
class Sample:
    """An ETA, and when it was computed."""

    now: float
    eta: float
    binding: Binding

    @property
    def end(self) -> float:
        """When the job would be done."""
        return self.now + self.eta


@attrs.define
class Run:
    """One job with a number of days; computes the ETA each time a day is done."""

    world: World
    call: Job
    latency: float
    samples: list[Sample] = attrs.Factory(list)
    jitter: float = 0.0
    chance: random.Random = attrs.Factory(lambda: random.Random(7))

    def sample(self) -> Sample:
        """Compute the ETA now."""
        eta, binding = self.world.limiter.eta.eta(self.call)
        self.samples.append(Sample(self.world.now, eta, binding))
        return self.samples[-1]

    async def run(self, workers: int) -> float:
        """Request all days, as a client does, and return when the last one is answered."""
        self.world.limiter.eta.enter(self.call)
        todo = iter(range(self.call.remaining))

        async def work() -> None:
            for _ in todo:
                await self.world.ask(self.call, self.latency + self.chance.uniform(-1, 1) * self.jitter)
                self.call.remaining -= 1
                self.sample()

        await asyncio.gather(*(work() for _ in range(workers)))
        self.world.limiter.eta.leave(self.call)
        return self.world.now


def start_run(
    clock: VirtualClock, limits: Limits, days: int, latency: float, *, lane: Lane = Lane.INTERACTIVE
) -> Run:
    """Begin a run whose limiter knows the latency already."""
    world = World.of(clock, limits)
    world.limiter.eta._latency = round(latency * SECOND)
    return Run(world, Job(lane, days), latency)


@pytest.mark.parametrize(
    "limits",
    [Plan.PERSONAL.limits, Plan.ENTERPRISE.limits, HOUR_AND_MINUTE, EVENLY, Limits(concurrency=3)],
    ids=["personal", "enterprise", "hour-and-minute", "even", "unlimited"],
)
@pytest.mark.parametrize("latency", [0.3, 2.0])
@pytest.mark.parametrize("days", [1, 61, 250])
def test_the_eta_is_right_throughout_a_run(limits: Limits, latency: float, days: int) -> None:
    """At every moment of a run the ETA is right within one request; at the beginning it is exact."""

    async def scene(clock: VirtualClock) -> None:
        run = start_run(clock, limits, days, latency)
        first = run.sample()
        end = await run.run(limits.concurrency + 2)
        estimate = forecast(days, limits, latency=latency)
        assert end == pytest.approx(estimate.seconds, rel=1e-9)
        assert first.end == pytest.approx(end, rel=1e-9)
        assert first.binding == estimate.binding
        assert max(abs(sample.end - end) for sample in run.samples) <= latency * 1.001
        assert run.samples[-1].eta == 0.0

    run_virtual(scene)


@pytest.mark.parametrize("limits", [Plan.PERSONAL.limits, Plan.ENTERPRISE.limits, EVENLY])
def test_the_eta_over_a_network_with_jitter(limits: Limits) -> None:
    """With a latency that varies, the ETA is right within 2 % and a second."""

    async def scene(clock: VirtualClock) -> None:
        run = start_run(clock, limits, 300, 0.3)
        run.jitter = 0.25
        run.sample()
        end = await run.run(limits.concurrency + 2)
        assert all(abs(sample.end - end) <= 0.02 * (end - sample.now) + 1.0 for sample in run.samples)

    run_virtual(scene)


@virtual
async def test_the_eta_includes_a_pause(clock: VirtualClock) -> None:
    """During a pause the computed end lies after the pause, and is right."""
    run = start_run(clock, TEN, 40, 0.3)
    task = asyncio.create_task(run.run(4))
    await clock.sleep(150)
    slot = await run.world.limiter.acquire(task_for(Job(Lane.INTERACTIVE, 0)))
    await run.world.limiter.rate_limited(slot, 400.0)
    run.world.limiter.finish(slot, LOST)
    samples = [run.sample()]
    await clock.sleep(200)
    samples.append(run.sample())
    end = await task
    assert [sample.end for sample in samples] == pytest.approx([end, end], abs=2 * 0.3)


@virtual
async def test_a_pause_binds(clock: VirtualClock) -> None:
    """When nothing but a pause delays the end, the pause binds."""
    run = start_run(clock, TEN, 1, 0.3)
    (slot,) = await run.world.slots(1)
    await run.world.limiter.rate_limited(slot, 400.0)
    run.world.limiter.finish(slot, LOST)
    await clock.sleep(100)
    sample = run.sample()
    assert sample.binding == "pause"
    assert sample.eta == pytest.approx(300.3, abs=0.1)


@virtual
async def test_the_eta_of_backfills_includes_their_breaker(clock: VirtualClock) -> None:
    """The open breaker of the backfills moves the end of backfills only."""
    backfill = start_run(clock, TEN, 5, 0.3, lane=Lane.BACKFILL)
    backfill.world.limiter.overloaded()
    assert backfill.sample().binding == "concurrency"
    assert backfill.sample().eta == pytest.approx(60.9)
    call = Job(Lane.INTERACTIVE, 1)
    assert backfill.world.limiter.eta.eta(call)[0] == pytest.approx(0.3)


@virtual
async def test_days_in_flight_are_not_counted_twice(clock: VirtualClock) -> None:
    """When the last days of a job are in flight, its end is one latency away, however full the window."""
    run = start_run(clock, TEN, 10, 0.3)
    task = asyncio.create_task(run.run(4))
    await clock.sleep(1.3)
    assert run.call.remaining == 2
    sample = run.sample()
    assert sample.binding == "latency"
    assert sample.eta == pytest.approx(0.3)
    await task


@virtual
async def test_a_job_that_is_done(clock: VirtualClock) -> None:
    """A job without remaining days has an ETA of zero."""
    assert World.of(clock, TEN).limiter.eta.eta(Job(Lane.INTERACTIVE, 0)) == (0.0, "latency")


@virtual
async def test_jobs_of_one_lane_share(clock: VirtualClock) -> None:
    """Of two jobs that take turns, the shorter takes twice its own time, the longer the time of both."""
    short = start_run(clock, TEN, 50, 0.3)
    long = Run(short.world, Job(Lane.INTERACTIVE, 100), 0.3)
    for run in (short, long):
        run.world.limiter.eta.enter(run.call)
    samples = [short.sample(), long.sample()]
    ends = await asyncio.gather(short.run(4), long.run(4))
    assert [sample.end for sample in samples] == pytest.approx(ends, rel=0.02)


@virtual
async def test_the_eta_of_a_backfill_includes_interactive_jobs(clock: VirtualClock) -> None:
    """A backfill ends after the interactive jobs, which end as if there were no backfill."""
    backfill = start_run(clock, TEN, 50, 0.3, lane=Lane.BACKFILL)
    urgent = Run(backfill.world, Job(Lane.INTERACTIVE, 100), 0.3)
    for run in (backfill, urgent):
        run.world.limiter.eta.enter(run.call)
    samples = [urgent.sample(), backfill.sample()]
    alone = forecast(50, TEN, latency=0.3).seconds
    ends = await asyncio.gather(urgent.run(4), backfill.run(4))
    assert [sample.end for sample in samples] == pytest.approx(ends, abs=0.3)
    assert samples[0].eta == pytest.approx(forecast(100, TEN, latency=0.3).seconds)
    assert samples[1].eta > 2 * alone


@virtual
async def test_a_job_that_has_ended_does_not_count(clock: VirtualClock) -> None:
    """The remaining days of a cancelled job do not count in the ETA of others."""
    run = start_run(clock, TEN, 50, 0.3)
    gone = Job(Lane.INTERACTIVE, 500)
    run.world.limiter.eta.enter(gone)
    longer = run.sample().eta
    run.world.limiter.eta.leave(gone)
    run.world.limiter.eta.leave(gone)
    assert run.sample().eta == pytest.approx(forecast(50, TEN, latency=0.3).seconds)
    assert longer > run.sample().eta
