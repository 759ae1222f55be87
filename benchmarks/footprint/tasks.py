"""How many tasks are alive while ten years are fetched: counted on requests, without the one that fetches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.footprint.naive import as_arrays, as_dicts
from benchmarks.instant import Instant, client, days, link
from benchmarks.results import Claim, Section, Table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Work: TypeAlias = Callable[[Instant, int, int], Awaitable[object]]

DAYS = 3_653
CONCURRENCIES = (1, 3, 10, 50)
MOST_MORE = 5
"""Tasks above the concurrency."""
_LOOKS = 100


async def fetch(upstream: Instant, number: int, concurrency: int) -> object:
    """Fetch days with a client."""
    range_ = days(number)
    async with client(upstream, concurrency) as asking:
        return await asking.fetch(range_.start, range_.end, link())


async def gather(upstream: Instant, number: int, concurrency: int) -> object:
    """Fetch days by hand, a task each."""
    return await as_dicts(upstream, days(number), concurrency)


async def workers(upstream: Instant, number: int, concurrency: int) -> object:
    """Fetch days by hand, with a few tasks."""
    return await as_arrays(upstream, days(number), concurrency)


WORKS: dict[str, Work] = {"fetch": fetch, "gather": gather, "workers": workers}
NAMES = {"fetch": "`fetch`", "gather": "by hand, `gather`", "workers": "by hand, a few workers"}


async def most(work: Work, number: int, concurrency: int) -> int:
    """Return how many tasks were alive at most beside this one."""
    counts = []
    upstream = Instant(lambda: counts.append(len(asyncio.all_tasks()) - 1), every=max(1, number // _LOOKS))
    await work(upstream, number, concurrency)
    assert upstream.asked == number
    return max(counts)


def found(number: int) -> dict[str, dict[int, int]]:
    """Return the most tasks of each way to fetch so many days, by concurrency."""
    return {
        name: {concurrency: asyncio.run(most(work, number, concurrency)) for concurrency in CONCURRENCIES}
        for name, work in WORKS.items()
    }


def section(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Count tasks."""
    number = 365 if quick else DAYS
    say("tasks")
    counts = found(number)
    above = max(count - concurrency for concurrency, count in counts["fetch"].items())
    rows = tuple((NAMES[name], *(f"{count:,}" for count in each.values())) for name, each in counts.items())
    head = ("concurrency", *map(str, CONCURRENCIES))
    return Section(
        tables=(Table(f"Tasks alive at most while {number:,} days are fetched", head, rows),),
        claims=(Claim("tasks of a `fetch` above its concurrency", above, MOST_MORE),),
        figures={"days": number, "most": counts},
    )
