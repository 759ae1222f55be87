"""Slots that are free, had without waiting, and whose turn it is all the same."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import AuthenticationError
from hourlyclicks.pacing.limiter import ANSWERED, LOST, UNSENT
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.queue import Job, Lane, OverError
from hourlyclicks.pacing.window import Slot
from hourlyclicks.simulator.clock import run_virtual
from tests.pacing.world import S, World, settle, succeed, task_for, virtual

if TYPE_CHECKING:
    from hourlyclicks.simulator.clock import VirtualClock

ONE_AT_A_TIME = Limits()
BAD_KEY = AuthenticationError("refused", status=401)
LATENCY = 0.2


def at_once(world: World, call: Job) -> Slot | None:
    """Ask for a slot that is free."""
    return world.limiter.try_acquire(task_for(call))


@virtual
async def test_what_is_had_at_once_counts(clock: VirtualClock) -> None:
    """A slot had at once takes a place and is counted with its call, as one that was waited for is."""
    world = World.of(clock, Limits(rates=(Rate(2),), concurrency=1, guard=1.0))
    call, other = Job(Lane.INTERACTIVE, 5), Job(Lane.INTERACTIVE)
    slot = at_once(world, call)
    assert slot is not None
    assert slot.job is call
    assert (call.in_flight, call.spent) == (1, 1)
    assert at_once(world, other) is None  # one at a time
    assert (other.in_flight, other.spent) == (0, 0)
    world.limiter.finish(slot, LOST)
    assert (call.in_flight, call.spent) == (0, 1)
    second = at_once(world, call)
    assert second is not None
    world.limiter.finish(second, LOST)
    assert at_once(world, call) is None  # two a minute
    await world.limiter.acquire(task_for(call))
    assert world.now == 61.0
    assert (call.in_flight, call.spent) == (1, 3)


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("urgent", Lane)
def test_nothing_is_had_at_once_while_somebody_waits(lane: Lane, urgent: Lane) -> None:
    """A window that has opened is for whoever is in line, though the timer has not told them yet."""

    async def scene(clock: VirtualClock) -> None:
        world = World.of(clock, Limits(rates=(Rate(1),), concurrency=2, guard=0.0))
        (slot,) = await world.slots(1)
        world.limiter.finish(slot, LOST)
        got: list[Slot | None] = []
        clock.call_later(
            60 * S, lambda: got.append(at_once(world, Job(urgent)))
        )  # before the line's own timer
        waiter = world.waiter(Job(lane))
        await waiter
        assert (world.now, got) == (60, [None])

    run_virtual(scene)


@virtual
async def test_a_waiter_who_was_given_a_slot_waits_no_more(clock: VirtualClock) -> None:
    """Once the last in line has its slot, the next free place may be had at once again."""
    world = World.of(clock, Limits(concurrency=2))
    slots = await world.slots(2)
    waiter = world.waiter()
    await settle()
    for slot in slots:
        world.limiter.finish(slot, LOST)
    assert at_once(world, Job(Lane.INTERACTIVE)) is not None
    assert at_once(world, Job(Lane.INTERACTIVE)) is None  # the other place is the waiter's
    await waiter


@virtual
async def test_nothing_is_had_at_once_after_the_end(clock: VirtualClock) -> None:
    """After an abort for good there is no slot, though there be room, and none is lost by asking."""
    world = World.of(clock, ONE_AT_A_TIME)
    world.limiter.abort(BAD_KEY, for_good=False)
    slot = at_once(world, Job(Lane.INTERACTIVE))
    assert slot is not None
    world.limiter.finish(slot, LOST)
    world.limiter.abort(BAD_KEY, for_good=True)
    call = Job(Lane.INTERACTIVE)
    assert at_once(world, call) is None
    assert (call.in_flight, call.spent) == (0, 0)


@virtual
async def test_a_call_that_is_over_has_nothing_at_once(clock: VirtualClock) -> None:
    """The last request that a call may send ends it, and leaves the places to the others."""
    world = World.of(clock, Limits(concurrency=5))
    call = Job(Lane.BACKFILL, 10, allowance=2)
    assert at_once(world, call) is not None
    assert not call.over
    assert at_once(world, call) is not None
    assert call.over
    assert at_once(world, call) is None
    assert (call.in_flight, call.spent) == (2, 2)
    assert at_once(world, Job(Lane.BACKFILL)) is not None
    assert at_once(world, Job(Lane.BACKFILL, allowance=0)) is None


@virtual
async def test_the_last_request_tells_who_waits_for_the_call(clock: VirtualClock) -> None:
    """Others of the same call who are in line hear that it is over when its last request is granted."""
    world = World.of(clock, ONE_AT_A_TIME)
    (slot,) = await world.slots(1)
    call = Job(Lane.BACKFILL, 10, allowance=1)
    waiters = [world.waiter(call) for _ in range(3)]
    await settle()
    world.limiter.finish(slot, LOST)
    first, *rest = await asyncio.gather(*waiters, return_exceptions=True)
    assert isinstance(first, Slot)
    assert [type(error) for error in rest] == [OverError, OverError]


@virtual
async def test_a_pause_holds_what_would_be_had_at_once(clock: VirtualClock) -> None:
    """During a pause nothing is free; after it one request tries, and its answer opens the way."""
    world = World.of(clock, Limits(concurrency=3))
    call = Job(Lane.INTERACTIVE, 9)
    slot = at_once(world, call)
    assert slot is not None
    await world.limiter.rate_limited(slot, 30.0)
    world.limiter.finish(slot, LOST)
    assert at_once(world, call) is None
    await clock.sleep(29.9)
    assert at_once(world, call) is None
    await clock.sleep(0.1)
    probe = at_once(world, call)
    assert probe is not None
    assert at_once(world, call) is None
    world.limiter.finish(probe, ANSWERED)
    assert at_once(world, call) is not None


@virtual
async def test_a_storm_holds_backfills_only(clock: VirtualClock) -> None:
    """In a storm a backfill has nothing at once, then one request that tries; everybody else may send."""
    world = World.of(clock, Limits(concurrency=5))
    backfill = Job(Lane.BACKFILL, 9)
    seconds = world.limiter.overloaded()
    assert seconds is not None
    assert at_once(world, backfill) is None
    assert at_once(world, Job(Lane.INTERACTIVE)) is not None
    await clock.sleep(seconds)
    assert at_once(world, backfill) is not None
    assert at_once(world, backfill) is None
    await succeed(world)
    assert at_once(world, backfill) is not None


@virtual
async def test_a_storm_whose_probe_came_to_nothing_lets_another_try(clock: VirtualClock) -> None:
    """When the request that tried is given up with nobody in line, the next backfill tries in its place."""
    world = World.of(clock, Limits(concurrency=5))
    seconds = world.limiter.overloaded()
    assert seconds is not None
    await clock.sleep(seconds)
    for outcome in (LOST, UNSENT):
        probe = at_once(world, Job(Lane.BACKFILL))
        assert probe is not None
        assert at_once(world, Job(Lane.BACKFILL)) is None
        world.limiter.finish(probe, outcome)
        await clock.sleep(0.001)  # not at once: it may be about to say that it failed
    assert at_once(world, Job(Lane.BACKFILL)) is not None


# -- whose turn it is -----------------------------------------------------------------------------------


async def works(world: World, call: Job, name: str, sent: list[str], *, until: int) -> None:
    """Send one request after the other, each at once if there is a free slot, as a worker does."""
    while len(sent) < until:
        task = task_for(call)
        slot = world.limiter.try_acquire(task) or await world.limiter.acquire(task)
        sent.append(name)
        await world.clock.sleep(LATENCY)
        world.limiter.finish(slot, ANSWERED)


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("limits", [Limits(), Limits(concurrency=2), Limits(rates=(Rate(7),), concurrency=2)])
@pytest.mark.parametrize("many", [2, 3, 20])
def test_calls_with_work_take_turns(limits: Limits, lane: Lane, many: int) -> None:
    """Of two calls with more workers than places, each sends every other request, whoever is free first."""

    async def scene(clock: VirtualClock) -> None:
        world, sent = World.of(clock, limits), list[str]()
        small, large = Job(lane, 100), Job(lane, 100)
        workers = [works(world, small, "small", sent, until=60) for _ in range(limits.concurrency + 1)]
        workers += [works(world, large, "large", sent, until=60) for _ in range(many + limits.concurrency)]
        await asyncio.gather(*workers)
        turns = sent[limits.concurrency : 60]  # the first who came found everything free
        assert sum(one == other for one, other in pairwise(turns)) <= limits.concurrency - 1
        assert abs(turns.count("small") - turns.count("large")) <= limits.concurrency

    run_virtual(scene)


@pytest.mark.parametrize("limits", [Limits(), Limits(concurrency=3), Limits(rates=(Rate(5),), concurrency=2)])
def test_an_interactive_call_overtakes_workers_that_take_free_slots(limits: Limits) -> None:
    """However many workers of a backfill are ready to take a free slot, it goes to who is in a hurry."""

    async def scene(clock: VirtualClock) -> None:
        world, sent = World.of(clock, limits), list[str]()
        backfill = Job(Lane.BACKFILL, 1000)
        crowd = [
            asyncio.create_task(works(world, backfill, "backfill", sent, until=10**6))
            for _ in range(limits.concurrency + 2)
        ]
        for moment in (0.1, 1.05, 61.5, 100.0):
            await clock.sleep(moment - world.now)
            before = len(sent)
            await works(world, Job(Lane.INTERACTIVE), "urgent", sent, until=before + 1)
            assert sent[before] == "urgent"
        for worker in crowd:
            worker.cancel()
        await asyncio.wait(crowd)

    run_virtual(scene)
