"""A few workers, however many items, and nobody left behind."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.jobs.workers import WorkerPool


def nobody(_: object) -> bool:
    """Spare no worker."""
    return False


async def settle() -> None:
    """Let everything that can happen happen."""
    for _ in range(10):
        await asyncio.sleep(0)


# -- the crew -------------------------------------------------------------------------------------------


async def test_each_item_is_done_once() -> None:
    """Whatever the number of workers, every item is worked on exactly once."""
    for size in (1, 2, 7):
        done: list[int] = []

        async def work(item: int, done: list[int] = done) -> None:
            await asyncio.sleep(0)
            done.append(item)

        async with WorkerPool(range(20), work, size=size, keeps_running=nobody) as pool:
            await pool.join()
        assert sorted(done) == list(range(20))


async def test_tasks_are_few_and_items_are_pulled() -> None:
    """A range without end makes as many tasks as were asked for, and pulls an item for each."""
    before = len(asyncio.all_tasks())
    pulled = itertools.count()
    hold = asyncio.Event()

    async def work(_: int) -> None:
        await hold.wait()

    async with WorkerPool(pulled, work, size=3, keeps_running=nobody):
        await settle()
        assert len(asyncio.all_tasks()) == before + 3
        assert next(pulled) == 3
    assert len(asyncio.all_tasks()) == before


async def test_a_failure_leaves_no_sibling() -> None:
    """The first exception comes out of join, and every other worker is gone when the context is left."""
    ended: list[int] = []
    others = len(asyncio.all_tasks())

    async def work(item: int) -> None:
        try:
            await asyncio.sleep(0)
            if item == 2:
                raise ZeroDivisionError
            await asyncio.Event().wait()
        finally:
            ended.append(item)

    with pytest.raises(ZeroDivisionError):
        async with WorkerPool(range(100), work, size=5, keeps_running=nobody) as pool:
            await pool.join()
    assert sorted(ended) == [0, 1, 2, 3, 4]
    assert len(asyncio.all_tasks()) == others


@pytest.mark.usefixtures("complaints")
async def test_many_failures_are_one() -> None:
    """When several workers fail, one exception is raised and asyncio complains about none of the others."""

    async def work(_: int) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with WorkerPool(range(3), work, size=3, keeps_running=nobody) as pool:
            await pool.join()


async def test_cancelling_whoever_waits_cancels_the_workers() -> None:
    """Who is cancelled while joining leaves no worker behind."""
    others = len(asyncio.all_tasks())

    async def work(_: int) -> None:
        await asyncio.Event().wait()

    async def fetch() -> None:
        async with WorkerPool(range(100), work, size=3, keeps_running=nobody) as pool:
            await pool.join()

    task = asyncio.create_task(fetch())
    await settle()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert len(asyncio.all_tasks()) == others


async def test_stopping_lets_each_finish_its_item() -> None:
    """Stopped, the workers finish what they are at and begin nothing, not even one who had not begun."""
    done: list[int] = []

    async def work(item: int) -> None:
        if item == 0:
            pool.stop()
        await asyncio.sleep(0)
        done.append(item)

    pool = WorkerPool(range(100), work, size=3, keeps_running=nobody)
    async with pool:
        await pool.join()
    assert done == [0]


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("fails", [False, True])
async def test_a_spared_worker_ends_by_itself(*, fails: bool) -> None:
    """A worker that others wait for is not cancelled; it ends with its item, and nobody minds how."""
    done: list[int] = []
    hold = asyncio.Event()
    keeps_running: list[asyncio.Task[None]] = []

    async def work(item: int) -> None:
        if item == 1:
            task = asyncio.current_task()
            assert task is not None
            keeps_running.append(task)
        await hold.wait()
        done.append(item)
        if fails:
            raise ZeroDivisionError

    async with WorkerPool(range(100), work, size=3, keeps_running=lambda worker: worker in keeps_running):
        await settle()
    assert [task.done() for task in keeps_running] == [False]
    hold.set()
    await settle()
    assert [task.done() for task in keeps_running] == [True]
    keeps_running.clear()
    assert done == [1]


@pytest.mark.usefixtures("complaints")
async def test_a_spared_worker_may_be_cancelled_later() -> None:
    """A spared worker that is cancelled after all ends without a sound."""

    async def work(_: int) -> None:
        await asyncio.Event().wait()

    pool = WorkerPool(range(1), work, size=1, keeps_running=lambda _: True)
    async with pool:
        await settle()
    pool._workers[0].cancel()
    await settle()
    assert pool._workers[0].cancelled()


# -- those who stand in ---------------------------------------------------------------------------------


class Held:
    """Work that is held up until the test lets it go.

    Attributes:
        begun: the items that somebody has begun, in order.
        goes_on: set when the work may be finished.
    """

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.goes_on = asyncio.Event()

    async def __call__(self, item: int) -> None:
        """Do the work."""
        self.begun.append(item)
        await self.goes_on.wait()


@pytest.mark.parametrize("spare", [0, 1, 3])
async def test_only_so_many_stand_in(spare: int) -> None:
    """Each who is held up is stood in for while there are spare ones, who then work on to the end."""
    work = Held()
    pool = WorkerPool(range(100), work, size=2, keeps_running=nobody, spare=spare)
    async with pool:
        await settle()
        assert work.begun == [0, 1]
        for called in range(1, 7):
            pool.start_spare()
            await settle()
            assert len(work.begun) == len(pool._workers) == 2 + min(called, spare)
        work.goes_on.set()
        await pool.join()
    assert work.begun == list(range(100))
    assert len(pool._workers) == 2 + spare


@pytest.mark.parametrize("when", ["before", "stopped", "retired", "ended", "left"])
async def test_nobody_stands_in_when_nothing_is_begun_any_more(when: str) -> None:
    """Neither before a crew is entered nor after it was stopped, in whatever way, anybody is hired."""
    others = len(asyncio.all_tasks())
    work = Held()
    pool = WorkerPool(range(100), work, size=1, keeps_running=nobody, spare=3)
    if when == "before":
        pool.start_spare()
    async with pool:
        await settle()
        if when == "stopped":
            pool.stop()
        elif when == "retired":
            pool.drain(lambda _: True)
        elif when == "ended":
            await pool.end(UsageError("closed"))
        if when not in {"before", "left"}:
            pool.start_spare()
        await settle()
        assert work.begun == [0]
    pool.start_spare()
    await settle()
    assert work.begun == [0]
    assert len(pool._workers) == 1
    assert len(asyncio.all_tasks()) == others


async def test_who_joins_waits_for_those_who_stand_in() -> None:
    """Everything is done only when the last who stood in is done, however early the first ones are."""
    done: list[int] = []
    hold = asyncio.Event()

    async def work(item: int) -> None:
        if item == 0:
            pool.start_spare()
        elif item == 1:
            await hold.wait()
        await asyncio.sleep(0)
        done.append(item)

    async with WorkerPool(range(3), work, size=1, keeps_running=nobody, spare=1) as pool:
        joining = asyncio.create_task(pool.join())
        await settle()
        assert done == [0, 2]
        assert [worker.done() for worker in pool._workers] == [True, False]
        assert not joining.done()
        hold.set()
        await joining
    assert done == [0, 2, 1]


@pytest.mark.usefixtures("complaints")
async def test_a_failure_of_who_stands_in_is_one_of_all() -> None:
    """The exception of one who stands in ends the waiting, and the others with it."""
    others = len(asyncio.all_tasks())

    async def work(item: int) -> None:
        if item == 0:
            pool.start_spare()
            await asyncio.Event().wait()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with WorkerPool(range(100), work, size=1, keeps_running=nobody, spare=1) as pool:
            await pool.join()
    assert len(pool._workers) == 2
    assert len(asyncio.all_tasks()) == others


async def test_leaving_ends_those_who_stand_in() -> None:
    """They are cancelled with the others, unless they are spared as any of them may be."""
    keeps_running: list[asyncio.Task[None]] = []
    work = Held()
    pool = WorkerPool(range(100), work, size=1, keeps_running=lambda worker: worker in keeps_running, spare=2)
    async with pool:
        await settle()
        pool.start_spare()
        pool.start_spare()
        await settle()
        keeps_running.append(pool._workers[1])
    assert [worker.cancelled() for worker in pool._workers] == [True, False, True]
    work.goes_on.set()
    await keeps_running[0]
    assert work.begun == [0, 1, 2]
