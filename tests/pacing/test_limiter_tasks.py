"""Errands: a call that wants a day for which another already stands in line."""

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


async def line(world: World, *all_wanted: FetchTask) -> list[asyncio.Task[Slot]]:
    """Let errands stand in line, in this order."""
    tasks = [asyncio.create_task(world.limiter.acquire(wanted)) for wanted in all_wanted]
    await settle()
    return tasks


async def serve(world: World, slot: Slot, tasks: list[asyncio.Task[Slot]]) -> list[int]:
    """Give back slot after slot; return the order in which the errands were served."""
    order: list[int] = []
    while len(order) < len(tasks):
        world.limiter.finish(slot, LOST)
        await settle()
        (served,) = [place for place, task in enumerate(tasks) if task.done() and place not in order]
        order.append(served)
        slot = tasks[served].result()
    return order


@virtual
async def test_an_urgent_call_takes_an_errand_out_of_the_slow_lane(clock: VirtualClock) -> None:
    """An errand of a backfill that somebody waits for overtakes the rest of the backfill."""
    world = World.of(clock, ONE_AT_A_TIME)
    (slot,) = await world.slots(1)
    backfill = Job(Lane.BACKFILL, 100)
    all_wanted = [task_for(backfill) for _ in range(3)]
    tasks = await line(world, *all_wanted)
    urgent = Job(Lane.INTERACTIVE)
    world.limiter.take_over(all_wanted[2], urgent)
    assert all_wanted[2].job is urgent
    assert await serve(world, slot, tasks) == [2, 0, 1]


@virtual
async def test_an_errand_of_the_same_lane_gets_a_turn_of_its_own(clock: VirtualClock) -> None:
    """Within a lane the errand takes the turn of the call that joined, not a late one of the first."""
    world = World.of(clock, ONE_AT_A_TIME)
    (slot,) = await world.slots(1)
    fetch = Job(Lane.INTERACTIVE, 100)
    all_wanted = [task_for(fetch) for _ in range(4)]
    tasks = await line(world, *all_wanted)
    world.limiter.take_over(all_wanted[3], Job(Lane.INTERACTIVE))
    assert await serve(world, slot, tasks) == [0, 3, 1, 2]


@virtual
async def test_a_slower_call_takes_nothing_over(clock: VirtualClock) -> None:
    """A backfill that joins an interactive errand leaves it in its lane."""
    world = World.of(clock, ONE_AT_A_TIME)
    call = Job(Lane.INTERACTIVE)
    wanted = task_for(call)
    world.limiter.take_over(wanted, Job(Lane.BACKFILL))
    assert wanted.job is call


@virtual
async def test_an_errand_out_of_line_goes_faster_from_its_next_request_on(clock: VirtualClock) -> None:
    """A request under way is not moved; when the errand stands in line again, it is in the new lane."""
    world = World.of(clock, ONE_AT_A_TIME)
    wanted, other = task_for(Job(Lane.BACKFILL)), task_for(Job(Lane.BACKFILL))
    slot = await world.limiter.acquire(wanted)
    world.limiter.take_over(wanted, Job(Lane.INTERACTIVE))
    tasks = await line(world, other, wanted)
    assert await serve(world, slot, tasks) == [1, 0]


@virtual
async def test_an_errand_taken_over_can_leave_the_line(clock: VirtualClock) -> None:
    """Cancelled after it was taken over, it holds nobody up."""
    world = World.of(clock, ONE_AT_A_TIME)
    (slot,) = await world.slots(1)
    first, second = task_for(Job(Lane.BACKFILL)), task_for(Job(Lane.BACKFILL))
    tasks = await line(world, first, second)
    world.limiter.take_over(first, Job(Lane.INTERACTIVE))
    tasks[0].cancel()
    await settle()
    world.limiter.finish(slot, LOST)
    await settle()
    assert tasks[1].done()


@virtual
async def test_an_errand_taken_over_does_not_wait_for_a_storm(clock: VirtualClock) -> None:
    """A storm holds backfills only; an errand that an interactive call took over goes at once."""
    world = World.of(clock, ONE_AT_A_TIME)
    assert world.limiter.overloaded() == 60.0
    wanted = task_for(Job(Lane.BACKFILL))
    (task,) = await line(world, wanted)
    assert not task.done()
    world.limiter.take_over(wanted, Job(Lane.INTERACTIVE))
    await settle()
    assert task.done()
