"""How much memory a large backfill takes, above a client that has fetched a single day.

Run with ``python -m benchmarks.store.memory``; 3,650,000 days take the better part of an hour and 2.5 GB in
``--folder``, fewer ``--targets`` less. It prints one line of JSON. The upstream answers in this process and
keeps nothing, the clock is a virtual one, and there are no limits, so what is left is the client and its
SQLite file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from benchmarks.footprint.child import run
from benchmarks.footprint.resident import MIB, is_told, resident
from benchmarks.results import Claim, Section, Table
from hourlyclicks import Client, DateRange, Limits, Link
from hourlyclicks.model.http import Response
from hourlyclicks.simulator import DEFAULT_KEY, run_virtual
from hourlyclicks.simulator.clock import START
from hourlyclicks.simulator.rules import plan_rules
from hourlyclicks.simulator.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks import DayClicks
    from hourlyclicks.model.http import Request
    from hourlyclicks.simulator import VirtualClock

FIRST = dt.date(2024, 1, 1)
LIMITS = Limits(concurrency=4)
MOST = 64
"""MiB above the idle client."""
SAMPLES = 500


class Oracle:
    """A transport that answers at once and remembers nothing."""

    def __init__(self) -> None:
        self.upstream = Upstream(keys={DEFAULT_KEY: plan_rules("enterprise")})
        self.asked = 0

    async def send(self, request: Request) -> Response:
        """Answer."""
        self.asked += 1
        if self.asked % 100_000 == 0:
            self.upstream = Upstream(keys=self.upstream.keys)  # it knows every target it was asked about
        url, headers = request.url, CIMultiDict(request.headers)
        answer = self.upstream.answer("GET", url.raw_path, url.raw_query_string, headers, START)
        return Response(answer.status, CIMultiDict(answer.headers), answer.body)

    async def close(self) -> None:
        """Do nothing."""


class Sampler(threading.Thread):
    """Note the memory of this process now and then.

    Args:
        oracle: knows how many days were asked for.
        every: seconds between two samples.

    Attributes:
        samples: how many days were asked for, and how many bytes there were.
    """

    def __init__(self, oracle: Oracle, every: float) -> None:
        super().__init__(daemon=True)
        self.samples: list[tuple[int, int]] = []
        self._oracle = oracle
        self._every = every
        self._over = threading.Event()

    def run(self) -> None:
        """Sample until `stop`."""
        while not self._over.wait(self._every):
            self.samples.append((self._oracle.asked, resident()))

    def stop(self) -> None:
        """Take no further sample."""
        self._over.set()
        self.join()


def links(number: int) -> Iterator[Link]:
    """Return so many targets."""
    return (Link(f"link{place}", "https://vvd.bz") for place in range(number))


def is_true(day: DayClicks, link: Link) -> bool:
    """Compare a day with what the upstream knows."""
    cells = Oracle().upstream.traffic.day(link, day.date)
    return list(zip(day.clicks, day.unique_users, strict=True)) == list(cells)


async def fill(clock: VirtualClock, store: Path, targets: int, days: int, every: float) -> dict[str, Any]:
    """Run a backfill, and check what it has kept.

    Returns:
        ``days`` of how many ``targets``, in so many ``seconds``; ``idle``: the bytes of the idle client;
        ``samples``: the bytes above it after so many days, the last in the end; ``file``: the bytes on disk.
    """
    oracle = Oracle()
    last = FIRST + dt.timedelta(days=days - 1)
    async with Client(
        DEFAULT_KEY,
        base_url="http://localhost",
        limits=LIMITS,
        transport=oracle,
        clock=clock,
        store=store,
    ) as client:
        await client.day(FIRST, next(links(1)))
        gc.collect()
        idle = resident()
        sampler = Sampler(oracle, every)
        sampler.start()
        began = time.monotonic()
        report = await client.backfill(FIRST, last, links(targets))
        seconds = time.monotonic() - began
        sampler.stop()
        samples = [*sampler.samples, (oracle.asked, resident())]
        chance = random.Random(5)
        for _ in range(SAMPLES):
            link = Link(f"link{chance.randrange(targets)}", "https://vvd.bz")
            day = await client.day(chance.choice(DateRange(FIRST, last)), link)
            assert is_true(day, link)
    assert report.done + report.reused == report.total == oracle.asked == targets * days
    return {
        "days": report.total,
        "targets": targets,
        "seconds": seconds,
        "idle": idle,
        "samples": [(asked, held - idle) for asked, held in samples],
        "file": sum(path.stat().st_size for path in store.parent.iterdir()),
    }


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure in a process of its own, with the file in a folder."""
    if not is_told():
        return Section("memory", (), remarks=("Memory was not measured: this system has no `/proc`.",))
    targets, days, every = (30, 30, 0.1) if quick else (100, 365, 1.0)
    say(f"memory of a backfill of {targets * days:,} days")
    size = ("--targets", targets, "--days", days, "--every", every)
    return told(run(__name__, *size, "--folder", folder))


def told(figures: dict[str, Any]) -> Section:
    """Make a table and a claim of what `fill` returned."""
    above = max(held for _, held in figures["samples"]) / MIB
    days, seconds = figures["days"], figures["seconds"]
    row = (
        f"{days:,} days of {figures['targets']:,} targets",
        f"{figures['idle'] / MIB:.1f}",
        f"{above:+.1f}",
        f"{figures['samples'][-1][1] / MIB:+.1f}",
        f"{figures['file'] / MIB:,.1f}",
        f"{days / seconds:,.0f}",
    )
    head = ("", "idle client", "at most", "in the end", "the file", "days a second")
    return Section(
        "memory",
        tables=(Table("Memory of a backfill into a SQLite file, in MiB", head, (row,)),),
        claims=(Claim(f"MiB by which a backfill of {days:,} days grows", above, MOST),),
        figures=figures,
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--targets", type=int, default=10_000)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--every", type=float, default=20.0, help="seconds between two samples")
    options.add_argument("--folder", help="where the file is made")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="hourlyclicks-") as folder:
        store, size = Path(folder) / "clicks.db", (given.targets, given.days, given.every)
        json.dump(run_virtual(lambda clock: fill(clock, store, *size)), sys.stdout)
    print()


if __name__ == "__main__":
    main()
