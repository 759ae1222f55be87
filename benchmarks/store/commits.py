"""What it costs to keep a day in a SQLite file, so that a power cut does not undo it.

Run with ``python -m benchmarks.store.commits --folder PLACE``; the disk under that place decides. The peer is
the bare ``sqlite3`` module, which writes the same row into the same table with the same pragmas in a
transaction each, and looks at nothing; what the disk takes for itself, a page that is written and synced
shows. They take turns, day by day.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.results import Claim, Section, Table
from benchmarks.store.stock import LINK, days
from hourlyclicks.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 5.0
"""Milliseconds, in the middle."""
MOST_ADDED = 1.0
"""Milliseconds above the bare module, in the middle; the disk has no part in them."""
_INSERT = """INSERT INTO days
    (series_id, date, state, hours, fetched_at, attempts, revision, clicks, unique_users)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
KEEP, BARE, DISK = "`SqliteStore.put`", "bare `sqlite3`", "4 KiB and `fsync`, no database"


async def make(path: Path) -> tuple[SqliteStore, int]:
    """Open a new file with an account."""
    store = SqliteStore(path)
    return store, await store.account("me")


async def found(folder: Path, number: int) -> dict[str, list[float]]:
    """Return how many milliseconds each day took in each way."""
    store, account = await make(folder / "store.db")
    other, _ = await make(folder / "bare.db")
    await other.close()
    kept, inserted, synced = [], [], []
    with (
        closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as db,
        (folder / "page").open("wb", buffering=0) as page,
    ):
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("INSERT INTO series (account_id, endpoint, target) VALUES (1, 'x', 'y')")
        for day in days(number):
            began = time.perf_counter()
            await store.put(account, LINK, day, requests=1)
            kept.append((time.perf_counter() - began) * 1000)
            arrays = json.dumps(day.clicks), json.dumps(day.unique_users)
            row = (
                1,
                str(day.date),
                "final",
                day.reported_hours,
                "2025-06-01T00:00:00.000000Z",
                1,
                1,
                *arrays,
            )
            began = time.perf_counter()
            db.execute("BEGIN IMMEDIATE")
            db.execute(_INSERT, row)
            db.execute("COMMIT")
            inserted.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            page.write(bytes(4096))
            os.fsync(page)
            synced.append((time.perf_counter() - began) * 1000)
        journal = db.execute("PRAGMA journal_mode").fetchone()[0]
    assert journal == "wal"
    await store.close()
    return {KEEP: kept, BARE: inserted, DISK: synced}


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Keep days in new files of a folder."""
    number = 200 if quick else 3000
    say(f"commits of {number:,} days")
    return told(asyncio.run(found(folder, number)))


def told(times: dict[str, list[float]]) -> Section:
    """Make a table and claims of what `found` returned."""
    middles = {name: statistics.median(each) for name, each in times.items()}
    rows = tuple(
        (
            name,
            f"{middles[name]:.2f}",
            f"{statistics.quantiles(each, n=100)[98]:.2f}",
            f"{max(each):.2f}",
            f"{middles[name] / middles[BARE]:.2f}",
        )
        for name, each in times.items()
    )
    title = f"Milliseconds to keep a day for good, {len(times[KEEP]):,} days, a transaction each"
    return Section(
        "commits",
        tables=(Table(title, ("", "median", "99 %", "most", "times bare"), rows),),
        claims=(
            Claim("milliseconds to keep a day, in the middle", middles[KEEP], MOST),
            Claim("milliseconds of them above bare `sqlite3`", middles[KEEP] - middles[BARE], MOST_ADDED),
        ),
        figures=dict(times),
        remarks=("Most of what a commit takes is the disk's, and is another figure on another machine.",),
    )


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=3000)
    options.add_argument("--folder", help="where the files are made; a memory disk says nothing")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="hourlyclicks-") as folder:
        said = told(asyncio.run(found(Path(folder), given.days)))
    print(said.markdown())
    return 0 if all(claim.holds for claim in said.claims) else 1


if __name__ == "__main__":
    sys.exit(main())
