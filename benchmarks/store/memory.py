"""How much memory a large backfill takes, above a client that has fetched a single day.

Run with ``python -m benchmarks.store.memory``; 3,650,000 days take the better part of an hour and 2.5 GB in
``--folder``, ``--quick`` a few seconds. The upstream answers in this process and keeps nothing, the clock
is a virtual one, and there are no limits, so what is left is the client and its SQLite file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import random
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from hourlyclicks import Client, DateRange, Limits, Link
from hourlyclicks.model.http import Response
from hourlyclicks.simulator import DEFAULT_KEY, run_virtual
from hourlyclicks.simulator.clock import START
from hourlyclicks.simulator.rules import plan_rules
from hourlyclicks.simulator.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Note the memory of this process now and then, and print it."""

    def __init__(self, oracle: Oracle, every: float) -> None:
        super().__init__(daemon=True)
        self.samples: list[tuple[int, float]] = []
        self._oracle = oracle
        self._every = every
        self._over = threading.Event()

    def run(self) -> None:
        """Sample until `stop`."""
        began = time.monotonic()
        while not self._over.wait(self._every):
            self.samples.append((self._oracle.asked, resident()))
            asked, mib = self.samples[-1]
            print(f"{time.monotonic() - began:8.0f} s {asked:10,} days {mib:8.1f} MiB", flush=True)

    def stop(self) -> None:
        """Take no further sample."""
        self._over.set()
        self.join()


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def links(number: int) -> Iterator[Link]:
    """Return so many targets."""
    return (Link(f"link{place}", "https://vvd.bz") for place in range(number))


def is_true(day: DayClicks, link: Link) -> bool:
    """Compare a day with what the upstream knows."""
    cells = Oracle().upstream.traffic.day(link, day.date)
    return list(zip(day.clicks, day.unique_users, strict=True)) == list(cells)


async def fill(clock: VirtualClock, store: Path, targets: int, days: int, every: float) -> float:
    """Run a backfill, and return the most MiB it took above the idle client once it was warm."""
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
        end = resident()
        chance = random.Random(5)
        for _ in range(SAMPLES):
            link = Link(f"link{chance.randrange(targets)}", "https://vvd.bz")
            day = await client.day(chance.choice(DateRange(FIRST, last)), link)
            assert is_true(day, link)
    assert report.done + report.reused == report.total == oracle.asked == targets * days
    warm = [mib for asked, mib in sampler.samples if asked > report.total // 20] or [end]
    speed = report.total / seconds
    print(f"{report.total:,} days of {targets:,} targets in {seconds:.0f} s ({speed:.0f} a second)")
    print(f"idle client {idle:.1f} MiB; above it: warm {warm[0] - idle:+.1f}, most {max(warm) - idle:+.1f},")
    print(f"  last {warm[-1] - idle:+.1f} MiB; in the end {end - idle:+.1f} MiB")
    print(
        f"the file: {sum(path.stat().st_size for path in store.parent.iterdir()) / 2**30:.2f} GiB", flush=True
    )
    return max(*warm, end) - idle


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--targets", type=int, default=10_000)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--every", type=float, default=20.0, help="seconds between two samples")
    options.add_argument("--folder", default="/dev/shm" if Path("/dev/shm").is_dir() else None)  # noqa: S108 - a folder of our own is made in it
    options.add_argument("--quick", action="store_true")
    given = options.parse_args()
    size = (30, 100, 0.5) if given.quick else (given.targets, given.days, given.every)
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="hourlyclicks-") as folder:
        store = Path(folder) / "clicks.db"
        above = run_virtual(lambda clock: fill(clock, store, *size))
    return 0 if above <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
