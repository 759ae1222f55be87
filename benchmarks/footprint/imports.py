"""What importing the package costs, as a multiple of importing aiohttp, which its client cannot do without.

Run with ``python -m benchmarks.footprint.imports``. CPU time (user and system) of fresh interpreters, taken
in turns, so that whatever else the machine does meets all of them alike.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.results import Claim, Section, Table, spread

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 25
MOST = 1.20
"""Times the CPU of importing aiohttp, in the middle of the rounds."""
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
    return told(found(3 if quick else ROUNDS))


def told(times: dict[str, list[float]]) -> Section:
    """Make a table and a claim of what `found` returned."""
    rows = tuple(
        (
            f"`{statement}`",
            spread([value * 1000 for value in times[statement]], "{:.0f}".format),
            spread(ratios(times, statement), "{:.3f}".format),
        )
        for statement in STATEMENTS
    )
    return Section(
        "imports",
        tables=(Table("CPU of a fresh interpreter", ("", "ms", "as a multiple of aiohttp"), rows),),
        claims=(Claim(f"`{CLIENT}`, times `{AIOHTTP}`", statistics.median(ratios(times, CLIENT)), MOST),),
        figures=dict(times),
    )


def main() -> None:
    """Measure and print."""
    print(told(found(ROUNDS)).markdown())


if __name__ == "__main__":
    main()
