"""How long it takes to cancel a hundred years of days: ``python -m benchmarks.footprint.cancelling``.

Prints one line of JSON. The clock runs from ``task.cancel()``, in the midst of the work, until the task is
done and nothing of it is left on the event loop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.footprint.child import run
from benchmarks.footprint.tasks import NAMES, WORKS
from benchmarks.footprint.upstream import CENTURY, CONCURRENCY, Instant
from benchmarks.results import Claim, Section, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.footprint.tasks import Work

MOST = 0.050
"""Seconds, in the worst round."""


async def seconds(work: Work, number: int) -> float:
    """Return how long the end takes, once a hundredth of the days was asked for."""
    enough = asyncio.Event()
    upstream = Instant(lambda: enough.set() if upstream.asked >= number // 100 else None)
    task = asyncio.ensure_future(work(upstream, number, CONCURRENCY))
    await enough.wait()
    began = time.perf_counter()
    task.cancel()
    await asyncio.wait([task])
    taken = time.perf_counter() - began
    assert task.cancelled()
    assert upstream.asked < number
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return taken


def found(number: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each round for each way to fetch so many days; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in WORKS}
    for _ in range(rounds):
        for name, work in WORKS.items():
            times[name].append(asyncio.run(seconds(work, number)))
    return times


def section(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure in a process of its own."""
    say(f"cancelling {CENTURY:,} days")
    return told(run(__name__, "--days", CENTURY, "--rounds", 1 if quick else 9), CENTURY)


def told(times: dict[str, list[float]], number: int) -> Section:
    """Make a table and a claim of what `found` returned."""
    rows = tuple(
        (NAMES[name], *(f"{value * 1000:,.1f}" for value in (statistics.median(each), max(each))))
        for name, each in times.items()
    )
    return Section(
        "cancelling",
        tables=(Table(f"Milliseconds to cancel {number:,} days", ("", "median", "most"), rows),),
        claims=(
            Claim(f"seconds to cancel a `fetch` of {number:,} days, at most", max(times["fetch"]), MOST),
        ),
        figures={"days": number, "seconds": times},
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=CENTURY)
    options.add_argument("--rounds", type=int, default=9)
    given = options.parse_args()
    json.dump(found(given.days, given.rounds), sys.stdout)
    print()


if __name__ == "__main__":
    main()
