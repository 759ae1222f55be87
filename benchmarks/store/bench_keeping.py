"""What it takes to keep a day in a SQLite file, so that a power cut does not undo it.

The peer is the bare ``sqlite3`` module, which writes the same row into the same table with the same pragmas,
in a transaction each, and looks at nothing. What the disk takes for itself, a page that is written and synced
shows.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from benchmarks.store.stored_days import LINK, days
from benchmarks.timings import in_rounds, label, sized
from hourlyclicks.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from hourlyclicks import DayClicks

    Keep = Callable[[str, Callable[[DayClicks], object]], None]

_INSERT = """
    INSERT INTO days (series_id, date, state, hours, fetched_at, attempts, revision, clicks, unique_users)
    VALUES (1, ?, 'final', ?, '2025-06-01T00:00:00.000000Z', 1, 1, ?, ?)
"""

pytestmark = pytest.mark.benchmark(group="keep a day durably, a transaction each")


@pytest.fixture
def each_day(benchmark: BenchmarkFixture) -> Keep:
    """Time a way to keep a day, one day after the other."""

    def all_of_them(way: str, one: Callable[[DayClicks], object]) -> None:
        label(benchmark, way)
        number = sized(200, 3_000)
        left = days(number)
        in_rounds(benchmark, one, number, setup=lambda: next(left))

    return all_of_them


def test_ours(each_day: Keep, loop: AbstractEventLoop, tmp_path: Path) -> None:
    """Keep days in a store."""
    store = SqliteStore(tmp_path / "store.db")
    account = loop.run_until_complete(store.account("me"))
    each_day(
        "`SqliteStore.put`", lambda day: loop.run_until_complete(store.put(account, LINK, day, requests=1))
    )
    loop.run_until_complete(store.close())


def test_bare(each_day: Keep, loop: AbstractEventLoop, tmp_path: Path) -> None:
    """Insert the row."""
    store = SqliteStore(tmp_path / "bare.db")
    loop.run_until_complete(store.account("me"))
    loop.run_until_complete(store.close())
    with closing(sqlite3.connect(tmp_path / "bare.db", isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("INSERT INTO series (account_id, endpoint, target) VALUES (1, 'x', 'y')")

        def insert(day: DayClicks) -> None:
            figures = json.dumps(day.clicks), json.dumps(day.unique_users)
            db.execute("BEGIN IMMEDIATE")
            db.execute(_INSERT, (str(day.date), day.reported_hours, *figures))
            db.execute("COMMIT")

        each_day("bare `sqlite3`", insert)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_disk(each_day: Keep, tmp_path: Path) -> None:
    """Write a page, and wait for the disk."""
    with (tmp_path / "page").open("wb", buffering=0) as page:

        def sync(_: DayClicks) -> None:
            page.write(bytes(4096))
            os.fsync(page)

        each_day("4 KiB and `fsync`, no database", sync)
