"""Read ten years from a SQLite file into a series, beside what the same rows cost through other hands.

Run with ``python -m benchmarks.store.reading``. The peers are the bare ``sqlite3`` module, which only makes
tuples of the rows, and ``pandas.read_sql`` where pandas is installed. All take turns in every round.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import importlib.util
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.store.stock import FIRST, LINK, days, fill, reader

if TYPE_CHECKING:
    from collections.abc import Callable

FASTEST = 20_000
"""Days a second, which is enough in any case."""
TIMES_PANDAS = 5
ROWS = "SELECT date, hour, clicks, unique_users FROM hours ORDER BY date, hour"


def through_the_client(path: Path, number: int) -> int:
    """Read everything through a new client, and return the number of clicks."""

    async def fetch() -> int:
        async with reader(path) as client:
            series = await client.fetch(FIRST, FIRST + dt.timedelta(days=number - 1), LINK)
        return series.total_clicks

    return asyncio.run(fetch())


def through_sqlite(path: Path, _: int) -> int:
    """Make tuples of the rows."""
    with closing(sqlite3.connect(path)) as db:
        return sum(row[2] for row in db.execute(ROWS).fetchall())


def through_pandas(path: Path, _: int) -> int:
    """Make a frame of the rows."""
    pandas: Any = importlib.import_module("pandas")
    with closing(sqlite3.connect(path)) as db:
        return int(pandas.read_sql(ROWS, db, parse_dates=["date"])["clicks"].sum())


def readers() -> list[Callable[[Path, int], int]]:
    """Return those that can be compared here."""
    if importlib.util.find_spec("pandas") is None:
        return [through_the_client, through_sqlite]
    return [through_the_client, through_sqlite, through_pandas]


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=3653)
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--quick", action="store_true")
    given = options.parse_args()
    number, rounds = (300, 3) if given.quick else (given.days, given.rounds)
    total = sum(day.total_clicks for day in days(number))
    seconds: dict[str, list[float]] = {each.__name__: [] for each in readers()}
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-") as folder:
        path = Path(folder) / "clicks.db"
        asyncio.run(fill(path, number))
        for _ in range(rounds):
            for each in readers():
                began = time.perf_counter()
                found = each(path, number)
                seconds[each.__name__].append(time.perf_counter() - began)
                assert found == total
    print(f"{number:,} days, {rounds} rounds")
    for name, times in seconds.items():
        middle = statistics.median(times)
        print(
            f"{name:20} median {middle * 1000:7.1f} ms, least {min(times) * 1000:7.1f} ms,"
            f" {number / middle:10,.0f} days a second"
        )
    mine = seconds.pop("through_the_client")
    ratios = {name: statistics.median(map(float.__truediv__, mine, times)) for name, times in seconds.items()}
    for name, ratio in ratios.items():
        print(f"through_the_client / {name}: median {ratio:.2f}")
    fast = number / statistics.median(mine) >= FASTEST
    return 0 if fast or ratios.get("through_pandas", TIMES_PANDAS) <= TIMES_PANDAS else 1


if __name__ == "__main__":
    sys.exit(main())
