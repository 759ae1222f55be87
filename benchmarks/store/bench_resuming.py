"""How long it takes to find that nothing is missing, which is what every run after the last one does.

A new client opens a file that holds all days of all targets, and is asked to fetch them; its transport
fails. The peer is a few lines of ``sqlite3`` that look for all of these days in a set.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from benchmarks.store.stored_days import LINK, filled, range_of, reader
from benchmarks.timings import in_rounds, label, sized
from hourlyclicks import Link

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

_COPY_DAYS = """
    INSERT INTO days
    SELECT ?, date, state, hours, fetched_at, attempts, revision, error, code, status, reason, doubted_at,
        clicks, unique_users, endpoint
    FROM days WHERE series_id = ?
"""
_KNOWN = "SELECT target, date FROM days JOIN series ON id = series_id WHERE state IN ('final', 'empty')"


def links(number: int) -> list[Link]:
    """Return so many links; the first is the one that is in every file."""
    return [LINK, *(Link(f"{LINK.id}{place}", LINK.domain) for place in range(1, number))]


def copy(path: Path, number: int) -> None:
    """Give the days of the one link of a file to so many."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        one, account, endpoint = db.execute("SELECT id, account_id, endpoint FROM series").fetchone()
        for link in links(number)[1:]:
            row = (account, endpoint, str(link))
            new = db.execute(
                "INSERT INTO series (account_id, endpoint, target) VALUES (?, ?, ?)", row
            ).lastrowid
            db.execute(_COPY_DAYS, (new, one))
        db.execute("COMMIT")


def by_hand(path: Path, days: int, number: int) -> int:
    """Look for all days, and return how many are missing."""
    with closing(sqlite3.connect(path)) as db:
        known = set(db.execute(_KNOWN))
    dates = [day.isoformat() for day in range_of(days)]
    return sum((target, date) not in known for target in map(str, links(number)) for date in dates)


async def through_the_client(path: Path, days: int, number: int) -> int:
    """Ask a new client for all days, and return how many requests it sent."""
    wanted = range_of(days)
    async with reader(path) as client:
        report = await client.backfill(wanted.start, wanted.end, links(number))
    assert report.reused == report.total == days * number
    return report.requests


@pytest.mark.parametrize("way", ["`backfill`", "by hand"])
@pytest.mark.parametrize("number", [1, 100])
def test_resuming(benchmark: BenchmarkFixture, tmp_path: Path, number: int, way: str) -> None:
    """Look for ten years of each link."""
    days = sized(100, 3_653)
    path = asyncio.run(filled(tmp_path, days))
    copy(path, number)
    label(benchmark, way)
    benchmark.group = f"find that nothing is missing of {days:,} days of {number} links"

    def look() -> int:
        if way == "by hand":
            return by_hand(path, days, number)
        return asyncio.run(through_the_client(path, days, number))

    benchmark.extra_info["requests"] = in_rounds(benchmark, look, 5)
