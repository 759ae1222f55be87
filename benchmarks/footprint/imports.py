"""What it costs to import the package, and to start its command, beside what neither can do without.

The CPU time (user and system) of fresh interpreters is taken in turns, so that other work on the machine
meets all of them alike; it still depends on the state of caches. What is claimed of imports is therefore the
ratio of the instructions that valgrind counts, less those of an interpreter that imports nothing. All
bytecode has been written before.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from typing import TYPE_CHECKING

from benchmarks.micro.instructions import count, run
from benchmarks.processes import cpu_seconds
from benchmarks.results import Claim, Section, Table, spread

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 25
MOST_IMPORT, MOST_COMMAND = 1.25, 3.0
"""Times the instructions of importing aiohttp, and times the CPU of importing click."""
NOTHING, AIOHTTP, CLIENT, CLICK, COMMAND = (
    "pass",
    "import aiohttp",
    "from hourlyclicks import Client",
    "import click",
    "hourlyclicks status --help",
)
STARTS = {
    **{each: ("-c", each) for each in (NOTHING, AIOHTTP, "import hourlyclicks", CLIENT, CLICK)},
    COMMAND: ("-m", *COMMAND.split()),
}
"""The arguments of an interpreter, by what they are called."""


def instructions() -> dict[str, int]:
    """Return the instructions of each start, above those of one that does nothing."""
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-count-") as folder:
        for words in STARTS.values():
            run([sys.executable, *words], folder)  # writes the bytecode
        counts = {name: count([sys.executable, *words], folder) for name, words in STARTS.items()}
    return {name: number - counts[NOTHING] for name, number in counts.items()}


def section(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure all starts in turns."""
    say("imports")
    for words in STARTS.values():
        cpu_seconds(*words)  # writes the bytecode
    each = [
        {name: cpu_seconds(*words) for name, words in STARTS.items()} for _ in range(3 if quick else ROUNDS)
    ]
    counts = instructions() if shutil.which("valgrind") else {}
    rows = tuple(
        (
            f"`{name}`",
            spread([round_[name] * 1000 for round_ in each], ".0f"),
            spread([round_[name] / round_[AIOHTTP] for round_ in each], ".2f"),
            f"{counts[name] / counts[AIOHTTP]:.3f}" if counts else "-",
        )
        for name in STARTS
    )
    head = ("", "ms", "ms, times aiohttp", "instructions above `pass`, times aiohttp")
    command = statistics.median(round_[COMMAND] / round_[CLICK] for round_ in each)
    claims = [Claim(f"CPU of `{COMMAND}`, times `{CLICK}`", command, MOST_COMMAND)]
    if counts:
        text = f"instructions of `{CLIENT}`, times `{AIOHTTP}`"
        claims.insert(0, Claim(text, counts[CLIENT] / counts[AIOHTTP], MOST_IMPORT))
    return Section(
        tables=(Table("CPU of a fresh interpreter", head, rows),),
        claims=tuple(claims),
        figures={"seconds": each, "instructions": counts},
        remarks=() if counts else ("The instructions of imports were not counted: there is no valgrind.",),
    )
