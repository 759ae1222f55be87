"""The thread of a store."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from hourlyclicks.store.worker_thread import Worker, hurry


async def test_work_is_done_in_order_and_in_one_other_thread() -> None:
    """What it returns or raises comes back; after the end there is no thread left."""
    worker = Worker("test")
    loop = asyncio.get_running_loop()
    names = [await loop.run_in_executor(worker, lambda: threading.current_thread().name) for _ in range(2)]
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(worker, divmod, 1, 0)
    done: list[int] = []
    jobs = [loop.run_in_executor(worker, done.append, number) for number in range(5)]
    worker.stop()
    await asyncio.gather(*jobs)
    assert (names, done) == (["test", "test"], [0, 1, 2, 3, 4])
    worker.join(10)
    assert "test" not in {thread.name for thread in threading.enumerate()}


def test_work_outlives_its_event_loop() -> None:
    """A result that nothing waits for any more is dropped."""
    begun, done = threading.Event(), threading.Event()
    workers: list[Worker] = []

    def work() -> None:
        assert begun.wait(10)
        done.set()

    async def leave() -> None:
        workers.append(Worker("test"))
        workers[0].submit(work)

    asyncio.run(leave())
    begun.set()
    assert done.wait(10)
    workers[0].stop()
    workers[0].join(10)


async def test_a_forgotten_worker_ends() -> None:
    """Its thread does not stay."""
    worker = Worker("forgotten")
    thread = worker._thread
    await asyncio.get_running_loop().run_in_executor(worker, int)
    del worker
    thread.join(10)
    assert not thread.is_alive()


async def test_all_can_be_told_to_hurry() -> None:
    """All existing workers can."""
    before = Worker("test")
    hurry()
    after = Worker("test")
    assert (before.hurried.is_set(), after.hurried.is_set()) == (True, False)
    for worker in (before, after):
        worker.stop()
        worker.join(10)


_END = """
import asyncio, sys, threading
from hourlyclicks.store.worker_thread import Worker

async def leave():
    worker = Worker("test")
    worker.submit(lambda: print(worker.hurried.wait(600), flush=True))
    worker.submit(lambda: threading.Event().wait(600))

asyncio.run(leave())
"""


def test_the_end_of_the_process_waits_for_no_lock() -> None:
    """Work that can be completed is; work that hangs is left."""
    command = [sys.executable, "-c", _END]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - ours
    assert (done.stdout, done.stderr) == ("True\n", "")
