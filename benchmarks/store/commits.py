"""What it costs to keep a day in a SQLite file, so that a power cut does not undo it.

Run with ``python -m benchmarks.store.commits --folder PLACE``; the disk under that place decides. The peer is
the bare ``sqlite3`` module, which writes the same rows into the same tables with the same pragmas in a
transaction each, and looks at nothing. They take turns, day by day.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.store.stock import LINK, days
from hourlyclicks.store.sqlite import SqliteStore

MOST = 5.0
"""Milliseconds, in the middle."""


async def make(path: Path) -> tuple[SqliteStore, int]:
    """Open a new file with an account."""
    store = SqliteStore(path)
    return store, await store.account("me")


async def measure(folder: Path, number: int) -> tuple[list[float], list[float]]:
    """Return how many milliseconds each day took: through the store, and through the bare module."""
    store, account = await make(folder / "store.db")
    other, _ = await make(folder / "bare.db")
    await other.close()
    kept, inserted = [], []
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("INSERT INTO series (account_id, endpoint, target) VALUES (1, 'x', 'y')")
        for day in days(number):
            began = time.perf_counter()
            await store.keep(account, LINK, day, requests=1)
            kept.append((time.perf_counter() - began) * 1000)
            rows = [
                (1, str(day.date), hour, clicks, users)
                for hour, (clicks, users) in enumerate(zip(day.clicks, day.unique_users, strict=True))
                if clicks is not None
            ]
            mark = (1, str(day.date), "final", len(rows), "2025-06-01T00:00:00.000000Z", 1, 1)
            began = time.perf_counter()
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO hours VALUES (?, ?, ?, ?, ?)", rows)
            db.execute(
                "INSERT INTO days (series_id, date, state, hours, fetched_at, attempts, revision)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                mark,
            )
            db.execute("COMMIT")
            inserted.append((time.perf_counter() - began) * 1000)
        journal = db.execute("PRAGMA journal_mode").fetchone()[0]
    assert journal == "wal"
    await store.close()
    return kept, inserted


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=3000)
    options.add_argument("--folder", help="where the files are made; a memory disk says nothing")
    options.add_argument("--quick", action="store_true")
    given = options.parse_args()
    number = 200 if given.quick else given.days
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="hourlyclicks-") as folder:
        kept, inserted = asyncio.run(measure(Path(folder), number))
    print(f"{number:,} days, a transaction each")
    for name, times in (("SqliteStore.keep", kept), ("bare sqlite3", inserted)):
        middle, worst = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(f"{name:20} median {middle:6.2f} ms, p99 {worst:6.2f} ms, most {max(times):6.2f} ms")
    print(f"keep / bare: {statistics.median(kept) / statistics.median(inserted):.2f} in the middle")
    return 0 if statistics.median(kept) <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
