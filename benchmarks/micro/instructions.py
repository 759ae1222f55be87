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
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.peers.contenders import command
from benchmarks.peers.upstream import find_nginx, upstream
from benchmarks.processes import ROOT, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
_TOTAL = re.compile(r"^==\d+== I\s+refs:\s+([\d,]+)\s*$", re.MULTILINE)


class CountError(Exception):
    """Valgrind, or the process that it ran, did not get to its end."""


@attrs.frozen
class Case:
    """What is counted.

    Args:
        contender: one of ``benchmarks.peers``.
        concurrency: requests under way at a time.
        round: which repetition it is, from 0.
    """

    contender: str
    concurrency: int
    round: int = 0


def missing() -> str:
    """Say what must be installed first; empty when nothing is missing."""
    found = {"valgrind": shutil.which("valgrind"), "nginx": find_nginx()}
    return " and ".join(name for name, where in found.items() if where is None)


def run(words: Sequence[str], folder: str) -> str:
    """Run a process, and return what it says on standard error.

    Its bytecode is in a folder of its own: no process pays for compiling what the next one finds compiled.

    Raises:
        CountError: it failed.
    """
    environment = variables(PYTHONHASHSEED="0", PYTHONPYCACHEPREFIX=folder)
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)  # noqa: S603 - a module of ours, perhaps under valgrind
    if done.returncode:
        raise CountError(f"{' '.join(words)}: exit code {done.returncode}: {done.stderr[-2000:]}")
    return done.stderr


def count(words: Sequence[str], folder: str) -> int:
    """Return the instructions of a whole process.

    Raises:
        CountError: it failed, or valgrind does not tell a number.
    """
    report = run([*_VALGRIND, *words], folder)
    found = _TOTAL.search(report)
    if found is None:
        raise CountError(f"valgrind does not tell a number of instructions: {report[-2000:]}")
    return int(found[1].replace(",", ""))


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
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):

        def words(case: Case, number: int) -> list[str]:
            # the sums are looked at where time is taken; here they would be counted
            return [*command(case.contender, base, days=number, concurrency=case.concurrency), "--unchecked"]

        for contender in dict.fromkeys(case.contender for case in asked):
            run(words(Case(contender, 1), 1), folder)  # writes the bytecode
        work = [
            (case, [pool.submit(count, words(case, number), folder) for number in days]) for case in asked
        ]
        try:
            for case, (few, many) in work:
                say(f"counting instructions of {case.contender}, concurrency {case.concurrency}")
                instructions = few.result(), many.result()
                price = (instructions[1] - instructions[0]) / (days[1] - days[0])
                yield attrs.asdict(case) | {"days": days, "instructions": instructions, "per_day": price}
        finally:
            pool.shutdown(cancel_futures=True)


def prices(counts: Iterable[dict[str, Any]]) -> dict[tuple[str, int], list[float]]:
    """Return the prices of a day in all rounds, by contender and concurrency."""
    found: dict[tuple[str, int], list[float]] = {}
    for each in counts:
        found.setdefault((each["contender"], each["concurrency"]), []).append(each["per_day"])
    return found


def medians(counts: Iterable[dict[str, Any]]) -> dict[tuple[str, int], float]:
    """Return the median price of a day, by contender and concurrency."""
    return {case: statistics.median(rounds) for case, rounds in prices(counts).items()}
