"""How long the event loop is held up while days are kept and read, beside the same work without a store.

A task wants to wake up every millisecond, and notes how late it is. The simulator answers in the same
process, within a millisecond and without limits, so the loop is rarely idle; without a store, ``fetch`` asks
it for the same days. A backfill waits for the disk and takes longer, and the longer one looks, the longer the
longest gap; so there is also a ``fetch`` whose answers come so slowly that it takes as long. An idle loop
shows what the machine adds.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from itertools import chain
from typing import TYPE_CHECKING

from benchmarks.results import Claim, Section, Table, spread
from benchmarks.store.stored_days import LIMITS, LINK, filled, range_of, reader
from hourlyclicks import Client
from hourlyclicks.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

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


async def gaps(client: Client, work: Callable[[Client], Awaitable[object]]) -> list[float]:
    """Let a client work, and return the milliseconds between two wake-ups meanwhile."""
    found: list[float] = []

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(BEAT)
            now = time.perf_counter()
            found.append((now - last) * 1000)
            last = now

    async with client:
        ticking = asyncio.create_task(tick())
        await asyncio.sleep(10 * BEAT)
        found.clear()
        await work(client)
        await asyncio.sleep(2 * BEAT)
        ticking.cancel()
    return found


def asking(store: Path | None = None, latency: tuple[float, float] = LATENCY) -> Client:
    """Return a client of a new simulator; the latency is in seconds, there and back each."""
    upstream = Simulator(limits=(), concurrency=0, latency=latency)
    transport = upstream.transport()
    return Client(upstream.key, limits=LIMITS, transport=transport, base_url="http://localhost", store=store)


async def everything(number: int, full: Path, new: Path) -> dict[str, list[float]]:
    """Do all that is compared, and return the gaps of each.

    Args:
        number: how many days.
        full: a file that holds them.
        new: a file that is made.
    """
    range_ = range_of(number)

    async def fetch(client: Client) -> None:
        await client.fetch(range_.start, range_.end, LINK)

    async def backfill(client: Client) -> None:
        report = await client.backfill(range_.start, range_.end, [LINK])
        assert report.complete

    idle = await gaps(asking(), lambda _: asyncio.sleep(0.5))
    without = await gaps(asking(), fetch)
    began = time.perf_counter()
    kept = await gaps(asking(new), backfill)
    latency = (time.perf_counter() - began) * LIMITS.concurrency / number / 2  # so that it takes as long
    slowly = await gaps(asking(latency=(latency, latency)), fetch)
    through = await gaps(reader(full), fetch)
    return dict(zip(_NAMES, (idle, without, slowly, kept, through), strict=True))


def found(folder: Path, number: int, rounds: int) -> dict[str, list[list[float]]]:
    """Return all gaps of each round, in milliseconds, by what was done meanwhile."""
    full = asyncio.run(filled(folder, number))
    files = [folder / f"new-{place}.db" for place in range(rounds + 1)]
    each = [asyncio.run(everything(number, full, new)) for new in files]
    return {name: [round_[name] for round_ in each[1:]] for name in _NAMES}  # the first only loads modules


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Watch the event loop, with files in a folder."""
    number, rounds = (365, 2) if quick else (3_653, 5)
    say(f"event loop while {number:,} days are kept and read")
    gaps_of = found(folder, number, rounds)
    longest = {name: [max(gaps) for gaps in each] for name, each in gaps_of.items()}
    middles = {name: statistics.median(each) for name, each in longest.items()}
    rows = []
    for name, each in gaps_of.items():
        cuts = statistics.quantiles(chain.from_iterable(each), n=100)
        rows.append((_NAMES[name], f"{cuts[49]:.2f}", f"{cuts[98]:.2f}", spread(longest[name], ".2f")))
    title = f"Milliseconds between beats that want to be {BEAT * 1000:g} apart, {number:,} days"
    return Section(
        tables=(Table(title, ("meanwhile", "median", "99 %", "longest of a round"), tuple(rows)),),
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
