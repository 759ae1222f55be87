"""How long the event loop is held up while days are kept and read, beside the same work without a store.

A task wants to wake up every millisecond, and notes how
late it is. The simulator answers in the same process, within a millisecond and without limits, so the loop is
rarely idle; without a store, ``fetch`` asks it for the same days. A backfill waits for the disk and takes
longer, and the longer one looks, the longer the longest gap; so there is also a ``fetch`` whose answers come
so slowly that it takes as long. An idle loop shows what the machine adds.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.results import Claim, Section, Table, spread
from benchmarks.store.stock import FIRST, LIMITS, LINK, filled, reader
from hourlyclicks import Client
from hourlyclicks.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

BEAT = 0.001
LATENCY = (0.0001, 0.0002)
"""With none at all, nothing would ever wait, and the loop never turn."""
MOST = 5.0
"""Milliseconds that a store may add to the longest gap, in the middle of the rounds."""
_WITHOUT = {"backfill": "fetch_slowly", "fetch_through": "fetch_without"}
"""What takes as long without a store."""

_NAMES = {
    "idle": "an idle loop",
    "fetch_without": "`fetch` without a store",
    "fetch_slowly": "`fetch` without a store, slow answers",
    "backfill": "`backfill` into a new file",
    "fetch_through": "`fetch` from a file",
}


class Heart:
    """A task that wants to wake up every millisecond.

    Attributes:
        gaps: the milliseconds between two times that it did.
    """

    def __init__(self) -> None:
        self.gaps: list[float] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._tick())
        await asyncio.sleep(10 * BEAT)
        self.gaps.clear()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(2 * BEAT)
        self._task.cancel()

    async def _tick(self) -> None:
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


def asking(store: Path | None = None, latency: tuple[float, float] = LATENCY) -> Client:
    """Return a client of a new simulator; the latency is in seconds, there and back each."""
    upstream = Simulator(limits=(), concurrency=0, latency=latency)
    transport = upstream.transport()
    return Client(upstream.key, limits=LIMITS, transport=transport, base_url="http://localhost", store=store)


class Works:
    """What is compared.

    Args:
        number: how many days.
        full: a file that holds them.
        folder: where new files are made.
    """

    def __init__(self, number: int, full: Path, folder: Path) -> None:
        self._number = number
        self._end = FIRST + dt.timedelta(days=number - 1)
        self._folder = folder
        self._files = 0
        self._lasted = 0.0
        self._full = full

    async def _fetch(self, client: Client) -> None:
        await client.fetch(FIRST, self._end, LINK)

    async def _backfill(self, client: Client) -> None:
        report = await client.backfill(FIRST, self._end, [LINK])
        assert report.complete

    @property
    def all(self) -> tuple[Callable[[], Coroutine[None, None, list[float]]], ...]:
        """Everything, in an order in which it can be done."""
        return (self.idle, self.fetch_without, self.backfill, self.fetch_slowly, self.fetch_through)

    async def idle(self) -> list[float]:
        """Do nothing."""
        return await gaps(asking(), lambda _: asyncio.sleep(0.5))

    async def fetch_without(self) -> list[float]:
        """Ask for all days."""
        return await gaps(asking(), self._fetch)

    async def fetch_slowly(self) -> list[float]:
        """Ask for all days, and be answered so slowly that it takes as long as the last backfill."""
        latency = self._lasted * LIMITS.concurrency / self._number / 2
        return await gaps(asking(latency=(latency, latency)), self._fetch)

    async def backfill(self) -> list[float]:
        """Ask for all days and keep them."""
        self._files += 1
        began = time.perf_counter()
        beats = await gaps(asking(self._folder / f"new{self._files}.db"), self._backfill)
        self._lasted = time.perf_counter() - began
        return beats

    async def fetch_through(self) -> list[float]:
        """Take all days from the file."""
        return await gaps(reader(self._full), self._fetch)


def found(folder: Path, number: int, rounds: int) -> dict[str, list[list[float]]]:
    """Return all gaps of each round, in milliseconds, by what was done meanwhile."""
    full = asyncio.run(filled(folder, number))
    gaps_of: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory(dir=folder) as new:
        works = Works(number, full, Path(new))
        for round_ in range(rounds + 1):
            for work in works.all:
                beats = asyncio.run(work())
                if round_:  # the first one only loads what the others need
                    gaps_of.setdefault(work.__name__, []).append(beats)
    return gaps_of


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Watch the event loop, with files in a folder."""
    number, rounds = (365, 2) if quick else (3_653, 5)
    say(f"event loop while {number:,} days are kept and read")
    gaps_of = found(folder, number, rounds)
    longest = {name: [max(gaps) for gaps in each] for name, each in gaps_of.items()}
    middles = {name: statistics.median(each) for name, each in longest.items()}
    together = {name: sorted(gap for gaps in each for gap in gaps) for name, each in gaps_of.items()}
    rows = tuple(
        (
            _NAMES[name],
            f"{statistics.median(gaps):.2f}",
            f"{gaps[len(gaps) * 99 // 100]:.2f}",
            spread(longest[name], "{:.2f}".format),
        )
        for name, gaps in together.items()
    )
    title = f"Milliseconds between beats that want to be {BEAT * 1000:g} apart, {number:,} days"
    return Section(
        "event loop",
        tables=(Table(title, ("meanwhile", "median", "99 %", "longest of a round"), rows),),
        claims=tuple(
            Claim(
                f"milliseconds that {_NAMES[name]} adds to the longest gap of {_NAMES[without]}",
                middles[name] - middles[without],
                MOST,
            )
            for name, without in _WITHOUT.items()
        ),
        figures={"days": number, "longest": longest},
    )
