"""What single steps take, from the ``bench_*.py`` of this folder, which ``nox -s bench`` runs as well."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.results import Table

ROOT = Path(__file__).parents[2]
COMMAND = (
    *("-m", "pytest", "benchmarks/micro", "--benchmark-enable", "--benchmark-only"),
    *("-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly"),
)
HURRIED = ("--benchmark-max-time=0.2", "--benchmark-min-rounds=3")
THOROUGH = ("--benchmark-max-time=2", "--benchmark-min-rounds=10")


class TimingError(Exception):
    """A timing failed."""


def missing() -> str | None:
    """Say what must be installed first; ``None`` when nothing is missing."""
    lacking = [name for name in ("pytest", "pytest_benchmark") if find_spec(name) is None]
    return " and ".join(lacking).replace("_", "-") or None


def take(*, quick: bool) -> list[dict[str, Any]]:
    """Run all timings in a process of their own.

    Returns:
        For each its ``work``, its ``way``, and ``median`` and ``least`` in seconds of one operation, taken
        over ``rounds`` calls or groups of calls.

    Raises:
        TimingError: one of them failed.
    """
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-timings-") as folder:
        results = Path(folder) / "results.json"
        command = [sys.executable, *COMMAND, *(HURRIED if quick else THOROUGH)]
        done = subprocess.run(  # noqa: S603 - our own timings
            [*command, f"--benchmark-json={results}"], capture_output=True, text=True, check=False, cwd=ROOT
        )
        if done.returncode:
            raise TimingError(f"pytest ended with exit code {done.returncode}: {done.stdout[-2000:]}")
        return read(results.read_text(encoding="utf-8"))


def read(document: str) -> list[dict[str, Any]]:
    """Return what pytest-benchmark wrote as `take` has it, in the order of the files."""
    timings = []
    for each in json.loads(document)["benchmarks"]:
        noted, stats = each["extra_info"], each["stats"]
        operations = noted["operations"]
        timings.append(
            {
                "work": each["group"],
                "way": noted["way"],
                "median": stats["median"] / operations,
                "least": stats["min"] / operations,
                "rounds": stats["rounds"],
            }
        )
    return timings


def table(timings: list[dict[str, Any]]) -> Table:
    """Return a row for each way of each work."""
    rows = [
        (f"{each['work']}: {each['way']}", f"{each['median'] * 1e6:.2f}", f"{each['least'] * 1e6:.2f}")
        for each in timings
    ]
    return Table("Microseconds for one step", ("step", "median", "least"), tuple(rows))
