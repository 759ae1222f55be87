"""What it takes to put a day among the others, for a year of 365 days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from benchmarks.instant import YEAR, link
from benchmarks.timings import label
from hourlyclicks import DayClicks
from hourlyclicks.model.series_builder import SeriesBuilder

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(group="merge a day")

ASKED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_ours(benchmark: BenchmarkFixture) -> None:
    """Merge days into a series."""
    label(benchmark, "ours: a series", operations=len(YEAR))
    users = tuple(hour // 2 for hour in range(24))
    days = [DayClicks(day, tuple(range(24)), users, ASKED, final=True) for day in YEAR]

    def merge() -> int:
        builder = SeriesBuilder(link(), YEAR)
        for day in days:
            builder.add(day)
        return len(builder.build())

    assert benchmark(merge) == len(YEAR) * 24


def test_naively(benchmark: BenchmarkFixture) -> None:
    """Merge rows into a mapping of hours."""
    label(benchmark, "a dict of (day, hour)", operations=len(YEAR))
    answers = [
        [{"ymd": day.isoformat(), "hour": hour, "acesCnt": hour, "pernCnt": hour // 2} for hour in range(24)]
        for day in YEAR
    ]

    def merge() -> dict[tuple[object, object], tuple[object, object]]:
        return {
            (row["ymd"], row["hour"]): (row["acesCnt"], row["pernCnt"]) for rows in answers for row in rows
        }

    assert sum(int(str(clicks)) for clicks, _ in benchmark(merge).values()) == len(YEAR) * sum(range(24))
