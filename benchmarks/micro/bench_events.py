"""What events cost: a day of many calls at once, without a hook and with one that receives every event."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.instant import CONCURRENCY, Instant, client, days, link
from benchmarks.timings import label

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

CALLS = 800
RANGE = days(5)


@pytest.mark.benchmark(group="a day of 800 calls at once")
@pytest.mark.parametrize("hooked", [False, True], ids=["without a hook", "with a hook"])
def test_a_hook(benchmark: BenchmarkFixture, *, hooked: bool) -> None:
    """Fetch five days in each call."""
    label(benchmark, "ours, with a hook" if hooked else "ours", operations=CALLS * len(RANGE))
    received = 0

    def count(_event: object) -> None:
        nonlocal received
        received += 1

    async def fetch() -> None:
        async with client(Instant(), CONCURRENCY) as asking:
            if hooked:
                asking.subscribe(count)
            calls = (asking.fetch(RANGE.start, RANGE.end, link(place)) for place in range(CALLS))
            await asyncio.gather(*calls)

    benchmark(lambda: asyncio.run(fetch()))
    assert (received > 0) is hooked
