"""The processor time and the space that many days of many targets take.

A file has the days of a year of each target. `status --summary` counts all of them, a `backfill` finds that
none is due, and `export` writes every hour of some targets. The peer of `export` is ``csv.writer`` over the
bare ``sqlite3`` module. Time in the kernel counts; other work on the machine makes it longer.
"""

from __future__ import annotations

import asyncio
import csv
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.processes import cpu_seconds, fresh
from benchmarks.results import Claim, Section, Table
from benchmarks.store.bench_resuming import copy, through_the_client
from benchmarks.store.stored_days import busy_days, filled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

YEAR, HOURS = 365, 24
TARGETS, FEW = 10_000, 1_000
EXPORTED = 100
SUMMARY, NOTHING_DUE, FEW_DUE = 4.0, 6.0, 0.6
"""Seconds for all targets, and for a tenth of them."""
MOST_AN_HOUR, MOST_BYTES = 3.2, 12
"""Microseconds to export an hour, and bytes to keep one of 220 clicks."""
ROUNDS = 3
_COMMAND = ("-m", "hourlyclicks")
_ROWS = "SELECT target, date, hour, clicks, unique_users, status FROM hourly ORDER BY target, date, hour"


def nothing_due(path: Path, days: int, targets: int) -> float:
    """Run a backfill that finds nothing due, and return its processor time."""
    began = time.process_time()
    requests = asyncio.run(through_the_client(path, days, targets))
    assert requests == 0
    return time.process_time() - began


def bare_export(path: Path, output: Path) -> float:
    """Write every hour with the modules of Python, and return the processor time."""
    began = time.process_time()
    with closing(sqlite3.connect(path)) as db, output.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("target", "date", "hour", "clicks", "unique_users", "status"))
        writer.writerows(db.execute(_ROWS))
    return time.process_time() - began


def export(path: Path, output: Path) -> float:
    """Write every hour with `hourlyclicks export`, and return its processor time, but for its start."""
    started = cpu_seconds(*_COMMAND, "export", "--help")
    return cpu_seconds(*_COMMAND, "export", "--store", str(path), "--output", str(output)) - started


def stock(folder: Path, targets: int) -> Path:
    """Make a file with the days of a year of so many targets."""
    folder.mkdir()
    path = asyncio.run(filled(folder, YEAR, busy_days))
    copy(path, targets)
    return path


def found(folder: Path, *, targets: int, few: int, exported: int, rounds: int) -> dict[str, float]:
    """Return what everything took: seconds, microseconds an hour, and bytes an hour.

    Args:
        folder: where the files are made.
        targets: how many targets the large file has.
        few: how many of them are looked at as well.
        exported: how many targets the file that is exported has.
        rounds: how often each is done; the least time counts.
    """
    large = stock(folder / "large", targets)
    small = stock(folder / "small", exported)
    hours = YEAR * HOURS * exported
    written, bare = folder / "ours.csv", folder / "bare.csv"

    def least(seconds: Callable[[], float]) -> float:
        return min(seconds() for _ in range(rounds))

    figures = {
        "summary": least(lambda: cpu_seconds(*_COMMAND, "status", "--store", str(large), "--summary")),
        "nothing_due": least(lambda: fresh(nothing_due, large, YEAR, targets)),
        "nothing_due_of_few": least(lambda: fresh(nothing_due, large, YEAR, few)),
        "export": least(lambda: export(small, written)) / hours * 1e6,
        "bare_export": least(lambda: fresh(bare_export, small, bare)) / hours * 1e6,
        "bytes": large.stat().st_size / (YEAR * HOURS * targets),
    }
    with written.open(encoding="utf-8") as lines:
        assert sum(1 for _ in lines) == hours + 1
    return figures


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure with files in a folder; a quick run has a hundredth of the targets, and the same bounds."""
    targets, few, exported, rounds = (100, 10, 30, 1) if quick else (TARGETS, FEW, EXPORTED, ROUNDS)
    total = targets * YEAR
    say(f"a file with {total:,} days")
    figures = found(folder, targets=targets, few=few, exported=exported, rounds=rounds)
    few_days = few * YEAR
    times = Table(
        "Processor time, in seconds",
        ("", "days", "s"),
        (
            ("`status --summary`", f"{total:,}", f"{figures['summary']:.2f}"),
            ("`backfill`, nothing due", f"{total:,}", f"{figures['nothing_due']:.2f}"),
            ("`backfill`, nothing due", f"{few_days:,}", f"{figures['nothing_due_of_few']:.2f}"),
        ),
    )
    hours = Table(
        "Microseconds of processor time to write an hour as CSV",
        ("", "µs"),
        (
            ("`hourlyclicks export`", f"{figures['export']:.2f}"),
            ("bare `sqlite3` and `csv.writer`", f"{figures['bare_export']:.2f}"),
        ),
    )
    claims = (
        Claim("bytes that an hour of 220 clicks takes in a SQLite file", figures["bytes"], MOST_BYTES),
        Claim("microseconds to export an hour", figures["export"], MOST_AN_HOUR),
        Claim("seconds of `status --summary`", figures["summary"], SUMMARY),
        Claim(f"seconds to find nothing due of {few_days:,} days", figures["nothing_due_of_few"], FEW_DUE),
        Claim(f"seconds to find nothing due of {total:,} days", figures["nothing_due"], NOTHING_DUE),
    )
    return Section((times, hours), claims, figures)
