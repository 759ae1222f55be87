"""What a refusal does to everybody who shares the limiter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import RateLimitedError
from hourlyclicks.events import Paused, SpacingChanged
from hourlyclicks.pacing.limiter import ANSWERED, LOST, UNSENT
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.queue import Job, Lane
from tests.pacing.world import World, settle, task_for, virtual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.simulator.clock import VirtualClock

FOUR = Limits(concurrency=4)
SIXTY = Limits(rates=(Rate(60),), concurrency=4)


def kinds(events: Sequence[object]) -> list[str]:
    """Return what kinds of events, or errors, there were."""
    return [type(event).__name__ for event in events]


async def refuse(world: World, slot: Slot, retry_after: float | None = None) -> None:
    """Come back with a refusal."""
    try:
        await world.limiter.rate_limited(slot, retry_after)
    finally:
        world.limiter.finish(slot, LOST)


def answer(world: World, slot: Slot) -> None:
    """Come back with an answer."""
    world.limiter.finish(slot, ANSWERED)


@virtual
async def test_a_burst_is_one_pause(clock: VirtualClock) -> None:
    """The refusals of requests that were under way together begin one pause, as long as the first says."""
    world = World.of(clock, FOUR)
    burst = await world.slots(4)
    waiter = world.waiter()
    await refuse(world, burst[0], 30.0)
    for slot in burst[1:3]:
        await refuse(world, slot, 800.0)
    await clock.sleep(20)
    await refuse(world, burst[3], 5000.0)
    await waiter
    assert world.now == 30.0
    assert world.events == [Paused(seconds=30.0, why="the server asks to wait")]


@virtual
async def test_the_first_pause_is_a_window(clock: VirtualClock) -> None:
    """Without a wish of the server the pause lasts a window, then twice that, in one run of refusals."""
    world = World.of(clock, FOUR)
    for begin, end in ((0, 60), (60, 180), (180, 420)):
        assert world.now == begin
        slot = await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
        await refuse(world, slot)
        answerless = await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
        assert world.now == end
        world.limiter.finish(answerless, UNSENT)


@virtual
async def test_one_probe_and_then_the_rest(clock: VirtualClock) -> None:
    """After the pause one request goes alone; its answer lets the rest go, and is told."""
    world = World.of(clock, FOUR)
    await refuse(world, (await world.slots(1))[0], 10.0)
    waiters = [world.waiter() for _ in range(4)]
    await clock.sleep(15)
    assert [waiter.done() for waiter in waiters] == [True, False, False, False]
    world.limiter.finish(waiters[0].result(), ANSWERED)
    await asyncio.gather(*waiters)
    assert world.now == 15.0
    assert kinds(world.events) == ["Paused", "Resumed"]


@virtual
async def test_an_answer_from_before_does_not_end_it(clock: VirtualClock) -> None:
    """An answer to a request that left before the pause says nothing about it."""
    world = World.of(clock, FOUR)
    refused, slow = await world.slots(2)
    await refuse(world, refused, 10.0)
    await clock.sleep(5)
    answer(world, slow)
    await world.slots(1)
    assert world.now == 10.0
    assert kinds(world.events) == ["Paused"]


@virtual
async def test_a_refusal_from_before_is_late_even_afterwards(clock: VirtualClock) -> None:
    """A refusal that took longer than the whole pause it belongs to begins no other."""
    world = World.of(clock, FOUR)
    refused, slow = await world.slots(2)
    await refuse(world, refused, 10.0)
    (probe,) = await world.slots(1)
    answer(world, probe)
    await refuse(world, slow, 10.0)
    await world.slots(3)
    assert world.now == 10.0
    assert kinds(world.events) == ["Paused", "Resumed"]


@pytest.mark.parametrize("fate", ["broken connection", "never sent", "cancelled"])
def test_a_lost_probe_is_replaced(fate: str) -> None:
    """A probe that brings no verdict back is replaced at once by whoever waits next."""

    async def scene(clock: VirtualClock) -> None:
        world = World.of(clock, FOUR)
        await refuse(world, (await world.slots(1))[0], 10.0)
        first, second = world.waiter(), world.waiter()
        await clock.sleep(9.5)
        if fate == "cancelled":
            first.cancel()
        await clock.sleep(1.5)
        if fate == "broken connection":
            world.limiter.finish(first.result(), LOST)
        elif fate == "never sent":
            world.limiter.finish(first.result(), UNSENT)
        await second
        assert world.now == 11.0
        assert kinds(world.events) == ["Paused"]

    virtual(scene)()


@virtual
async def test_a_refused_probe_begins_the_next_pause(clock: VirtualClock) -> None:
    """While probes are refused nobody else sends, and every pause is told."""
    world = World.of(clock, FOUR)
    await refuse(world, (await world.slots(1))[0], 10.0)
    waiters = [world.waiter() for _ in range(3)]
    await clock.sleep(12)
    await refuse(world, waiters[0].result(), 10.0)
    await clock.sleep(9)
    assert [waiter.done() for waiter in waiters] == [True, False, False]
    answer(world, await waiters[1])
    await waiters[2]
    assert world.now == 22.0
    assert kinds(world.events) == ["Paused", "Paused", "Resumed"]


@virtual
async def test_ten_pauses_and_no_more(clock: VirtualClock) -> None:
    """Ten pauses without an answer, and the next refusal ends the run for everybody who waits."""
    world = World.of(clock, FOUR)
    for _ in range(10):
        await refuse(world, (await world.slots(1))[0], 10.0)
    (probe,) = await world.slots(1)
    assert world.now == 100.0
    waiters = [world.waiter() for _ in range(3)]
    await settle()
    with pytest.raises(RateLimitedError, match="after 10 pauses"):
        await refuse(world, probe, 10.0)
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    assert kinds(errors) == ["RateLimitedError"] * 3
    assert kinds(world.events) == ["Paused"] * 10


@virtual
async def test_after_giving_up_a_probe_may_try(clock: VirtualClock) -> None:
    """A run that comes after one that was given up may try one request, and goes on if it is answered."""
    world = World.of(clock, FOUR)
    for _ in range(10):
        await refuse(world, (await world.slots(1))[0], 10.0)
    for _ in range(2):
        with pytest.raises(RateLimitedError):
            await refuse(world, (await world.slots(1))[0], 10.0)
    waiters = [world.waiter() for _ in range(3)]
    await settle()
    assert [waiter.done() for waiter in waiters] == [True, False, False]
    answer(world, waiters[0].result())
    await asyncio.gather(*waiters)
    assert world.now == 100.0


@virtual
async def test_too_long_a_wish_is_told_at_once(clock: VirtualClock) -> None:
    """A server that asks for more than 900 s is not waited for, by nobody, and there is no pause."""
    world = World.of(clock, FOUR)
    slots = await world.slots(4)
    waiter = world.waiter()
    await settle()
    with pytest.raises(RateLimitedError) as caught:
        await refuse(world, slots[0], 901.0)
    assert caught.value.retry_after == 901.0
    with pytest.raises(RateLimitedError, match="901"):
        await waiter
    assert world.now == 0
    assert world.events == []


@virtual
async def test_nobody_slips_out_as_the_pause_begins(clock: VirtualClock) -> None:
    """A slot that was handed out in the turn in which the pause begins is not used before its end."""
    world = World.of(clock, Limits(rates=(Rate(60),), concurrency=2))
    answered, refused = await world.slots(2)
    call = Job(Lane.INTERACTIVE)
    waiter = world.waiter(call)
    await settle()
    answer(world, answered)
    await refuse(world, refused, 10.0)
    await waiter
    assert world.now == 10.0
    assert call.in_flight == 1


# -- spreading --------------------------------------------------------------------------------------------


@virtual
async def test_refusals_that_recur_spread_the_requests(clock: VirtualClock) -> None:
    """A second refusal spaces evenly, a third counts from the response; each change is told."""
    world = World.of(clock, SIXTY)
    for _ in range(3):
        await refuse(world, (await world.slots(1))[0], 10.0)
        (probe,) = await world.slots(1)
        answer(world, probe)
    changes = [event.interval for event in world.events if isinstance(event, SpacingChanged)]
    assert changes == pytest.approx([1.05, 1.02])
    begin = world.now
    call = Job(Lane.INTERACTIVE)
    sent = await asyncio.gather(*(world.ask(call, latency=0.5) for _ in range(4)))
    assert sent == pytest.approx([begin + 1.02 + place * 1.52 for place in range(4)])


@virtual
async def test_even_spacing_from_the_beginning(clock: VirtualClock) -> None:
    """Asked for even spacing, the first requests are spaced, and a first refusal is taken seriously."""
    world = World.of(clock, Limits(rates=(Rate(60),), concurrency=4, spacing="even"))
    call = Job(Lane.INTERACTIVE)
    sent = await asyncio.gather(*(world.ask(call) for _ in range(4)))
    assert sent == pytest.approx([0, 1.05, 2.1, 3.15])
    await refuse(world, (await world.slots(1))[0], 10.0)
    assert kinds(world.events) == ["Paused", "SpacingChanged"]


@virtual
async def test_a_server_out_of_order_is_no_reason_to_spread(clock: VirtualClock) -> None:
    """Pauses that are not about the rate leave the spacing as it is."""
    world = World.of(clock, SIXTY)
    for _ in range(5):
        (slot,) = await world.slots(1)
        await world.limiter.rate_limited(slot, 10.0, for_rate=False)
        world.limiter.finish(slot, LOST)
    assert kinds(world.events) == ["Paused"] * 5


@virtual
async def test_without_a_rate_there_is_nothing_to_spread(clock: VirtualClock) -> None:
    """Unlimited requests are paused when refused, and never spread."""
    world = World.of(clock, FOUR)
    for _ in range(5):
        await refuse(world, (await world.slots(1))[0], 10.0)
    assert kinds(world.events) == ["Paused"] * 5


@virtual
async def test_a_lonely_refusal_is_forgotten(clock: VirtualClock) -> None:
    """After ten windows' worth of answers the next refusal is a first one again, and not one earlier."""
    world = World.of(clock, Limits(rates=(Rate(3, 1.0), Rate(2, 0.5)), guard=0.0))
    call = Job(Lane.INTERACTIVE)
    for answers in (30, 30, 29):
        await refuse(world, (await world.slots(1))[0], 10.0)
        for _ in range(answers):
            await world.ask(call, latency=0.0)
    assert "SpacingChanged" not in kinds(world.events)
    await refuse(world, (await world.slots(1))[0], 10.0)
    assert "SpacingChanged" in kinds(world.events)
