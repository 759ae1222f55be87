"""The reorder buffer: results come in any order and are taken in that of their positions."""

from __future__ import annotations

import asyncio
import random

import pytest

from hourlyclicks.jobs.reorder import ReorderBuffer
from hourlyclicks.jobs.workers import WorkerPool


async def settle() -> None:
    """Run the event loop until nothing more happens."""
    for _ in range(10):
        await asyncio.sleep(0)


async def everything(buffer: ReorderBuffer[int]) -> list[int]:
    """Take all results."""
    taken = []
    while True:
        try:
            taken.append(await buffer.take())
        except StopAsyncIteration:
            return taken


@pytest.mark.parametrize("seed", range(5))
async def test_results_come_in_order(seed: int) -> None:
    """In order, results are taken in the order of their positions, however they were put."""
    order = list(range(20))
    random.Random(seed).shuffle(order)
    buffer: ReorderBuffer[int] = ReorderBuffer(size=20, room=20, ordered=True)
    taking = asyncio.create_task(everything(buffer))
    for position in order:
        buffer.put(position, position)
        await asyncio.sleep(0)
    assert await taking == list(range(20))


async def test_results_come_as_they_are_put() -> None:
    """Without order, no result waits for another."""
    buffer: ReorderBuffer[int] = ReorderBuffer(size=3, room=3, ordered=False)
    taking = asyncio.create_task(everything(buffer))
    for position in (2, 0, 1):
        buffer.put(position, position)
        await settle()
    assert await taking == [2, 0, 1]


@pytest.mark.parametrize("ordered", [True, False])
async def test_the_room_is_bounded(*, ordered: bool) -> None:
    """Workers wait when they are too far ahead of the consumer, and continue as it takes results."""
    buffer: ReorderBuffer[int] = ReorderBuffer(size=100, room=3, ordered=ordered)
    begun: list[int] = []

    async def work(position: int) -> None:
        await buffer.make_room(position)
        begun.append(position)
        buffer.put(position, position)

    async with WorkerPool(range(100), work, size=2, keeps_running=lambda _: False):
        await settle()
        assert begun == [0, 1, 2]
        await buffer.take()
        await settle()
        assert begun == [0, 1, 2, 3]
        assert len(await everything(buffer)) == 99


async def test_one_slow_result_holds_the_others_back() -> None:
    """While the consumer waits for the first result, the workers stay within the bound."""
    buffer: ReorderBuffer[int] = ReorderBuffer(size=1000, room=8, ordered=True)
    hold = asyncio.Event()

    async def work(position: int) -> None:
        await buffer.make_room(position)
        if position == 0:
            await hold.wait()
        buffer.put(position, position)

    async with WorkerPool(range(1000), work, size=3, keeps_running=lambda _: False):
        taking = asyncio.create_task(everything(buffer))
        await settle()
        assert len(buffer._results) == 7
        hold.set()
        assert await taking == list(range(1000))


async def test_giving_up_reaches_a_consumer_that_waits() -> None:
    """A consumer that waits for a result that will not come gets the error."""
    buffer: ReorderBuffer[int] = ReorderBuffer(size=3, room=3, ordered=True)
    taking = asyncio.create_task(buffer.take())
    await settle()
    buffer.give_up(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await taking


async def test_giving_up_raises_once() -> None:
    """The error comes in place of the missing result; after it there is nothing more, and no busy loop."""
    buffer: ReorderBuffer[int] = ReorderBuffer(size=3, room=3, ordered=True)
    buffer.put(0, 7)
    buffer.give_up(ZeroDivisionError())
    buffer.give_up(KeyError())
    assert await buffer.take() == 7  # what had been done is not lost
    with pytest.raises(ZeroDivisionError):
        await buffer.take()
    with pytest.raises(StopAsyncIteration):
        await buffer.take()
