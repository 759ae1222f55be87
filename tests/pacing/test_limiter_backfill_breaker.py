"""What a storm of failures does to the backfills: pause, one probe, and an end to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.events import Paused, Resumed
from hourlyclicks.pacing.limiter import LOST, SUCCEEDED, UNSENT
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.queue import Job, Lane
from tests.pacing.world import World, settle, succeed, task_for, virtual

if TYPE_CHECKING:
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.simulator.clock import VirtualClock

STORM = Paused(seconds=60.0, why="too many requests fail; backfills wait")
THREE = Limits(concurrency=3)


def backfill(world: World, number: int) -> list[asyncio.Task[Slot]]:
    """Let some days of backfills wait for their slots."""
    return [world.waiter(Job(Lane.BACKFILL)) for _ in range(number)]


def fail(world: World, slot: Slot) -> bool:
    """Come back as the client does when too much has failed; return whether to try again."""
    world.limiter.finish(slot, LOST)
    return world.limiter.overloaded() is not None


@virtual
async def test_backfills_wait_and_others_do_not(clock: VirtualClock) -> None:
    """A storm holds back the backfills for a window, and nobody else."""
    world = World.of(clock, THREE)
    assert world.limiter.overloaded()
    (task,) = backfill(world, 1)
    await settle()
    await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
    assert world.now == 0
    await task
    assert world.now == 60.0
    assert world.events == [STORM]


@virtual
async def test_a_storm_begins_once(clock: VirtualClock) -> None:
    """Failures of requests that were under way when it began add nothing, and nobody slips out meanwhile."""
    world = World.of(clock, THREE)
    tasks = backfill(world, 5)
    await settle()
    for task in tasks[:3]:
        assert fail(world, task.result())
    await settle()
    assert not any(task.done() for task in tasks[3:])
    await asyncio.wait(tasks[3:], return_when=asyncio.FIRST_COMPLETED)
    assert world.now == 60.0
    assert world.events == [STORM]


@virtual
async def test_an_interactive_slot_handed_out_as_the_storm_begins_is_used(clock: VirtualClock) -> None:
    """What is handed out in the turn in which the storm begins is held back from backfills only."""
    world = World.of(clock, Limits())
    (task,) = backfill(world, 1)
    await settle()
    waiter = world.waiter()
    await settle()
    assert fail(world, task.result())
    await waiter
    assert world.now == 0


@virtual
async def test_a_failed_probe_begins_the_next_pause(clock: VirtualClock) -> None:
    """When the probe fails, nobody takes its place before the next pause, twice as long, is over."""
    world = World.of(clock, THREE)
    world.limiter.overloaded()
    tasks = backfill(world, 4)
    for end in (60.0, 180.0, 420.0):
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert world.now == end
        (probe,) = done
        tasks.remove(probe)
        assert fail(world, probe.result())
    assert [event.seconds for event in world.events if isinstance(event, Paused)] == [60, 120, 240, 480]


@virtual
async def test_a_storm_comes_to_an_end(clock: VirtualClock) -> None:
    """After ten pauses without a day it is of no use any more; one day, and it is again."""
    world = World.of(clock, THREE)
    assert world.limiter.overloaded()
    tasks = backfill(world, 40)
    while True:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        tasks = [task for task in tasks if task not in done]
        pauses = len(world.events)
        (probe,) = done
        if not fail(world, probe.result()):
            break
    assert pauses == 10
    assert world.limiter.exhausted
    await succeed(world)
    assert not world.limiter.exhausted
    assert world.limiter.overloaded()


@virtual
async def test_a_day_calms_the_storm(clock: VirtualClock) -> None:
    """When the probe brings a day, all backfills go on, and the end is told once."""
    world = World.of(clock, THREE)
    world.limiter.overloaded()
    tasks = backfill(world, 3)
    await clock.sleep(65)
    assert [task.done() for task in tasks] == [True, False, False]
    world.limiter.finish(tasks[0].result(), SUCCEEDED)
    await succeed(world)
    await asyncio.gather(*tasks)
    assert world.now == 65.0
    assert world.events == [STORM, Resumed()]


@virtual
async def test_a_probe_without_a_verdict_is_replaced(clock: VirtualClock) -> None:
    """A probe that is cancelled, or fails for a reason of its own, makes room for the next at once."""
    world = World.of(clock, THREE)
    world.limiter.overloaded()
    tasks = backfill(world, 3)
    await clock.sleep(65)
    world.limiter.finish(tasks[0].result(), LOST)
    world.limiter.finish(await tasks[1], UNSENT)
    await tasks[2]
    assert 65.0 <= world.now < 65.001
    assert world.events == [STORM]


@virtual
async def test_a_probe_of_an_earlier_storm_is_not_missed(clock: VirtualClock) -> None:
    """A probe that comes back in the next storm neither ends that one nor makes room for a second probe."""
    world = World.of(clock, THREE)
    world.limiter.overloaded()
    tasks = backfill(world, 1)
    await clock.sleep(65)
    await succeed(world)
    world.limiter.overloaded()
    tasks += backfill(world, 2)
    await clock.sleep(65)
    assert [task.done() for task in tasks] == [True, True, False]
    world.limiter.finish(tasks[0].result(), LOST)
    await clock.sleep(65)
    assert not tasks[2].done()
    tasks[2].cancel()
    await asyncio.wait(tasks)


@virtual
async def test_interactive_calls_are_served_when_the_probe_returns(clock: VirtualClock) -> None:
    """The place of a probe goes to an interactive call that waits, though backfills are held back."""
    world = World.of(clock, Limits(rates=(Rate(60),)))
    world.limiter.overloaded()
    tasks = backfill(world, 2)
    await clock.sleep(60)
    waiter = world.waiter()
    await settle()
    assert fail(world, await tasks[0])
    await waiter
    assert world.now == 60.0
    assert not tasks[1].done()
    tasks[1].cancel()
    await asyncio.wait(tasks)


@virtual
async def test_lanes_wait_for_different_moments(clock: VirtualClock) -> None:
    """An interactive call gets on when the window opens, a backfill beside it when the storm is over."""
    world = World.of(clock, Limits(rates=(Rate(1, 10),), concurrency=2, guard=0.0))
    world.limiter.finish(await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE))), LOST)
    await clock.sleep(8)
    world.limiter.overloaded()
    tasks = [*backfill(world, 1), world.waiter()]
    world.limiter.finish(await tasks[1], LOST)
    assert world.now == 10.0
    await tasks[0]
    assert world.now == 20.0


@virtual
async def test_the_timer_of_others_survives_a_probe(clock: VirtualClock) -> None:
    """An interactive call that waits for the window gets on in time though a probe returns meanwhile."""
    world = World.of(clock, Limits(rates=(Rate(2),), concurrency=2, guard=0.0))
    world.limiter.overloaded()
    tasks = backfill(world, 1)
    await clock.sleep(60)
    world.limiter.finish(await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE))), LOST)
    waiter = world.waiter()
    await clock.sleep(1)
    world.limiter.finish(tasks[0].result(), LOST)
    await waiter
    assert world.now == 120.0
