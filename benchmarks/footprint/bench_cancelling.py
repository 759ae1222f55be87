"""How long it takes to cancel a hundred years of days.

The clock runs from ``task.cancel()``, once a hundredth of the days was asked for, until the task is done and
nothing of it is left on the event loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.footprint.tasks import NAMES, WORKS
from benchmarks.instant import CENTURY, CONCURRENCY, Instant
from benchmarks.timings import in_rounds, label, sized

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.footprint.tasks import Work


async def begun(work: Work, number: int = CENTURY) -> asyncio.Future[object]:
    """Begin to fetch so many days, and return what is in the midst of it."""
    enough = asyncio.Event()
    upstream = Instant(lambda: enough.set() if upstream.asked >= number // 100 else None)
    task = asyncio.ensure_future(work(upstream, number, CONCURRENCY))
    await enough.wait()
    return task


async def cancelled(task: asyncio.Future[object]) -> None:
    """Cancel it."""
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.benchmark(group=f"cancel {CENTURY:,} days")
@pytest.mark.parametrize("name", WORKS)
def test_cancelling(benchmark: BenchmarkFixture, loop: asyncio.AbstractEventLoop, name: str) -> None:
    """Cancel in the midst of the work."""
    label(benchmark, NAMES[name])
    in_rounds(
        benchmark,
        lambda task: loop.run_until_complete(cancelled(task)),
        sized(1, 9),
        setup=lambda: loop.run_until_complete(begun(WORKS[name])),
    )
