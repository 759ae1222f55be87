"""What a slot costs: in the sliding window alone on made-up time, and in the limiter with its event loop."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import TYPE_CHECKING

import pytest

from benchmarks.instant import YEAR, link
from benchmarks.timings import label
from hourlyclicks import Lane, Limits, Rate
from hourlyclicks.clock import SECOND, SystemClock
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.limiter import ANSWERED, Limiter
from hourlyclicks.pacing.queue import Job
from hourlyclicks.pacing.window import SlidingWindow, Slot

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from hourlyclicks.pacing.plans import Spacing

TURNS = 1_000
MINUTE = (Rate(60, 60.0),)
PITCH = round(1.1 * SECOND)
"""Nanoseconds from one request to the next, so that no request waits."""

window = pytest.mark.benchmark(group="reserve a slot of 60 a minute")
limiter = pytest.mark.benchmark(group="acquire a slot without rates")


@window
@pytest.mark.parametrize("spacing", ["window", "even"])
def test_the_window(benchmark: BenchmarkFixture, spacing: Spacing) -> None:
    """Reserve a slot and release it."""
    label(benchmark, f"ours: {spacing} spacing", operations=TURNS)
    tried = SlidingWindow(Limits(rates=MINUTE, spacing=spacing))
    now = 0

    def turns() -> int:
        nonlocal now
        for _ in range(TURNS):
            now += PITCH
            slot = tried.reserve(now)
            assert isinstance(slot, Slot)
            tried.release(slot, now)
        return now

    assert benchmark(turns) == now


@window
def test_a_log_of_send_times(benchmark: BenchmarkFixture) -> None:
    """Keep the limit as it is mostly kept: by a log of when requests were sent."""
    label(benchmark, "a deque of send times", operations=TURNS)
    sent: deque[int] = deque()
    now = 0

    def turns() -> int:
        nonlocal now
        for _ in range(TURNS):
            now += PITCH
            while sent and sent[0] <= now - 60 * SECOND:
                sent.popleft()
            assert len(sent) < 60
            sent.append(now)
        return now

    assert benchmark(turns) == now


@limiter
def test_the_limiter(benchmark: BenchmarkFixture, loop: asyncio.AbstractEventLoop) -> None:
    """Acquire and release a slot without contention."""
    label(benchmark, "ours: Limiter", operations=TURNS)
    tried = Limiter(
        Limits(concurrency=3), clock=SystemClock(), emit=lambda _event: None, random=random.Random(0)
    )
    job, query = Job(Lane.INTERACTIVE, TURNS), Query(YEAR.start, link())

    async def turns() -> int:
        for _ in range(TURNS):
            tried.finish(await tried.acquire(FetchTask(Caller(job), query)), ANSWERED)
        return job.in_flight

    assert benchmark(lambda: loop.run_until_complete(turns())) == 0


@limiter
def test_a_semaphore(benchmark: BenchmarkFixture, loop: asyncio.AbstractEventLoop) -> None:
    """Acquire and release a semaphore without contention."""
    label(benchmark, "asyncio.Semaphore", operations=TURNS)

    async def turns() -> bool:
        tried = asyncio.Semaphore(3)
        for _ in range(TURNS):
            async with tried:
                pass
        return tried.locked()

    assert benchmark(lambda: loop.run_until_complete(turns())) is False
