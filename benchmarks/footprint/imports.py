"""What importing the package costs, as a multiple of importing aiohttp, which its client cannot do without.

The CPU time (user and system) of fresh interpreters is taken in turns, so that other work on the machine
meets all of them alike; it still depends on the state of caches. What is claimed is therefore the ratio of
the instructions that valgrind counts, less those of an interpreter that imports nothing, once the bytecode
has been written.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from benchmarks.micro.instructions import count, run
from benchmarks.processes import variables
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


def cpu_seconds(*words: str) -> float:
    """Return the CPU time of a fresh interpreter with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, env=variables(), stdout=subprocess.DEVNULL)  # noqa: S603 - those above
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def instructions() -> dict[str, int]:
    """Return the instructions of each statement, above those of one that does nothing."""
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-count-") as folder:
        words = {statement: [sys.executable, "-c", statement] for statement in STATEMENTS}
        for each in words.values():
            run(each, folder)  # writes the bytecode
        counts = {statement: count(each, folder) for statement, each in words.items()}
    return {statement: number - counts[NOTHING] for statement, number in counts.items()}


def section(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure all statements in turns."""
    say("imports")
    for statement in STATEMENTS:
        cpu_seconds("-c", statement)  # writes the bytecode
    each = [
        {statement: cpu_seconds("-c", statement) for statement in STATEMENTS}
        for _ in range(3 if quick else ROUNDS)
    ]
    counts = instructions() if shutil.which("valgrind") else {}
    shares = {statement: number / counts[AIOHTTP] for statement, number in counts.items()}
    rows = tuple(
        (
            f"`{statement}`",
            spread([round_[statement] * 1000 for round_ in each], "{:.0f}".format),
            spread([round_[statement] / round_[AIOHTTP] for round_ in each], "{:.3f}".format),
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
        figures={"seconds": each, "instructions": counts},
        remarks=() if shares else ("The instructions of imports were not counted: there is no valgrind.",),
    )
