"""What a day takes on its whole way through the client, without a network, for a year of 365 days."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from benchmarks.instant import CLICKS_A_DAY, YEAR, Instant, client, link
from benchmarks.peers.slices import DOMAIN, LINK
from benchmarks.timings import label

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(group="fetch a day in process")

ADDRESS = URL("https://api.example/api/statistics/v2/clicks-by-hour")
at_a_time = pytest.mark.parametrize("concurrency", [1, 10])


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run it on a loop of its own."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(main)


@at_a_time
def test_ours(benchmark: BenchmarkFixture, concurrency: int) -> None:
    """Fetch through the whole client, everything armed, no rates set."""
    label(benchmark, f"ours, concurrency {concurrency}", operations=len(YEAR))

    async def fetch() -> int:
        async with client(Instant(), concurrency) as asking:
            series = await asking.fetch(YEAR.start, YEAR.end, link())
        return series.total_clicks

    assert benchmark(lambda: run(fetch())) == len(YEAR) * CLICKS_A_DAY


@at_a_time
def test_naively(benchmark: BenchmarkFixture, concurrency: int) -> None:
    """Fetch with a semaphore, `gather` and a dict; nothing is checked, kept within limits or tried again."""
    label(benchmark, f"semaphore and gather, concurrency {concurrency}", operations=len(YEAR))

    async def fetch() -> int:
        semaphore, upstream = asyncio.Semaphore(concurrency), Instant()

        async def fetch_day(ymd: str) -> list[dict[str, Any]]:
            async with semaphore:
                address = ADDRESS.with_query(ymd=ymd, linkId=LINK, domain=DOMAIN)
                raw = await upstream.get(address.query["ymd"])
            return list(json.loads(raw)["result"])

        answers = await asyncio.gather(*[fetch_day(day.isoformat()) for day in YEAR])
        merged = {
            (row["ymd"], row["hour"]): (row["acesCnt"], row["pernCnt"]) for rows in answers for row in rows
        }
        return sum(clicks for clicks, _ in merged.values())

    assert benchmark(lambda: run(fetch())) == len(YEAR) * CLICKS_A_DAY
