"""httpx: workers that pull from one iterator, each with an ``AsyncClient`` of its own.

Its documentation advises one client for all; that is `httpx_shared`. But its pool looks at every connection
whenever a request begins or ends, so that one pool of 50 costs several times the CPU of 50 pools of one.
Without a pool in common, neither do ``gather`` and a semaphore have anything to offer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, rows_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from benchmarks.peers.slices import Row

PARAMS = httpx.QueryParams(linkId=LINK, domain=DOMAIN)


async def work(
    client: httpx.AsyncClient, left: Iterator[dt.date], merged: dict[tuple[str, int], tuple[int, int]]
) -> None:
    """Fetch one day after the other while there are any."""
    for day in left:
        ymd = day.isoformat()
        response = await client.get(PATH, params=PARAMS.set("ymd", ymd))
        response.raise_for_status()
        for row in rows_of(response.json(), ymd):
            merged[ymd, row["hour"]] = row["acesCnt"], row["pernCnt"]


async def fetch_all(
    base: str, days: list[dt.date], concurrency: int
) -> dict[tuple[str, int], tuple[int, int]]:
    """Fetch all days, and merge them into one mapping of hours."""
    merged: dict[tuple[str, int], tuple[int, int]] = {}
    left = iter(days)
    common: dict[str, Any] = {"base_url": base, "headers": HEADERS, "timeout": 30}
    common["verify"] = httpx.create_ssl_context()  # one for all, since making it takes a while

    async def with_client() -> None:
        async with httpx.AsyncClient(**common) as client:
            await work(client, left, merged)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(with_client())
    return merged


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    merged = asyncio.run(fetch_all(base, days, concurrency))
    return ((*hour, *counts) for hour, counts in merged.items())
