"""What a 429 does to all tasks that share the limiter."""

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
    """Return the types of events, or errors."""
    return [type(event).__name__ for event in events]


async def rate_limit(world: World, slot: Slot, retry_after: float | None = None) -> None:
    """Let a request be answered with a 429."""
    try:
        await world.limiter.rate_limited(slot, retry_after)
    finally:
        world.limiter.finish(slot, LOST)


def answer(world: World, slot: Slot) -> None:
    """Let a request be answered."""
    world.limiter.finish(slot, ANSWERED)


@virtual
async def test_a_burst_is_one_pause(clock: VirtualClock) -> None:
    """The 429 answers of requests in flight together begin one pause, as long as the first says."""
    world = World.of(clock, FOUR)
    burst = await world.slots(4)
    waiter = world.waiter()
    await rate_limit(world, burst[0], 30.0)
    for slot in burst[1:3]:
        await rate_limit(world, slot, 800.0)
    await clock.sleep(20)
    await rate_limit(world, burst[3], 5000.0)
    await waiter
    assert world.now == 30.0
    assert world.events == [Paused(seconds=30.0, why="the server asks to wait")]


@virtual
async def test_the_first_pause_is_a_window(clock: VirtualClock) -> None:
    """Without a Retry-After the pause lasts a window, and twice as long after each further 429."""
    world = World.of(clock, FOUR)
    for begin, end in ((0, 60), (60, 180), (180, 420)):
        assert world.now == begin
        slot = await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
        await rate_limit(world, slot)
        answerless = await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
        assert world.now == end
        world.limiter.finish(answerless, UNSENT)


@virtual
async def test_one_probe_and_then_the_rest(clock: VirtualClock) -> None:
    """After the pause one request goes alone; its answer lets the rest go, and an event says so."""
    world = World.of(clock, FOUR)
    await rate_limit(world, (await world.slots(1))[0], 10.0)
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
    limited, slow = await world.slots(2)
    await rate_limit(world, limited, 10.0)
    await clock.sleep(5)
    answer(world, slow)
    await world.slots(1)
    assert world.now == 10.0
    assert kinds(world.events) == ["Paused"]


@virtual
async def test_a_429_from_before_a_pause_does_not_count_after_it(clock: VirtualClock) -> None:
    """A 429 that arrives after the pause it belongs to begins no other."""
    world = World.of(clock, FOUR)
    limited, slow = await world.slots(2)
    await rate_limit(world, limited, 10.0)
    (probe,) = await world.slots(1)
    answer(world, probe)
    await rate_limit(world, slow, 10.0)
    await world.slots(3)
    assert world.now == 10.0
    assert kinds(world.events) == ["Paused", "Resumed"]


@pytest.mark.parametrize("fate", ["broken connection", "never sent", "cancelled"])
def test_a_lost_probe_is_replaced(fate: str) -> None:
    """A probe without a result is replaced at once by the next waiting task."""

    async def scene(clock: VirtualClock) -> None:
        world = World.of(clock, FOUR)
        await rate_limit(world, (await world.slots(1))[0], 10.0)
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
async def test_a_probe_answered_with_a_429_begins_the_next_pause(clock: VirtualClock) -> None:
    """While probes get a 429 no other task sends, and there is an event for every pause."""
    world = World.of(clock, FOUR)
    await rate_limit(world, (await world.slots(1))[0], 10.0)
    waiters = [world.waiter() for _ in range(3)]
    await clock.sleep(12)
    await rate_limit(world, waiters[0].result(), 10.0)
    await clock.sleep(9)
    assert [waiter.done() for waiter in waiters] == [True, False, False]
    answer(world, await waiters[1])
    await waiters[2]
    assert world.now == 22.0
    assert kinds(world.events) == ["Paused", "Paused", "Resumed"]


@virtual
async def test_ten_pauses_and_no_more(clock: VirtualClock) -> None:
    """Ten pauses without an answer, and the next 429 is an error for all waiting tasks."""
    world = World.of(clock, FOUR)
    for _ in range(10):
        await rate_limit(world, (await world.slots(1))[0], 10.0)
    (probe,) = await world.slots(1)
    assert world.now == 100.0
    waiters = [world.waiter() for _ in range(3)]
    await settle()
    with pytest.raises(RateLimitedError, match="after 10 pauses"):
        await rate_limit(world, probe, 10.0)
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    assert kinds(errors) == ["RateLimitedError"] * 3
    assert kinds(world.events) == ["Paused"] * 10


@virtual
async def test_after_ten_pauses_a_new_run_may_send_a_probe(clock: VirtualClock) -> None:
    """A run after one that was given up may send one probe, and continues if it is answered."""
    world = World.of(clock, FOUR)
    for _ in range(10):
        await rate_limit(world, (await world.slots(1))[0], 10.0)
    for _ in range(2):
        with pytest.raises(RateLimitedError):
            await rate_limit(world, (await world.slots(1))[0], 10.0)
    waiters = [world.waiter() for _ in range(3)]
    await settle()
    assert [waiter.done() for waiter in waiters] == [True, False, False]
    answer(world, waiters[0].result())
    await asyncio.gather(*waiters)
    assert world.now == 100.0


@virtual
async def test_too_long_a_retry_after_is_an_error_at_once(clock: VirtualClock) -> None:
    """If a server asks for more than 900 s, all tasks get an error, and there is no pause."""
    world = World.of(clock, FOUR)
    slots = await world.slots(4)
    waiter = world.waiter()
    await settle()
    with pytest.raises(RateLimitedError) as caught:
        await rate_limit(world, slots[0], 901.0)
    assert caught.value.retry_after == 901.0
    with pytest.raises(RateLimitedError, match="901"):
        await waiter
    assert world.now == 0
    assert world.events == []


@virtual
async def test_no_request_is_sent_as_the_pause_begins(clock: VirtualClock) -> None:
    """A slot that was granted in the turn in which the pause begins is not used before its end."""
    world = World.of(clock, Limits(rates=(Rate(60),), concurrency=2))
    answered, limited = await world.slots(2)
    job = Job(Lane.INTERACTIVE)
    waiter = world.waiter(job)
    await settle()
    answer(world, answered)
    await rate_limit(world, limited, 10.0)
    await waiter
    assert world.now == 10.0
    assert job.in_flight == 1


# -- spreading --------------------------------------------------------------------------------------------


@virtual
async def test_429_answers_that_recur_spread_the_requests(clock: VirtualClock) -> None:
    """A second 429 spaces evenly, a third counts from the response; there is an event for each."""
    world = World.of(clock, SIXTY)
    for _ in range(3):
        await rate_limit(world, (await world.slots(1))[0], 10.0)
        (probe,) = await world.slots(1)
        answer(world, probe)
    changes = [event.interval for event in world.events if isinstance(event, SpacingChanged)]
    assert changes == pytest.approx([1.05, 1.02])
    begin = world.now
    job = Job(Lane.INTERACTIVE)
    sent = await asyncio.gather(*(world.ask(job, latency=0.5) for _ in range(4)))
    assert sent == pytest.approx([begin + 1.02 + position * 1.52 for position in range(4)])


@virtual
async def test_even_spacing_from_the_beginning(clock: VirtualClock) -> None:
    """With even spacing, the first requests are spaced, and a first 429 counts."""
    world = World.of(clock, Limits(rates=(Rate(60),), concurrency=4, spacing="even"))
    job = Job(Lane.INTERACTIVE)
    sent = await asyncio.gather(*(world.ask(job) for _ in range(4)))
    assert sent == pytest.approx([0, 1.05, 2.1, 3.15])
    await rate_limit(world, (await world.slots(1))[0], 10.0)
    assert kinds(world.events) == ["Paused", "SpacingChanged"]


@virtual
async def test_a_server_out_of_order_is_no_reason_to_spread(clock: VirtualClock) -> None:
    """Pauses for other reasons than the rate leave the spacing as it is."""
    world = World.of(clock, SIXTY)
    for _ in range(5):
        (slot,) = await world.slots(1)
        await world.limiter.rate_limited(slot, 10.0, for_rate=False)
        world.limiter.finish(slot, LOST)
    assert kinds(world.events) == ["Paused"] * 5


@virtual
async def test_without_a_rate_there_is_nothing_to_spread(clock: VirtualClock) -> None:
    """Unlimited requests pause after a 429, and are never spread."""
    world = World.of(clock, FOUR)
    for _ in range(5):
        await rate_limit(world, (await world.slots(1))[0], 10.0)
    assert kinds(world.events) == ["Paused"] * 5


@virtual
async def test_a_single_429_is_forgotten(clock: VirtualClock) -> None:
    """After as many answers as fit in ten windows the next 429 counts as a first one, and not earlier."""
    world = World.of(clock, Limits(rates=(Rate(3, 1.0), Rate(2, 0.5)), guard=0.0))
    job = Job(Lane.INTERACTIVE)
    for answers in (30, 30, 29):
        await rate_limit(world, (await world.slots(1))[0], 10.0)
        for _ in range(answers):
            await world.ask(job, latency=0.0)
    assert "SpacingChanged" not in kinds(world.events)
    await rate_limit(world, (await world.slots(1))[0], 10.0)
    assert "SpacingChanged" in kinds(world.events)
