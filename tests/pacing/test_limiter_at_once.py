"""Slots that are granted without waiting, and their order."""

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
BAD_KEY = AuthenticationError("rejected", status=401)
LATENCY = 0.2


def at_once(world: World, job: Job) -> Slot | None:
    """Return a slot that must be free."""
    return world.limiter.try_acquire(task_for(job))


@virtual
async def test_a_slot_granted_at_once_counts(clock: VirtualClock) -> None:
    """It is in use and counted with its job, like one that was waited for."""
    world = World.of(clock, Limits(rates=(Rate(2),), concurrency=1, guard=1.0))
    job, other = Job(Lane.INTERACTIVE, 5), Job(Lane.INTERACTIVE)
    slot = at_once(world, job)
    assert slot is not None
    assert slot.job is job
    assert (job.in_flight, job.spent) == (1, 1)
    assert at_once(world, other) is None  # one at a time
    assert (other.in_flight, other.spent) == (0, 0)
    world.limiter.finish(slot, LOST)
    assert (job.in_flight, job.spent) == (0, 1)
    second = at_once(world, job)
    assert second is not None
    world.limiter.finish(second, LOST)
    assert at_once(world, job) is None  # two a minute
    await world.limiter.acquire(task_for(job))
    assert world.now == 61.0
    assert (job.in_flight, job.spent) == (1, 3)


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("urgent", Lane)
def test_nothing_is_granted_at_once_while_a_task_waits(lane: Lane, urgent: Lane) -> None:
    """A window that has opened is for the tasks in the queue, though the timer has not fired yet."""

    async def scene(clock: VirtualClock) -> None:
        world = World.of(clock, Limits(rates=(Rate(1),), concurrency=2, guard=0.0))
        (slot,) = await world.slots(1)
        world.limiter.finish(slot, LOST)
        got: list[Slot | None] = []
        clock.call_later(
            60 * S, lambda: got.append(at_once(world, Job(urgent)))
        )  # before the limiter's own timer
        waiter = world.waiter(Job(lane))
        await waiter
        assert (world.now, got) == (60, [None])

    run_virtual(scene)


@virtual
async def test_slots_are_granted_at_once_when_the_queue_is_empty(clock: VirtualClock) -> None:
    """Once the queue is empty, the next free slot is granted at once again."""
    world = World.of(clock, Limits(concurrency=2))
    slots = await world.slots(2)
    waiter = world.waiter()
    await settle()
    for slot in slots:
        world.limiter.finish(slot, LOST)
    assert at_once(world, Job(Lane.INTERACTIVE)) is not None
    assert at_once(world, Job(Lane.INTERACTIVE)) is None  # the other slot is the waiter's
    await waiter


@virtual
async def test_nothing_is_granted_after_an_abort_for_good(clock: VirtualClock) -> None:
    """No slot is granted, even if one is free, and the attempt uses none up."""
    world = World.of(clock, ONE_AT_A_TIME)
    world.limiter.abort(BAD_KEY, for_good=False)
    slot = at_once(world, Job(Lane.INTERACTIVE))
    assert slot is not None
    world.limiter.finish(slot, LOST)
    world.limiter.abort(BAD_KEY, for_good=True)
    job = Job(Lane.INTERACTIVE)
    assert at_once(world, job) is None
    assert (job.in_flight, job.spent) == (0, 0)


@virtual
async def test_a_job_that_is_over_gets_no_slot(clock: VirtualClock) -> None:
    """The last request that a job may send ends it, and leaves the slots to the others."""
    world = World.of(clock, Limits(concurrency=5))
    job = Job(Lane.BACKFILL, 10, allowance=2)
    assert at_once(world, job) is not None
    assert not job.over
    assert at_once(world, job) is not None
    assert job.over
    assert at_once(world, job) is None
    assert (job.in_flight, job.spent) == (2, 2)
    assert at_once(world, Job(Lane.BACKFILL)) is not None
    assert at_once(world, Job(Lane.BACKFILL, allowance=0)) is None


@virtual
async def test_the_last_request_of_a_job_ends_its_queued_tasks(clock: VirtualClock) -> None:
    """Queued tasks of the same job end when its last request is granted."""
    world = World.of(clock, ONE_AT_A_TIME)
    (slot,) = await world.slots(1)
    job = Job(Lane.BACKFILL, 10, allowance=1)
    waiters = [world.waiter(job) for _ in range(3)]
    await settle()
    world.limiter.finish(slot, LOST)
    first, *rest = await asyncio.gather(*waiters, return_exceptions=True)
    assert isinstance(first, Slot)
    assert [type(error) for error in rest] == [OverError, OverError]


@virtual
async def test_no_slot_is_granted_during_a_pause(clock: VirtualClock) -> None:
    """During a pause no slot is free; after it one probe is sent, and its answer frees the others."""
    world = World.of(clock, Limits(concurrency=3))
    job = Job(Lane.INTERACTIVE, 9)
    slot = at_once(world, job)
    assert slot is not None
    await world.limiter.rate_limited(slot, 30.0)
    world.limiter.finish(slot, LOST)
    assert at_once(world, job) is None
    await clock.sleep(29.9)
    assert at_once(world, job) is None
    await clock.sleep(0.1)
    probe = at_once(world, job)
    assert probe is not None
    assert at_once(world, job) is None
    world.limiter.finish(probe, ANSWERED)
    assert at_once(world, job) is not None


@virtual
async def test_the_open_breaker_holds_backfills_only(clock: VirtualClock) -> None:
    """While the breaker is open a backfill gets no slot, then one for the probe; other jobs may send."""
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
async def test_a_probe_without_a_result_is_replaced(clock: VirtualClock) -> None:
    """When the probe is given up while the queue is empty, the next backfill sends another probe."""
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


# -- the order ----------------------------------------------------------------------------------------


async def works(world: World, job: Job, name: str, sent: list[str], *, until: int) -> None:
    """Send one request after the other, each at once if a slot is free, as a worker does."""
    while len(sent) < until:
        task = task_for(job)
        slot = world.limiter.try_acquire(task) or await world.limiter.acquire(task)
        sent.append(name)
        await world.clock.sleep(LATENCY)
        world.limiter.finish(slot, ANSWERED)


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize("limits", [Limits(), Limits(concurrency=2), Limits(rates=(Rate(7),), concurrency=2)])
@pytest.mark.parametrize("many", [2, 3, 20])
def test_jobs_with_work_take_turns(limits: Limits, lane: Lane, many: int) -> None:
    """Of two jobs with more workers than slots, each sends every other request."""

    async def scene(clock: VirtualClock) -> None:
        world, sent = World.of(clock, limits), list[str]()
        small, large = Job(lane, 100), Job(lane, 100)
        workers = [works(world, small, "small", sent, until=60) for _ in range(limits.concurrency + 1)]
        workers += [works(world, large, "large", sent, until=60) for _ in range(many + limits.concurrency)]
        await asyncio.gather(*workers)
        turns = sent[limits.concurrency : 60]  # the first ones found every slot free
        assert sum(one == other for one, other in pairwise(turns)) <= limits.concurrency - 1
        assert abs(turns.count("small") - turns.count("large")) <= limits.concurrency

    run_virtual(scene)


@pytest.mark.parametrize("limits", [Limits(), Limits(concurrency=3), Limits(rates=(Rate(5),), concurrency=2)])
def test_an_interactive_call_overtakes_workers_that_take_free_slots(limits: Limits) -> None:
    """However many workers of a backfill wait for a free slot, it goes to the interactive job."""

    async def scene(clock: VirtualClock) -> None:
        world, sent = World.of(clock, limits), list[str]()
        backfill = Job(Lane.BACKFILL, 1000)
        workers = [
            asyncio.create_task(works(world, backfill, "backfill", sent, until=10**6))
            for _ in range(limits.concurrency + 2)
        ]
        for moment in (0.1, 1.05, 61.5, 100.0):
            await clock.sleep(moment - world.now)
            before = len(sent)
            await works(world, Job(Lane.INTERACTIVE), "urgent", sent, until=before + 1)
            assert sent[before] == "urgent"
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)

    run_virtual(scene)
