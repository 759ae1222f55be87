"""How long it takes to find that nothing is missing, which is what every run after the last one does.

Run with ``python -m benchmarks.store.resume``. A new client opens a file that holds all days of all targets,
and is asked to bring them there; it has nobody to ask. The peer is a few lines of ``sqlite3`` that look for
all of these days in a set. They take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.results import Claim, Section, Table, spread
from benchmarks.store.stock import LINK, filled, range_of, reader
from hourlyclicks import Link

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS, LINKS, ROUNDS = 3_653, (1, 100), 5
_COPY_DAYS = """
    INSERT INTO days
    SELECT ?, date, state, hours, fetched_at, attempts, revision, error, code, status, reason, doubted_at,
        clicks, unique_users
    FROM days WHERE series_id = ?
"""


def links(number: int) -> list[Link]:
    """Return so many links; the first is the one that is in every file."""
    return [LINK, *(Link(f"{LINK.id}{place}", LINK.domain) for place in range(1, number))]


def copied(full: Path, number: int) -> Path:
    """Return a copy of a file with one link, in which the days of that link are those of so many."""
    path = full.with_name(f"{full.stem}-{number}.db")
    shutil.copyfile(full, path)
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
    return path


async def through_the_client(path: Path, days: int, number: int) -> int:
    """Ask a new client for all days, and return how many requests it sent."""
    wanted = range_of(days)
    async with reader(path) as client:
        report = await client.backfill(wanted.start, wanted.end, links(number))
    assert report.reused == report.total == days * number
    return report.requests


def by_hand(path: Path, days: int, number: int) -> int:
    """Look for all days, and return how many are missing."""
    with closing(sqlite3.connect(path)) as db:
        query = (
            "SELECT target, date FROM days JOIN series ON id = series_id WHERE state IN ('final', 'empty')"
        )
        known = set(db.execute(query))
    dates = [day.isoformat() for day in range_of(days)]
    return sum((target, date) not in known for target in map(str, links(number)) for date in dates)


def found(full: Path, days: int, number: int, rounds: int) -> dict[str, Any]:
    """Return the seconds of each round, and how many requests all of them sent together.

    Args:
        full: a file with so many days of one link.
        days: how many.
        number: how many links there shall be.
        rounds: how often.
    """
    path = copied(full, number)
    times: dict[str, Any] = {"client": [], "hand": [], "requests": 0}
    for round_ in range(rounds + 1):
        began = time.perf_counter()
        times["requests"] += asyncio.run(through_the_client(path, days, number))
        between = time.perf_counter()
        assert by_hand(path, days, number) == 0
        if round_:  # the first one only loads what the others need
            times["client"].append(between - began)
            times["hand"].append(time.perf_counter() - between)
    path.unlink()
    return times


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Resume what is kept in a folder."""
    days, numbers, rounds = (365, (1, 10), 2) if quick else (DAYS, LINKS, ROUNDS)
    full = asyncio.run(filled(folder, days))
    each = {}
    for number in numbers:
        say(f"resuming {days:,} days of {number:,} links")
        each[number] = found(full, days, number, rounds)
    return told(each, days)


def told(each: dict[int, dict[str, Any]], days: int) -> Section:
    """Make a table and a claim of what `found` returned for each number of links."""
    rows = tuple(
        (
            f"{number:,}",
            spread([taken * 1000 for taken in times["client"]], "{:,.0f}".format),
            f"{number * days / statistics.median(times['client']):,.0f}",
            spread([taken * 1000 for taken in times["hand"]], "{:,.0f}".format),
            f"{times['requests']:,}",
        )
        for number, times in each.items()
    )
    head = ("links", "`backfill`, ms", "days a second", "by hand, ms", "requests")
    return Section(
        "resume",
        tables=(Table(f"Finding that nothing is missing, {days:,} days of each link", head, rows),),
        claims=(
            Claim("requests when nothing is missing", sum(times["requests"] for times in each.values()), 0),
        ),
        figures={"days": days, "links": each},
    )


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=DAYS)
    options.add_argument("--links", type=int, nargs="+", default=LINKS)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--folder", help="where the files are made")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="hourlyclicks-") as folder:
        full = asyncio.run(filled(Path(folder), given.days))
        each = {number: found(full, given.days, number, given.rounds) for number in given.links}
    said = told(each, given.days)
    print(said.markdown())
    return 0 if all(claim.holds for claim in said.claims) else 1


if __name__ == "__main__":
    sys.exit(main())
