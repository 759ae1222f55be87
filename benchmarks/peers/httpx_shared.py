"""httpx as its documentation has it: one ``AsyncClient`` for all workers, with all connections kept alive."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from benchmarks.peers.httpx_loop import work
from benchmarks.peers.slices import HEADERS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Row


async def fetch_all(
    base: str, days: list[dt.date], concurrency: int
) -> dict[tuple[str, int], tuple[int, int]]:
    """Fetch all days, and merge them into one mapping of hours."""
    merged: dict[tuple[str, int], tuple[int, int]] = {}
    left = iter(days)
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with (
        httpx.AsyncClient(base_url=base, headers=HEADERS, limits=limits, timeout=30) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(concurrency):
            group.create_task(work(client, left, merged))
    return merged


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    merged = asyncio.run(fetch_all(base, days, concurrency))
    return ((*hour, *counts) for hour, counts in merged.items())
