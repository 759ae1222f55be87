"""The circuit breaker of the backfills: open, one probe, closed."""

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

OVERLOAD = Paused(seconds=60.0, why="too many requests fail; backfills wait")
THREE = Limits(concurrency=3)


def backfill(world: World, number: int) -> list[asyncio.Task[Slot]]:
    """Let some days of backfills wait for their slots."""
    return [world.waiter(Job(Lane.BACKFILL)) for _ in range(number)]


def fail(world: World, slot: Slot) -> bool:
    """Report a failure as the client does when too many requests fail; return whether to retry."""
    world.limiter.finish(slot, LOST)
    return world.limiter.overloaded() is not None


@virtual
async def test_backfills_wait_and_others_do_not(clock: VirtualClock) -> None:
    """The breaker holds the backfills for a window, and no other job."""
    world = World.of(clock, THREE)
    assert world.limiter.overloaded()
    (task,) = backfill(world, 1)
    await settle()
    await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
    assert world.now == 0
    await task
    assert world.now == 60.0
    assert world.events == [OVERLOAD]


@virtual
async def test_the_breaker_opens_once(clock: VirtualClock) -> None:
    """Failures of requests in flight when it opened add nothing, and no slot is granted meanwhile."""
    world = World.of(clock, THREE)
    tasks = backfill(world, 5)
    await settle()
    for task in tasks[:3]:
        assert fail(world, task.result())
    await settle()
    assert not any(task.done() for task in tasks[3:])
    await asyncio.wait(tasks[3:], return_when=asyncio.FIRST_COMPLETED)
    assert world.now == 60.0
    assert world.events == [OVERLOAD]


@virtual
async def test_an_interactive_slot_granted_as_the_breaker_opens_is_used(clock: VirtualClock) -> None:
    """A slot granted in the turn in which the breaker opens is withdrawn from backfills only."""
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
    """When the probe fails, no other one is sent before the next pause, twice as long, is over."""
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
async def test_the_breaker_gives_up(clock: VirtualClock) -> None:
    """After ten pauses without an answered day it opens no more; one answered day resets it."""
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
async def test_a_day_closes_the_breaker(clock: VirtualClock) -> None:
    """When the probe brings a day, all backfills go on, and one event says so."""
    world = World.of(clock, THREE)
    world.limiter.overloaded()
    tasks = backfill(world, 3)
    await clock.sleep(65)
    assert [task.done() for task in tasks] == [True, False, False]
    world.limiter.finish(tasks[0].result(), SUCCEEDED)
    await succeed(world)
    await asyncio.gather(*tasks)
    assert world.now == 65.0
    assert world.events == [OVERLOAD, Resumed()]


@virtual
async def test_a_probe_without_a_result_is_replaced(clock: VirtualClock) -> None:
    """A probe that is cancelled, or fails for a reason of its own, is replaced at once."""
    world = World.of(clock, THREE)
    world.limiter.overloaded()
    tasks = backfill(world, 3)
    await clock.sleep(65)
    world.limiter.finish(tasks[0].result(), LOST)
    world.limiter.finish(await tasks[1], UNSENT)
    await tasks[2]
    assert 65.0 <= world.now < 65.001
    assert world.events == [OVERLOAD]


@virtual
async def test_a_probe_of_an_earlier_pause_is_not_missed(clock: VirtualClock) -> None:
    """A probe that returns in the next pause neither ends that one nor allows a second probe."""
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
    """The slot of a probe goes to an interactive job that waits, though backfills are held."""
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
    """An interactive job continues when the window opens, a backfill when the breaker closes."""
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
    """An interactive job that waits for the window continues on time although a probe returns meanwhile."""
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
