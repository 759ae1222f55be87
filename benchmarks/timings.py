"""What single steps take: the ``bench_*.py`` of a part, run by pytest-benchmark, and tables of its results.

A timing says what it is by `label`. Timings of one group stand in one table, those of the group's first way
are what the others are compared with.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from benchmarks.processes import ROOT, variables
from benchmarks.results import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_benchmark.fixture import BenchmarkFixture

T = TypeVar("T")

QUICK = "HOURLYCLICKS_BENCHMARKS_QUICK"
"""Set in the environment of timings that shall take little time."""
_OPTIONS = (
    *("--benchmark-enable", "--benchmark-only"),
    *("-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly"),
)
_QUICKLY = ("--benchmark-max-time=0.2", "--benchmark-min-rounds=3")
_THOROUGHLY = ("--benchmark-max-time=2", "--benchmark-min-rounds=10")


class TimingError(Exception):
    """A timing failed."""


@attrs.frozen
class Timing:
    """One way to do some work.

    Args:
        work: what is done.
        way: who does it, and how.
        seconds: what one operation took in each round.
        noted: what the timing noted beside.
    """

    work: str
    way: str
    seconds: list[float]
    noted: dict[str, Any]

    @property
    def median(self) -> float:
        """The seconds of one operation."""
        return statistics.median(self.seconds)

    def figures(self) -> dict[str, Any]:
        """Return what is kept of it."""
        ends = {"least": min(self.seconds), "most": max(self.seconds), "rounds": len(self.seconds)}
        return {"work": self.work, "way": self.way, "median": self.median} | ends


def label(benchmark: BenchmarkFixture, way: str, *, operations: int = 1) -> None:
    """Write into the results what is timed.

    Args:
        benchmark: the fixture of the timing; its group names the work.
        way: who does the work, and how.
        operations: how often one call does it.
    """
    benchmark.extra_info.update(way=way, operations=operations)


def sized(few: int, many: int) -> int:
    """Return a number of days or rounds: the first one when little time shall be taken."""
    return few if QUICK in os.environ else many


def in_rounds(
    benchmark: BenchmarkFixture, work: Callable[..., T], rounds: int, setup: Callable[[], Any] | None = None
) -> T:
    """Time some work, once in each round, and return its last result.

    Args:
        benchmark: the fixture of the timing.
        work: what is timed.
        rounds: how often.
        setup: called before each of them, and not timed; what it returns is what is worked on. Without it,
            the work is done once more at first, to load what it needs.
    """
    one: Callable[[], Any] | None = None if setup is None else lambda: ((setup(),), {})
    warm = int(setup is None)
    result: T = benchmark.pedantic(work, setup=one, rounds=rounds, warmup_rounds=warm)  # type: ignore[no-untyped-call]  # it has no types
    return result


def take(part: str, *, quick: bool) -> list[Timing]:
    """Run all timings of a part in a process of their own, in the order of the files.

    Raises:
        TimingError: one of them failed.
    """
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-timings-") as folder:
        results = Path(folder) / "results.json"
        command = [
            sys.executable,
            "-m",
            "pytest",
            f"benchmarks/{part}",
            *_OPTIONS,
            f"--benchmark-json={results}",
        ]
        done = subprocess.run(  # noqa: S603 - our own timings
            [*command, *(_QUICKLY if quick else _THOROUGHLY)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=variables(**({QUICK: "1"} if quick else {})),
        )
        if done.returncode:
            raise TimingError(f"pytest ended with exit code {done.returncode}: {done.stdout[-2000:]}")
        return [_timing(each) for each in json.loads(results.read_text(encoding="utf-8"))["benchmarks"]]


def _timing(each: dict[str, Any]) -> Timing:
    noted = each["extra_info"]
    way, operations = noted.pop("way"), noted.pop("operations")
    return Timing(each["group"], way, [taken / operations for taken in each["stats"]["data"]], noted)


def tables(timings: list[Timing], unit: str, scale: float) -> Iterator[Table]:
    """Yield a table for each work, with a row for each way.

    Args:
        timings: those of one work follow one another.
        unit: what the figures are in.
        scale: how many of it are a second.
    """
    for work, ways in groupby(timings, lambda timing: timing.work):
        found = list(ways)
        rows = []
        for timing in found:
            ordered = sorted(timing.seconds)
            shown = (timing.median, ordered[0], ordered[len(ordered) * 99 // 100])
            times = f"{timing.median / found[0].median:.2f}"
            rows.append((timing.way, *(f"{value * scale:,.2f}" for value in shown), times))
        head = ("", "median", "least", "99 %", f"times {found[0].way}")
        yield Table(f"{unit} to {work}", head, tuple(rows))
