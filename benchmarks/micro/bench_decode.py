"""What it takes to make a day of an answer of 24 rows."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import pytest

from benchmarks.instant import CLICKS_A_DAY, YEAR, Instant
from benchmarks.timings import label
from hourlyclicks.model.http import Response
from hourlyclicks.wire.decode import decode_day

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(group="decode a day")

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BODY = asyncio.run(Instant().get(YEAR.start.isoformat()))


def test_ours(benchmark: BenchmarkFixture) -> None:
    """Decode and check everything, and make a day of it."""
    label(benchmark, "ours: all checked")
    day_asked, response = YEAR.start, Response(200, {}, BODY)
    decode_day(day_asked, response, fetched_at=NOW, final=True)  # the first one imports what it needs
    day = benchmark(decode_day, day_asked, response, fetched_at=NOW, final=True)
    assert day.total_clicks == CLICKS_A_DAY


@pytest.mark.parametrize("library", ["json", "orjson"])
def test_naively(benchmark: BenchmarkFixture, library: str) -> None:
    """Take the figures out, and check nothing."""
    label(benchmark, f"{library}.loads and a loop: nothing checked")
    loads = pytest.importorskip(library).loads

    def decode(raw: bytes) -> list[tuple[int, int]]:
        return [(row["acesCnt"], row["pernCnt"]) for row in loads(raw)["result"]]

    rows = benchmark(decode, BODY)
    assert sum(clicks for clicks, _ in rows) == CLICKS_A_DAY
