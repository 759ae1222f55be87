"""How the same days are collected by hand: simply, and thriftily. They retry nothing and check nothing.

These are the loops of ``benchmarks.peers.naive`` and ``benchmarks.peers.tuned``, with the network left out.
"""

from __future__ import annotations

import asyncio
import json
from array import array
from typing import TYPE_CHECKING, Any

from benchmarks.peers.slices import HOURS

if TYPE_CHECKING:
    from benchmarks.instant import Instant
    from hourlyclicks import DateRange


async def as_dicts(upstream: Instant, days: DateRange, concurrency: int) -> list[dict[str, Any]]:
    """Fetch days with ``gather`` and a semaphore, a task each, and keep the rows as they were decoded."""
    semaphore = asyncio.Semaphore(concurrency)

    async def fetch_day(ymd: str) -> list[dict[str, Any]]:
        async with semaphore:
            document = json.loads(await upstream.get(ymd))
        return list(document["result"])

    results = await asyncio.gather(*[fetch_day(day.isoformat()) for day in days])
    return [row for rows in results for row in rows]


async def as_arrays(upstream: Instant, days: DateRange, concurrency: int) -> tuple[array[int], array[int]]:
    """Fetch days with a few tasks, and keep two numbers of 8 bytes for each hour: clicks and unique users."""
    clicks, users = (array("q", [0]) * (HOURS * len(days)) for _ in range(2))
    places = enumerate(days)

    async def work() -> None:
        for place, day in places:
            document = json.loads(await upstream.get(day.isoformat()))
            for row in document["result"]:
                hour = place * HOURS + row["hour"]
                clicks[hour] = row["acesCnt"]
                users[hour] = row["pernCnt"]

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return clicks, users
