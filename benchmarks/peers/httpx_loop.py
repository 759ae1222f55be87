"""httpx: workers that pull from one iterator, each with an ``AsyncClient`` of its own, or all with one.

Its documentation advises one client for all. But its pool looks at every connection whenever a request begins
or ends, so that one pool of 50 costs several times the CPU of 50 pools of one. Without a pool in common,
neither do ``gather`` and a semaphore have anything to offer.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, flat, rows_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.peers.slices import Merged, Row

PARAMS = httpx.QueryParams(linkId=LINK, domain=DOMAIN)


def one_each(base: str, concurrency: int) -> list[httpx.AsyncClient]:
    """Return a client for each worker."""
    verify = httpx.create_ssl_context()  # one for all, since making it takes a while
    common: dict[str, Any] = {"base_url": base, "headers": HEADERS, "timeout": 30, "verify": verify}
    return [httpx.AsyncClient(**common) for _ in range(concurrency)]


def one_for_all(base: str, concurrency: int) -> list[httpx.AsyncClient]:
    """Return the same client for each worker, with all connections kept alive."""
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    return [httpx.AsyncClient(base_url=base, headers=HEADERS, timeout=30, limits=limits)] * concurrency


async def work(client: httpx.AsyncClient, left: Iterator[dt.date], merged: Merged) -> None:
    """Fetch one day after the other while there are any."""
    for day in left:
        ymd = day.isoformat()
        response = await client.get(PATH, params=PARAMS.set("ymd", ymd))
        response.raise_for_status()
        for row in rows_of(response.json(), ymd):
            merged[ymd, row["hour"]] = row["acesCnt"], row["pernCnt"]


async def fetch_all(days: list[dt.date], clients: list[httpx.AsyncClient]) -> Merged:
    """Fetch all days, a worker with each client, and merge them into one mapping of hours."""
    merged: Merged = {}
    left = iter(days)
    async with AsyncExitStack() as stack:
        for client in set(clients):
            await stack.enter_async_context(client)
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(work(client, left, merged))
    return merged


def fetch(
    base: str,
    days: list[dt.date],
    concurrency: int,
    *,
    clients: Callable[[str, int], list[httpx.AsyncClient]] = one_each,
) -> Iterable[Row]:
    """Do the work."""
    return flat(asyncio.run(fetch_all(days, clients(base, concurrency))))
