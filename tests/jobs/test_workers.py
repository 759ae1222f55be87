"""A few workers for any number of items, and none left behind."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.jobs.workers import WorkerPool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


def never(_: object) -> bool:
    """Keep no worker running."""
    return False


async def settle() -> None:
    """Run the event loop until nothing more happens."""
    for _ in range(10):
        await asyncio.sleep(0)


# -- the pool -------------------------------------------------------------------------------------------


async def test_each_item_is_done_once() -> None:
    """With any number of workers, every item is worked on exactly once."""
    for size in (1, 2, 7):
        done: list[int] = []

        async def work(item: int, done: list[int] = done) -> None:
            await asyncio.sleep(0)
            done.append(item)

        async with WorkerPool(range(20), work, size=size, keeps_running=never) as pool:
            await pool.join()
        assert sorted(done) == list(range(20))


async def test_tasks_are_few_and_items_are_pulled() -> None:
    """An endless range starts as many tasks as the size of the pool, and pulls an item for each."""
    before = len(asyncio.all_tasks())
    pulled = itertools.count()
    hold = asyncio.Event()

    async def work(_: int) -> None:
        await hold.wait()

    async with WorkerPool(pulled, work, size=3, keeps_running=never):
        await settle()
        assert len(asyncio.all_tasks()) == before + 3
        assert next(pulled) == 3
    assert len(asyncio.all_tasks()) == before


async def test_what_yields_the_items_can_wait_until_no_worker_has_one() -> None:
    """An asynchronous source that waits for idleness goes on after all items that it has yielded are done."""
    done: list[int] = []
    seen: list[list[int]] = []
    begun, hold = asyncio.Event(), asyncio.Event()

    async def items() -> AsyncGenerator[int, None]:
        yield 1
        yield 2
        await begun.wait()
        hold.set()
        await pool.idle()
        seen.append(sorted(done))
        yield 3
        await pool.idle()
        seen.append(sorted(done))

    async def work(item: int) -> None:
        if item == 2:  # the second of the workers has its item, too
            begun.set()
        await hold.wait()
        done.append(item)

    pool = WorkerPool(items(), work, size=3, keeps_running=never)
    async with pool:
        await pool.join()
    assert seen == [[1, 2], [1, 2, 3]]


async def test_a_pool_that_stops_pulls_nothing_more() -> None:
    """A worker that finishes its item after `stop` leaves the source alone."""
    pulled: list[int] = []
    began, hold = asyncio.Event(), asyncio.Event()

    async def items() -> AsyncGenerator[int, None]:
        for item in range(10):
            pulled.append(item)
            yield item

    async def work(_: int) -> None:
        began.set()
        await hold.wait()

    async with WorkerPool(items(), work, size=1, keeps_running=never) as pool:
        await began.wait()
        pool.stop()
        hold.set()
        await pool.join()
    assert pulled == [0]


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
        async with WorkerPool(range(100), work, size=5, keeps_running=never) as pool:
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
        async with WorkerPool(range(3), work, size=3, keeps_running=never) as pool:
            await pool.join()


async def test_cancelling_the_waiting_task_cancels_the_workers() -> None:
    """A task that is cancelled while joining leaves no worker behind."""
    others = len(asyncio.all_tasks())

    async def work(_: int) -> None:
        await asyncio.Event().wait()

    async def fetch() -> None:
        async with WorkerPool(range(100), work, size=3, keeps_running=never) as pool:
            await pool.join()

    task = asyncio.create_task(fetch())
    await settle()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert len(asyncio.all_tasks()) == others


async def test_stopping_lets_each_finish_its_item() -> None:
    """Stopped, the workers finish their items and begin no others."""
    done: list[int] = []

    async def work(item: int) -> None:
        if item == 0:
            pool.stop()
        await asyncio.sleep(0)
        done.append(item)

    pool = WorkerPool(range(100), work, size=3, keeps_running=never)
    async with pool:
        await pool.join()
    assert done == [0]


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("fails", [False, True])
async def test_a_worker_that_keeps_running_ends_by_itself(*, fails: bool) -> None:
    """A worker that others wait for is not cancelled; it ends with its item, whatever the outcome."""
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
async def test_a_worker_that_keeps_running_may_be_cancelled_later() -> None:
    """A worker that kept running and is cancelled later ends without a complaint."""

    async def work(_: int) -> None:
        await asyncio.Event().wait()

    pool = WorkerPool(range(1), work, size=1, keeps_running=lambda _: True)
    async with pool:
        await settle()
    pool._workers[0].cancel()
    await settle()
    assert pool._workers[0].cancelled()


# -- spare workers --------------------------------------------------------------------------------------


class Blocked:
    """Work that waits until the test lets it finish.

    Attributes:
        begun: the items that a worker has begun, in order.
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
async def test_only_so_many_spare_workers_start(spare: int) -> None:
    """For each worker that waits a spare one starts, up to the limit, and works on to the end."""
    work = Blocked()
    pool = WorkerPool(range(100), work, size=2, keeps_running=never, spare=spare)
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


@pytest.mark.parametrize("when", ["before", "stopped", "drained", "ended", "left"])
async def test_no_spare_worker_starts_when_no_item_is_begun_any_more(when: str) -> None:
    """None starts before a pool is entered or after it was stopped."""
    others = len(asyncio.all_tasks())
    work = Blocked()
    pool = WorkerPool(range(100), work, size=1, keeps_running=never, spare=3)
    if when == "before":
        pool.start_spare()
    async with pool:
        await settle()
        if when == "stopped":
            pool.stop()
        elif when == "drained":
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


async def test_joining_waits_for_the_spare_workers() -> None:
    """The pool is done only when the last spare worker is done, however early the first ones are."""
    done: list[int] = []
    hold = asyncio.Event()

    async def work(item: int) -> None:
        if item == 0:
            pool.start_spare()
        elif item == 1:
            await hold.wait()
        await asyncio.sleep(0)
        done.append(item)

    async with WorkerPool(range(3), work, size=1, keeps_running=never, spare=1) as pool:
        joining = asyncio.create_task(pool.join())
        await settle()
        assert done == [0, 2]
        assert [worker.done() for worker in pool._workers] == [True, False]
        assert not joining.done()
        hold.set()
        await joining
    assert done == [0, 2, 1]


@pytest.mark.usefixtures("complaints")
async def test_a_failure_of_a_spare_worker_ends_the_pool() -> None:
    """The exception of a spare worker ends the wait, and the others with it."""
    others = len(asyncio.all_tasks())

    async def work(item: int) -> None:
        if item == 0:
            pool.start_spare()
            await asyncio.Event().wait()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with WorkerPool(range(100), work, size=1, keeps_running=never, spare=1) as pool:
            await pool.join()
    assert len(pool._workers) == 2
    assert len(asyncio.all_tasks()) == others


async def test_leaving_ends_the_spare_workers() -> None:
    """They are cancelled like the others, unless they have to keep running."""
    keeps_running: list[asyncio.Task[None]] = []
    work = Blocked()
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
