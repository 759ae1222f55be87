"""What importing the package costs, as a multiple of importing aiohttp, which its client cannot do without.

Run with ``python -m benchmarks.footprint.imports``. The CPU time (user and system) of fresh interpreters is
taken in turns, so that other work on the machine meets all of them alike; it still depends on the state of
caches. What is claimed is therefore the ratio of the instructions that valgrind counts, less those of an
interpreter that imports nothing, once the bytecode has been written.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.micro.instructions import TOOL, counted
from benchmarks.results import Claim, Section, Table, spread

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 25
MOST = 1.20
"""Times the instructions of importing aiohttp."""
NOTHING, AIOHTTP, PACKAGE, CLIENT = STATEMENTS = (
    "pass",
    "import aiohttp",
    "import hourlyclicks",
    "from hourlyclicks import Client",
)


def cpu_seconds(statement: str) -> float:
    """Return the CPU time of a fresh interpreter that runs a statement."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)  # noqa: S603 - those above
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def instructions() -> dict[str, int]:
    """Return the instructions of each statement; none at all where valgrind is not installed."""
    if shutil.which("valgrind") is None:
        return {}
    counts = {}
    for statement in STATEMENTS:
        command = ["valgrind", *TOOL, sys.executable, "-c", statement]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - those above
        counts[statement] = counted(done.stderr)
    return counts


def found(rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each statement, round by round."""
    for statement in STATEMENTS:
        cpu_seconds(statement)  # writes the bytecode
    each = [[cpu_seconds(statement) for statement in STATEMENTS] for _ in range(rounds)]
    return {
        statement: list(times) for statement, times in zip(STATEMENTS, zip(*each, strict=True), strict=True)
    }


def ratios(times: dict[str, list[float]], statement: str) -> list[float]:
    """Return in each round how many times the CPU of importing aiohttp a statement took."""
    return [mine / theirs for mine, theirs in zip(times[statement], times[AIOHTTP], strict=True)]


def section(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure all statements in turns."""
    say("imports")
    return told(found(3 if quick else ROUNDS), instructions())


def told(times: dict[str, list[float]], counts: dict[str, int]) -> Section:
    """Make a table and a claim of what `found` and `instructions` returned."""
    shares = {name: (count - counts[NOTHING]) / _above(counts) for name, count in counts.items()}
    rows = tuple(
        (
            f"`{statement}`",
            spread([value * 1000 for value in times[statement]], "{:.0f}".format),
            spread(ratios(times, statement), "{:.3f}".format),
            f"{shares[statement]:.3f}" if shares else "-",
        )
        for statement in STATEMENTS
    )
    head = ("", "ms", "ms, times aiohttp", "instructions above `pass`, times aiohttp")
    claim = f"instructions of `{CLIENT}`, times `{AIOHTTP}`"
    return Section(
        "imports",
        tables=(Table("CPU of a fresh interpreter", head, rows),),
        claims=(Claim(claim, shares[CLIENT], MOST),) if shares else (),
        figures={"seconds": dict(times), "instructions": dict(counts)},
        remarks=() if shares else ("The instructions of imports were not counted: there is no valgrind.",),
    )


def _above(counts: dict[str, int]) -> int:
    return counts[AIOHTTP] - counts[NOTHING]


def main() -> None:
    """Measure and print."""
    print(told(found(ROUNDS), instructions()).markdown())


if __name__ == "__main__":
    main()
