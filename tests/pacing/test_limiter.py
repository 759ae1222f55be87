from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import AuthenticationError, TransportError
from hourlyclicks.model.targets import Account
from hourlyclicks.pacing.limiter import LOST, UNSENT
from hourlyclicks.pacing.plans import Limits, Plan, Rate
from hourlyclicks.pacing.queue import Job, Lane
from tests.pacing.world import World, settle, task_for, virtual

if TYPE_CHECKING:
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.simulator.clock import VirtualClock

TWO_AT_A_TIME = Limits(concurrency=2)
BAD_KEY = AuthenticationError("rejected", status=401)
NO_TLS = TransportError("no trust", kind="tls")


@virtual
async def test_a_free_slot_is_granted_at_once(clock: VirtualClock) -> None:
    """While a slot is free no task waits, not even one turn of the loop."""
    world = World.of(clock, TWO_AT_A_TIME)
    with pytest.raises(StopIteration):
        world.limiter.acquire(task_for(Job(Lane.INTERACTIVE))).send(None)


@virtual
async def test_waiters_are_served_as_slots_are_released(clock: VirtualClock) -> None:
    """A released slot goes to the next task in the queue at once, each to one only."""
    world = World.of(clock, TWO_AT_A_TIME)
    first, second = await world.slots(2)
    waiters = [world.waiter() for _ in range(3)]
    await settle()
    world.limiter.finish(first, LOST)
    await settle()
    assert [waiter.done() for waiter in waiters] == [True, False, False]
    world.limiter.finish(second, LOST)
    world.limiter.finish(waiters[0].result(), LOST)
    await asyncio.gather(*waiters)
    assert world.now == 0


@virtual
async def test_the_timer_serves_when_the_window_opens(clock: VirtualClock) -> None:
    """A task that waits for the window gets its slot at the moment it opens, without any other event."""
    world = World.of(clock, Limits(rates=(Rate(2),), concurrency=4, guard=1.0))
    for slot in await world.slots(2):
        world.limiter.finish(slot, LOST)
    waiters = [world.waiter() for _ in range(4)]
    await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    assert world.now == 61.0
    assert [waiter.done() for waiter in waiters] == [True, True, False, False]
    for waiter in waiters[:2]:
        world.limiter.finish(waiter.result(), LOST)
    await asyncio.gather(*waiters)
    assert world.now == 122.0


@virtual
async def test_the_latency_is_smoothed(clock: VirtualClock) -> None:
    """The latency follows what is measured by an eighth of the difference each time."""
    world = World.of(clock, Limits())
    assert world.limiter.eta.latency == 0.25
    await world.ask(Job(Lane.INTERACTIVE), latency=1.05)
    assert world.limiter.eta.latency == pytest.approx(0.35)
    for _ in range(100):
        await world.ask(Job(Lane.INTERACTIVE), latency=1.0)
    assert world.limiter.eta.latency == pytest.approx(1.0, abs=1e-3)


# -- lanes ------------------------------------------------------------------------------------------------


@virtual
async def test_an_interactive_job_waits_for_one_slot(clock: VirtualClock) -> None:
    """While a backfill of thousands waits, the next free slot goes to the interactive job."""
    world = World.of(clock, Plan.PERSONAL.limits)
    backfill = Job(Lane.BACKFILL, 3000)
    sent: list[float] = []

    async def fill() -> None:
        while True:
            sent.append(await world.ask(backfill))

    tasks = [asyncio.create_task(fill()) for _ in range(1000)]
    for moment in (0.05, 61.0, 100.0, 183.5):
        await clock.sleep(moment - world.now)
        asked = world.now
        mine = await world.ask(Job(Lane.INTERACTIVE))
        assert [other for other in sent if asked < other <= mine] == []
        assert mine - asked < 61.0
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@virtual
async def test_jobs_take_turns(clock: VirtualClock) -> None:
    """Of two backfills, one with two workers and one with a hundred, each sends every other request."""
    world = World.of(clock, Limits(rates=(Rate(10),), concurrency=1))
    large, small = Job(Lane.BACKFILL), Job(Lane.BACKFILL)
    turns: list[str] = []

    async def fill(job: Job, name: str) -> None:
        while len(turns) < 30:
            await world.ask(job)
            turns.append(name)

    workers = [fill(large, "large") for _ in range(100)] + [fill(small, "small") for _ in range(2)]
    await asyncio.gather(*workers)
    assert turns[1:30] == ["large", "small"] * 14 + ["large"]


# -- leaving ----------------------------------------------------------------------------------------------


@virtual
async def test_a_cancelled_waiter_is_passed_over(clock: VirtualClock) -> None:
    """A waiter that is cancelled leaves at once, and the next one gets the slot."""
    world = World.of(clock, Limits())
    (slot,) = await world.slots(1)
    leaving, staying = world.waiter(), world.waiter()
    await settle()
    leaving.cancel()
    await settle()
    assert leaving.cancelled()
    world.limiter.finish(slot, LOST)
    await staying


@virtual
async def test_a_cancelled_waiter_is_forgotten(clock: VirtualClock) -> None:
    """A waiter that is cancelled leaves no trace in the queue, at any position."""
    world = World.of(clock, Limits())
    await world.slots(1)
    job = Job(Lane.INTERACTIVE)
    waiters = [world.waiter(job) for _ in range(5)]
    await settle()
    for position in (4, 0, 2):
        waiters[position].cancel()
    await settle()
    assert len(world.limiter.queue.waiting.drain()) == 2
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters)


@virtual
async def test_leaving_just_after_the_grant_passes_it_on(clock: VirtualClock) -> None:
    """A waiter that is cancelled in the turn in which it was granted a slot passes it to the next."""
    world = World.of(clock, Limits(rates=(Rate(2),)))
    (slot,) = await world.slots(1)
    leaving, staying = world.waiter(), world.waiter()
    await settle()
    world.limiter.finish(slot, LOST)
    leaving.cancel()
    await staying
    assert leaving.cancelled()
    assert world.now == 0


@virtual
async def test_leaving_just_before_the_grant_loses_nothing(clock: VirtualClock) -> None:
    """A slot that is released while a cancelled waiter is still in the queue goes to the next."""
    world = World.of(clock, Limits())
    (slot,) = await world.slots(1)
    leaving, staying = world.waiter(), world.waiter()
    await settle()
    leaving.cancel()
    world.limiter.finish(slot, LOST)
    await staying
    assert leaving.cancelled()


@virtual
async def test_the_last_to_leave_leaves_nothing(clock: VirtualClock) -> None:
    """When all waiters are cancelled, the next task is alone in the queue."""
    world = World.of(clock, Limits(rates=(Rate(1),), guard=0.0))
    (slot,) = await world.slots(1)
    waiters = [world.waiter() for _ in range(5)]
    await settle()
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters)
    world.limiter.finish(slot, LOST)
    await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
    assert world.now == 60.0


@virtual
async def test_a_callers_timeout_stays_the_callers(clock: VirtualClock) -> None:
    """A timeout around the wait raises `TimeoutError` on time, and the slot is not lost."""
    world = World.of(clock, Limits())
    (slot,) = await world.slots(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
    assert world.now == 5.0
    world.limiter.finish(slot, LOST)
    await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))


@virtual
async def test_leaving_at_every_turn(clock: VirtualClock) -> None:
    """At whichever turn of the loop a waiter is cancelled, the next one gets a slot."""
    for turns in range(6):
        world = World.of(clock, Limits())
        (slot,) = await world.slots(1)
        leaving, staying = world.waiter(), world.waiter()
        await settle()
        asyncio.get_running_loop().call_soon(world.limiter.finish, slot, LOST)
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        if not leaving.cancelled():
            world.limiter.finish(leaving.result(), LOST)
        await staying


@virtual
async def test_a_slot_given_back_costs_nothing(clock: VirtualClock) -> None:
    """A slot whose request was never sent is no request: the next goes at once."""
    world = World.of(clock, Limits(rates=(Rate(1),)))
    (slot,) = await world.slots(1)
    waiter = world.waiter()
    await settle()
    world.limiter.finish(slot, UNSENT)
    await waiter
    assert world.now == 0


@virtual
async def test_slots_are_counted_with_their_jobs(clock: VirtualClock) -> None:
    """A job has a slot from the moment it is granted until it is released or given back."""
    world = World.of(clock, Limits())
    job = Job(Lane.INTERACTIVE)
    slot = await world.limiter.acquire(task_for(job))
    waiter = world.waiter(job)
    await settle()
    assert job.in_flight == 1
    world.limiter.finish(slot, LOST)
    assert job.in_flight == 1
    world.limiter.finish(await waiter, UNSENT)
    assert job.in_flight == 0


# -- the end of a run -------------------------------------------------------------------------------------


@virtual
async def test_an_abort_ends_all_waits(clock: VirtualClock) -> None:
    """Each waiting task gets an error of its own; later tasks are not affected."""
    world = World.of(clock, Limits())
    (slot,) = await world.slots(1)
    waiters = [world.waiter() for _ in range(3)]
    await settle()
    world.limiter.abort(NO_TLS, for_good=False)
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    assert [str(error) for error in errors] == ["no trust"] * 3
    assert len({id(error) for error in [*errors, NO_TLS]}) == 4
    world.limiter.finish(slot, LOST)
    await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))


@virtual
async def test_an_abort_for_good_ends_later_tasks_too(clock: VirtualClock) -> None:
    """After an abort for good no task gets a slot; each gets an error of its own."""
    world = World.of(clock, TWO_AT_A_TIME)
    world.limiter.abort(BAD_KEY, for_good=True)
    errors = []
    for _ in range(2):
        with pytest.raises(AuthenticationError) as caught:
            await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
        errors.append(caught.value)
    assert [error.status for error in errors] == [401, 401]
    assert len({id(error) for error in [BAD_KEY, *errors]}) == 3


@virtual
async def test_the_error_of_an_abort_is_copied_for_each_task(clock: VirtualClock) -> None:
    """What is added to one copy of the error does not show on the others."""
    world = World.of(clock, TWO_AT_A_TIME)
    error = AuthenticationError("rejected", status=403)
    world.limiter.abort(error, for_good=True)
    error.about(dt.date(2025, 4, 1), Account())
    with pytest.raises(AuthenticationError) as caught:
        await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
    assert caught.value.day is None


@virtual
async def test_a_slot_granted_in_the_turn_of_the_abort_is_not_used(clock: VirtualClock) -> None:
    """A bad key costs no further request, even if a slot was granted just before."""
    world = World.of(clock, Limits(rates=(Rate(2),)))
    (slot,) = await world.slots(1)
    job = Job(Lane.INTERACTIVE)
    waiter = world.waiter(job)
    await settle()
    world.limiter.finish(slot, LOST)
    world.limiter.abort(BAD_KEY, for_good=True)
    with pytest.raises(AuthenticationError):
        await waiter
    assert job.in_flight == 0


@virtual
async def test_leaving_in_the_turn_of_the_abort(clock: VirtualClock) -> None:
    """A waiter that gets the error and is cancelled in the same turn leaves nothing behind."""
    world = World.of(clock, Limits())
    (slot,) = await world.slots(1)
    waiter = world.waiter()
    await settle()
    world.limiter.abort(NO_TLS, for_good=False)
    waiter.cancel()
    with suppress(asyncio.CancelledError):
        await waiter
    assert waiter.cancelled()
    world.limiter.finish(slot, LOST)
    await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))


@virtual
async def test_leaving_before_the_abort(clock: VirtualClock) -> None:
    """A waiter that has been cancelled already does not get the error."""
    world = World.of(clock, Limits())
    await world.slots(1)
    waiter = world.waiter()
    await settle()
    waiter.cancel()
    world.limiter.abort(NO_TLS, for_good=False)
    await asyncio.wait([waiter])
    assert waiter.cancelled()


@virtual
async def test_a_bad_key_costs_as_many_requests_as_are_in_flight(clock: VirtualClock) -> None:
    """Of many days only `concurrency` are requested when the first answer ends the run."""
    world = World.of(clock, Plan.ENTERPRISE.limits)
    sent: list[Slot] = []

    async def ask() -> None:
        slot = await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
        sent.append(slot)
        await clock.sleep(0.2)
        world.limiter.abort(BAD_KEY, for_good=True)
        world.limiter.finish(slot, LOST)

    await asyncio.gather(*(ask() for _ in range(50)), return_exceptions=True)
    assert len(sent) == 3
