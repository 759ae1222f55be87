"""How many instructions a day costs in user space: a figure that other work on the machine does not move.

Valgrind runs a contender on a simulated processor and counts what it executes, once for few days and once
for many. The difference, divided by the difference in days, is the price of a day; the start of Python and
the imports cancel out. Of valgrind's tools this takes ``cachegrind`` with the simulation of caches switched
off: it counts the same instructions as ``callgrind``, in about half the time. What the kernel does is not
counted.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.peers.upstream import find_nginx, upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).parents[2]
TOOL = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
_TOTAL = re.compile(r"^==\d+== I\s+refs:\s+([\d,]+)\s*$", re.MULTILINE)
_TAIL = 2000


class CountError(Exception):
    """Valgrind, or the contender that it ran, did not get to its end."""


@attrs.frozen
class Case:
    """What is counted.

    Args:
        contender: a module of ``benchmarks.peers``.
        concurrency: requests under way at a time.
        round: which repetition it is, from 0.
    """

    contender: str
    concurrency: int
    round: int = 0


@attrs.frozen
class Scene:
    """Where contenders run.

    Args:
        base: the base URL of the upstream.
        environment: the environment of their processes.
    """

    base: str
    environment: dict[str, str]

    @classmethod
    def make(cls, base: str, folder: Path) -> Scene:
        """Make one that keeps its bytecode in an empty folder.

        It is written before anything is counted: whoever is run first must not pay for compiling what the
        next one finds compiled.
        """
        own = {"PYTHONHASHSEED": "0", "PYTHONPYCACHEPREFIX": str(folder)}
        dropped = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE"}
        inherited = {name: value for name, value in os.environ.items() if name not in dropped}
        return cls(base, inherited | own)

    def compile(self, contender: str) -> None:
        """Run a contender once without counting, so that all bytecode it needs is written."""
        self._run((), Case(contender, 1), 1)

    def count(self, case: Case, days: int) -> int:
        """Return the instructions of a whole process that fetches so many days.

        Raises:
            CountError: it failed, or did not fetch what it should.
        """
        return counted(self._run(("valgrind", *TOOL), case, days, PYTHONDONTWRITEBYTECODE="1"))

    def _run(self, before: tuple[str, ...], case: Case, days: int, **further: str) -> str:
        command = [*before, sys.executable, "-m", "benchmarks.peers.measured", case.contender]
        command += ["--base", self.base, "--days", str(days), "--concurrency", str(case.concurrency)]
        command += ["--unchecked"]  # the sums are looked at where time is taken; here they would be counted
        done = subprocess.run(  # noqa: S603 - our own module, perhaps under valgrind
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=self.environment | further,
        )
        if done.returncode:
            raise CountError(f"{case.contender}: exit code {done.returncode}: {done.stderr[-_TAIL:]}")
        return done.stderr


def counted(report: str) -> int:
    """Return the number of instructions in a report of valgrind.

    Raises:
        CountError: there is none.
    """
    found = _TOTAL.search(report)
    if found is None:
        raise CountError(f"valgrind does not tell a number of instructions: {report[-_TAIL:]}")
    return int(found[1].replace(",", ""))


def per_day(days: tuple[int, int], instructions: tuple[int, int]) -> float:
    """Return the price of a day from the instructions of two processes that fetched so many days."""
    return (instructions[1] - instructions[0]) / (days[1] - days[0])


def missing() -> str | None:
    """Say what must be installed first; ``None`` when nothing is missing."""
    lacking = [
        name
        for name, found in (("valgrind", shutil.which("valgrind")), ("nginx", find_nginx()))
        if found is None
    ]
    return " and ".join(lacking) or None


def count_all(
    cases: Iterable[Case], days: tuple[int, int], say: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Count each case for few days and for many, as many processes at a time as there are cores.

    Args:
        cases: what to count.
        days: how many are few, and how many are many.
        say: told of each case as its turn comes.

    Yields:
        ``contender``, ``concurrency``, ``round``, ``days`` and ``instructions``, both pairs, and ``per_day``.

    Raises:
        CountError: a contender failed.
    """
    asked = list(cases)
    with (
        tempfile.TemporaryDirectory(prefix="hourlyclicks-count-") as folder,
        upstream() as base,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        scene = Scene.make(base, Path(folder))
        for contender in dict.fromkeys(case.contender for case in asked):
            scene.compile(contender)
        work = [(case, [pool.submit(scene.count, case, number) for number in days]) for case in asked]
        try:
            for case, (few, many) in work:
                say(f"counting instructions of {case.contender}, concurrency {case.concurrency}")
                instructions = few.result(), many.result()
                price = per_day(days, instructions)
                yield attrs.asdict(case) | {"days": days, "instructions": instructions, "per_day": price}
        finally:
            pool.shutdown(cancel_futures=True)


def middle(counts: Iterable[dict[str, Any]], contender: str, concurrency: int) -> float | None:
    """Return the median price of a day over all rounds of a contender, if it was counted."""
    prices = prices_of(counts, contender, concurrency)
    return statistics.median(prices) if prices else None


def prices_of(counts: Iterable[dict[str, Any]], contender: str, concurrency: int) -> list[float]:
    """Return the prices of a day that were counted for a contender, a round each."""
    return [
        count["per_day"]
        for count in counts
        if (count["contender"], count["concurrency"]) == (contender, concurrency)
    ]
