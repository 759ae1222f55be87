"""How long the event loop is held up while days are kept and read, beside the same work without a store.

Run with ``python -m benchmarks.store.heartbeat``. A task wants to wake up every millisecond, and notes how
late it is. The simulator answers in the same process, within a millisecond and without limits, so the loop is
rarely idle; without a store, ``fetch`` asks it for the same days. An idle loop shows what the machine adds.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.store.stock import FIRST, LIMITS, LINK, fill, reader
from hourlyclicks import Client
from hourlyclicks.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BEAT = 0.001
LATENCY = (0.0001, 0.0002)
"""With none at all, nothing would ever wait, and the loop never turn."""
MOST = 5.0
"""Milliseconds that a store may add to the longest gap, in the middle of the rounds."""


class Heart:
    """A task that wants to wake up every millisecond.

    Attributes:
        gaps: the milliseconds between two times that it did.
    """

    def __init__(self) -> None:
        self.gaps: list[float] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(10 * BEAT)
        self.gaps.clear()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(2 * BEAT)
        self._task.cancel()

    async def _beat(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(BEAT)
            now = time.perf_counter()
            self.gaps.append((now - last) * 1000)
            last = now


async def gaps(client: Client, work: Callable[[Client], Awaitable[object]]) -> list[float]:
    """Let a client work, and return the gaps meanwhile."""
    async with client, Heart() as heart:
        await work(client)
    return heart.gaps


def asking(store: Path | None = None) -> Client:
    """Return a client of a new simulator."""
    upstream = Simulator(limits=(), concurrency=0, latency=LATENCY)
    transport = upstream.transport()
    return Client(upstream.key, limits=LIMITS, transport=transport, base_url="http://localhost", store=store)


class Works:
    """What is compared.

    Args:
        number: how many days.
        folder: where the files are.
    """

    def __init__(self, number: int, folder: Path) -> None:
        self._end = FIRST + dt.timedelta(days=number - 1)
        self._folder = folder
        self._files = 0
        self.full = folder / "full.db"

    async def _fetch(self, client: Client) -> None:
        await client.fetch(FIRST, self._end, LINK)

    async def _backfill(self, client: Client) -> None:
        report = await client.backfill(FIRST, self._end, [LINK])
        assert report.complete

    async def idle(self) -> list[float]:
        """Do nothing."""
        return await gaps(asking(), lambda _: asyncio.sleep(1.0))

    async def fetch_without(self) -> list[float]:
        """Ask for all days."""
        return await gaps(asking(), self._fetch)

    async def backfill(self) -> list[float]:
        """Ask for all days and keep them."""
        self._files += 1
        return await gaps(asking(self._folder / f"new{self._files}.db"), self._backfill)

    async def fetch_through(self) -> list[float]:
        """Take all days from the file."""
        return await gaps(reader(self.full), self._fetch)


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=3653)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--folder", help="where the files are made")
    options.add_argument("--quick", action="store_true")
    given = options.parse_args()
    number, rounds = (300, 3) if given.quick else (given.days, given.rounds)
    found: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="hourlyclicks-") as folder:
        works = Works(number, Path(folder))
        asyncio.run(fill(works.full, number))
        for round_ in range(rounds + 1):
            for work in (works.idle, works.fetch_without, works.backfill, works.fetch_through):
                beats = asyncio.run(work())
                if round_:  # the first one only loads what the others need
                    found.setdefault(work.__name__, []).append(beats)
    print(
        f"{number:,} days, {rounds} rounds; milliseconds between beats that want to be {BEAT * 1000:g} apart"
    )
    longest = {}
    for name, each in found.items():
        longest[name] = statistics.median(map(max, each))
        together = sorted(gap for gaps in each for gap in gaps)
        print(
            f"{name:15} longest: median {longest[name]:6.2f}, most {together[-1]:6.2f};"
            f" p99 {together[len(together) * 99 // 100]:6.2f}, median {statistics.median(together):6.2f}"
        )
    added = {
        name: gap - longest["fetch_without"]
        for name, gap in longest.items()
        if name in ("backfill", "fetch_through")
    }
    for name, gap in added.items():
        print(f"{name} adds {gap:+.2f} ms to the longest gap")
    return 0 if max(added.values()) <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
