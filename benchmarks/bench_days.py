"""What one day costs on its way: decoding, merging, and the whole path through the client without a network.

Run with ``nox -s bench``. The times are of this machine and this moment; compare them within one run. The
naive way of the same work stands beside each, as the measure.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, DateRange, Limits, Link, RetryPolicy
from hourlyclicks.model.http import Response
from hourlyclicks.model.series import SeriesBuilder
from hourlyclicks.model.targets import Query
from hourlyclicks.wire.decode import decode_day

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from hourlyclicks.model.http import Request

LINK = Link("kYdr", "https://vvd.bz")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
YEAR = DateRange.of("2024-01-01", "2024-12-30")
CLICKS_A_DAY = sum(range(24))


def body(day: str) -> bytes:
    """Return the answer for a day as the API writes it."""
    rows = [{"ymd": day, "hour": hour, "acesCnt": hour, "pernCnt": hour // 2} for hour in range(24)]
    return json.dumps({"code": 0, "message": "success", "result": rows}).encode()


BODIES = {day.isoformat(): body(day.isoformat()) for day in YEAR}


class Echo:
    """A transport that answers at once, so that only our own work is timed."""

    async def send(self, request: Request) -> Response:
        """Answer."""
        await asyncio.sleep(0)
        return Response(200, {}, BODIES[request.url.query["ymd"]])

    async def close(self) -> None:
        """Do nothing."""


def test_decode_a_day(benchmark: BenchmarkFixture) -> None:
    """Decode and check one answer of 24 rows."""
    query = Query(YEAR.start, LINK)
    response = Response(200, {}, BODIES[YEAR.start.isoformat()])
    day = benchmark(decode_day, query, response, fetched_at=NOW, final=True)
    assert day.total_clicks == CLICKS_A_DAY


def test_decode_a_day_naively(benchmark: BenchmarkFixture) -> None:
    """Decode the same answer with json.loads and a loop that checks nothing."""

    def decode(raw: bytes) -> list[tuple[int, int]]:
        document: dict[str, Any] = json.loads(raw)
        return [(row["acesCnt"], row["pernCnt"]) for row in document["result"]]

    rows = benchmark(decode, BODIES[YEAR.start.isoformat()])
    assert sum(clicks for clicks, _ in rows) == CLICKS_A_DAY


def test_merge_a_year(benchmark: BenchmarkFixture) -> None:
    """Merge 365 days into a series."""
    days = [
        decode_day(Query(day, LINK), Response(200, {}, BODIES[day.isoformat()]), fetched_at=NOW, final=True)
        for day in YEAR
    ]

    def merge() -> int:
        builder = SeriesBuilder(LINK, YEAR)
        for day in days:
            builder.add(day)
        return builder.build().total_clicks

    assert benchmark(merge) == len(YEAR) * CLICKS_A_DAY


@pytest.mark.parametrize("concurrency", [1, 10])
def test_fetch_a_year(benchmark: BenchmarkFixture, concurrency: int) -> None:
    """Fetch 365 days through the whole client, everything armed, no rates set, no network."""

    async def fetch() -> int:
        limits = Limits(concurrency=concurrency)
        client = Client("x" * 16, limits=limits, transport=Echo(), retry=RetryPolicy())
        async with client:
            series = await client.fetch(YEAR.start, YEAR.end, LINK)
        return series.total_clicks

    def run() -> int:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(fetch())

    assert benchmark(run) == len(YEAR) * CLICKS_A_DAY
