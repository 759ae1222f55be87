"""How much memory a large backfill takes, above a client that has fetched a single day.

The upstream answers in this process and keeps nothing, the clock is a virtual one, and there are no limits,
so what is left is the client and its SQLite file.
"""

from __future__ import annotations

import gc
import random
import time
from typing import TYPE_CHECKING, Any

from benchmarks.instant import CLICKS_A_DAY, Instant, days, link
from benchmarks.peers.slices import KEY
from benchmarks.processes import MIB, fresh, knows_memory, resident
from benchmarks.results import NO_MEMORY, Claim, Section, Table
from hourlyclicks import Client, Limits
from hourlyclicks.simulator import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hourlyclicks.simulator import VirtualClock

LIMITS = Limits(concurrency=4)
MOST = 64
"""MiB above the idle client."""
EVERY = 100
"""Requests between two looks at the memory."""
CHECKED = 500
"""Days that are read again in the end."""


async def fill(clock: VirtualClock, store: Path, targets: int, number: int) -> dict[str, Any]:
    """Run a backfill, and check what it has kept.

    Returns:
        ``days`` of how many ``targets``, in so many ``seconds``; ``idle``: the bytes of the idle client;
        ``samples``: the bytes above it after so many requests, the last in the end; ``file``: the bytes on
        disk.
    """
    range_ = days(number)
    samples: list[tuple[int, int]] = []
    upstream = Instant(lambda: samples.append((upstream.asked, resident())), every=EVERY)
    client = Client(
        KEY, base_url="http://localhost", limits=LIMITS, transport=upstream, clock=clock, store=store
    )
    async with client:
        await client.day(range_.start, link())
        gc.collect()
        idle = resident()
        samples.clear()
        began = time.monotonic()
        report = await client.backfill(range_.start, range_.end, map(link, range(targets)))
        seconds = time.monotonic() - began
        samples.append((upstream.asked, resident()))
        chance = random.Random(5)
        for _ in range(CHECKED):
            day = await client.day(chance.choice(range_), link(chance.randrange(targets)))
            assert day.total_clicks == CLICKS_A_DAY
    assert report.done + report.reused == report.total == upstream.asked == targets * number
    return {
        "days": report.total,
        "targets": targets,
        "seconds": seconds,
        "idle": idle,
        "samples": [(asked, held - idle) for asked, held in samples],
        "file": sum(path.stat().st_size for path in store.parent.iterdir()),
    }


def filled(folder: Path, targets: int, number: int) -> dict[str, Any]:
    """Fill a new file in a folder; see `fill`."""
    return run_virtual(lambda clock: fill(clock, folder / "clicks.db", targets, number))


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure in a process of its own, with the file in a folder."""
    if not knows_memory():
        return NO_MEMORY
    targets, number = (30, 30) if quick else (100, 365)
    total = targets * number
    say(f"memory of a backfill of {total:,} days")
    figures = fresh(filled, folder, targets, number)
    above = max(held for _, held in figures["samples"]) / MIB
    row = (
        f"{total:,} days of {targets:,} targets",
        f"{figures['idle'] / MIB:.1f}",
        f"{above:+.1f}",
        f"{figures['samples'][-1][1] / MIB:+.1f}",
        f"{figures['file'] / MIB:,.1f}",
        f"{total / figures['seconds']:,.0f}",
    )
    head = ("", "idle client", "at most", "in the end", "the file", "days a second")
    return Section(
        tables=(Table("Memory of a backfill into a SQLite file, in MiB", head, (row,)),),
        claims=(Claim(f"MiB by which a backfill of {total:,} days grows", above, MOST),),
        figures=figures,
    )
