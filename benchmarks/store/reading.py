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

from benchmarks.results import Claim, Section, Table, spread
from benchmarks.store.stock import FIRST, LINK, days, filled, reader

if TYPE_CHECKING:
    from collections.abc import Callable

FASTEST = 20_000
"""Days a second, which is enough in any case."""
TIMES_PANDAS = 5
_NAMES = {
    "through_the_client": "`fetch` from a store",
    "through_sqlite": "bare `sqlite3`, tuples",
    "through_pandas": "`pandas.read_sql`",
}
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


def found(path: Path, number: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each round in which a reader read all days of a file."""
    total = sum(day.total_clicks for day in days(number))
    seconds: dict[str, list[float]] = {each.__name__: [] for each in readers()}
    for round_ in range(rounds + 1):
        for each in readers():
            began = time.perf_counter()
            clicks = each(path, number)
            taken = time.perf_counter() - began
            assert clicks == total
            if round_:  # the first one only loads what the others need
                seconds[each.__name__].append(taken)
    return seconds


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Read what is kept in a folder."""
    number, rounds = (365, 3) if quick else (3_653, 15)
    say(f"reading {number:,} days")
    path = asyncio.run(filled(folder, number))
    return told(found(path, number, rounds), number)


def told(seconds: dict[str, list[float]], number: int) -> Section:
    """Make a table and a claim of what `found` returned."""
    mine = seconds["through_the_client"]
    rows = tuple(
        (
            _NAMES[name],
            spread([taken * 1000 for taken in each], "{:.1f}".format),
            f"{number / statistics.median(each):,.0f}",
            spread(map(float.__truediv__, mine, each), "{:.2f}".format),
        )
        for name, each in seconds.items()
    )
    head = ("", "ms", "days a second", "`fetch` takes so many times as long")
    claims = [
        Claim("days a second from a store", number / statistics.median(mine), FASTEST, at_least=True),
    ]
    remarks = []
    if "through_pandas" in seconds:
        times = statistics.median(map(float.__truediv__, mine, seconds["through_pandas"]))
        claims.append(Claim("`fetch` from a store, times `pandas.read_sql`", times, TIMES_PANDAS))
    else:
        remarks.append("Reading was not compared with pandas, which is not installed.")
    return Section(
        "reading",
        tables=(Table(f"Reading {number:,} days from a SQLite file", head, rows),),
        claims=tuple(claims),
        figures={"days": number, "seconds": seconds},
        remarks=tuple(remarks),
    )


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=3653)
    options.add_argument("--rounds", type=int, default=15)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-") as folder:
        path = asyncio.run(filled(Path(folder), given.days))
        said = told(found(path, given.days, given.rounds), given.days)
    print(said.markdown())
    return 0 if any(claim.holds for claim in said.claims) else 1


if __name__ == "__main__":
    sys.exit(main())
