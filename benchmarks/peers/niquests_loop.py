"""niquests: one ``AsyncSession`` whose pool holds a connection for each request under way.

Workers pull from one iterator; ``gather`` and a semaphore take as long. Several requests on one connection,
which niquests is proud of, are for HTTP/2 and HTTP/3, which need TLS here; this server speaks HTTP/1.1.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import niquests  # type: ignore[import-not-found]  # it lives in an environment of its own

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, flat, rows_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Merged, Row


async def fetch_all(base: str, days: list[dt.date], concurrency: int) -> Merged:
    """Fetch all days, and merge them into one mapping of hours."""
    merged: Merged = {}
    left = iter(days)

    async def work(session: niquests.AsyncSession) -> None:
        for day in left:
            ymd = day.isoformat()
            params = {"ymd": ymd, "linkId": LINK, "domain": DOMAIN}
            response = await session.get(PATH, params=params)
            response.raise_for_status()
            for row in rows_of(response.json(), ymd):
                merged[ymd, row["hour"]] = row["acesCnt"], row["pernCnt"]

    async with (
        niquests.AsyncSession(base_url=base, headers=HEADERS, pool_maxsize=concurrency) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(concurrency):
            group.create_task(work(session))
    return merged


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    return flat(asyncio.run(fetch_all(base, days, concurrency)))
