"""Read ten years from a SQLite file into a series, beside what the same rows cost through other hands.

The peers are the bare ``sqlite3`` module, which only makes tuples of the rows, and ``pandas.read_sql`` where
pandas is installed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from benchmarks.store.stored_days import LINK, days, filled, range_of, reader
from benchmarks.timings import in_rounds, label, sized

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    Read = Callable[[str, Callable[[Path], int]], None]

pytestmark = pytest.mark.benchmark(group="read a day of ten years from a SQLite file")
NUMBER = sized(365, 3_653)
ROWS = "SELECT date, hour, clicks, unique_users FROM hours ORDER BY date, hour"


@pytest.fixture
def read(benchmark: BenchmarkFixture, tmp_path: Path) -> Read:
    """Time a way to read everything, which returns the clicks."""
    path = asyncio.run(filled(tmp_path, NUMBER))

    def everything(way: str, one: Callable[[Path], int]) -> None:
        label(benchmark, way, operations=NUMBER)
        clicks = in_rounds(benchmark, lambda: one(path), 15)
        assert clicks == sum(day.total_clicks for day in days(NUMBER))

    return everything


def test_ours(read: Read) -> None:
    """Read through a new client."""
    range_ = range_of(NUMBER)

    async def fetch(path: Path) -> int:
        async with reader(path) as client:
            series = await client.fetch(range_.start, range_.end, LINK)
        return series.total_clicks

    read("`fetch` from a store", lambda path: asyncio.run(fetch(path)))


def test_bare(read: Read) -> None:
    """Make tuples of the rows."""

    def select(path: Path) -> int:
        with closing(sqlite3.connect(path)) as db:
            return sum(row[2] for row in db.execute(ROWS).fetchall())

    read("bare `sqlite3`, tuples", select)


def test_pandas(read: Read) -> None:
    """Make a frame of the rows."""
    pandas = pytest.importorskip("pandas")

    def read_sql(path: Path) -> int:
        with closing(sqlite3.connect(path)) as db:
            return int(pandas.read_sql(ROWS, db, parse_dates=["date"])["clicks"].sum())

    read("`pandas.read_sql`", read_sql)
