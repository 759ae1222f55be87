"""Tasks that another job takes over while they wait for a slot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.pacing.limiter import LOST
from hourlyclicks.pacing.plans import Limits
from hourlyclicks.pacing.queue import Job, Lane
from tests.pacing.world import World, settle, task_for, virtual

if TYPE_CHECKING:
    from hourlyclicks.fetching.task import FetchTask
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.simulator import VirtualClock

ONE_AT_A_TIME = Limits()


async def enqueue(world: World, *waiting: FetchTask) -> list[asyncio.Task[Slot]]:
    """Let tasks wait in the queue, in this order."""
    tasks = [asyncio.create_task(world.limiter.acquire(task)) for task in waiting]
    await settle()
    return tasks


async def serve(world: World, slot: Slot, tasks: list[asyncio.Task[Slot]]) -> list[int]:
    """Release slot after slot; return the order in which the tasks were served."""
    order: list[int] = []
    while len(order) < len(tasks):
        world.limiter.finish(slot, LOST)
        await settle()
        (served,) = [position for position, task in enumerate(tasks) if task.done() and position not in order]
        order.append(served)
        slot = tasks[served].result()
    return order


@virtual
async def test_an_interactive_job_moves_a_task_to_its_lane(clock: VirtualClock) -> None:
    """A task of a backfill that an interactive job takes over overtakes the rest of the backfill."""
    world = World.of(clock, ONE_AT_A_TIME)
    (slot,) = await world.slots(1)
    backfill = Job(Lane.BACKFILL, 100)
    waiting = [task_for(backfill) for _ in range(3)]
    tasks = await enqueue(world, *waiting)
    urgent = Job(Lane.INTERACTIVE)
    world.limiter.queue.move(waiting[2], urgent)
    assert waiting[2].job is urgent
    assert await serve(world, slot, tasks) == [2, 0, 1]


@virtual
async def test_a_task_of_the_same_lane_takes_the_turn_of_the_other_job(clock: VirtualClock) -> None:
    """Within a lane the task takes the turn of the job that joined, not a late one of the first."""
    world = World.of(clock, ONE_AT_A_TIME)
    (slot,) = await world.slots(1)
    fetch = Job(Lane.INTERACTIVE, 100)
    waiting = [task_for(fetch) for _ in range(4)]
    tasks = await enqueue(world, *waiting)
    world.limiter.queue.move(waiting[3], Job(Lane.INTERACTIVE))
    assert await serve(world, slot, tasks) == [0, 3, 1, 2]


@virtual
async def test_a_backfill_takes_nothing_over(clock: VirtualClock) -> None:
    """A backfill that joins an interactive task leaves it in its lane."""
    world = World.of(clock, ONE_AT_A_TIME)
    job = Job(Lane.INTERACTIVE)
    task = task_for(job)
    world.limiter.queue.move(task, Job(Lane.BACKFILL))
    assert task.job is job


@virtual
async def test_a_task_in_flight_is_moved_with_its_next_request(clock: VirtualClock) -> None:
    """A request in flight is not moved; when the task is queued again, it is in the new lane."""
    world = World.of(clock, ONE_AT_A_TIME)
    task, other = task_for(Job(Lane.BACKFILL)), task_for(Job(Lane.BACKFILL))
    slot = await world.limiter.acquire(task)
    world.limiter.queue.move(task, Job(Lane.INTERACTIVE))
    tasks = await enqueue(world, other, task)
    assert await serve(world, slot, tasks) == [1, 0]


@virtual
async def test_a_task_taken_over_can_be_cancelled(clock: VirtualClock) -> None:
    """Cancelled after it was taken over, it holds no other task up."""
    world = World.of(clock, ONE_AT_A_TIME)
    (slot,) = await world.slots(1)
    first, second = task_for(Job(Lane.BACKFILL)), task_for(Job(Lane.BACKFILL))
    tasks = await enqueue(world, first, second)
    world.limiter.queue.move(first, Job(Lane.INTERACTIVE))
    tasks[0].cancel()
    await settle()
    world.limiter.finish(slot, LOST)
    await settle()
    assert tasks[1].done()


@virtual
async def test_a_task_taken_over_does_not_wait_for_the_backfill_breaker(clock: VirtualClock) -> None:
    """The breaker holds backfills only; a task that an interactive job took over goes at once."""
    world = World.of(clock, ONE_AT_A_TIME)
    assert world.limiter.overloaded() == 60.0
    task = task_for(Job(Lane.BACKFILL))
    (acquiring,) = await enqueue(world, task)
    assert not acquiring.done()
    world.limiter.queue.move(task, Job(Lane.INTERACTIVE))
    await settle()
    assert acquiring.done()
