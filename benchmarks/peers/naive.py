"""The loop that a competent user writes by hand: aiohttp, a semaphore, ``gather`` and ``.json()``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, flat, rows_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from benchmarks.peers.slices import Merged, Row


async def fetch_all(base: str, days: list[dt.date], concurrency: int) -> Merged:
    """Fetch all days, and merge them into one mapping of hours."""
    semaphore = asyncio.Semaphore(concurrency)

    async def fetch_day(session: aiohttp.ClientSession, ymd: str) -> list[dict[str, Any]]:
        params = {"ymd": ymd, "linkId": LINK, "domain": DOMAIN}
        async with semaphore, session.get(PATH, params=params) as response:
            response.raise_for_status()
            document = await response.json()
        return rows_of(document, ymd)

    async with aiohttp.ClientSession(base, headers=HEADERS) as session:
        results = await asyncio.gather(*[fetch_day(session, day.isoformat()) for day in days])
    return {(row["ymd"], row["hour"]): (row["acesCnt"], row["pernCnt"]) for rows in results for row in rows}


def fetch(
    base: str, days: list[dt.date], concurrency: int, *, run: Callable[..., Any] = asyncio.run
) -> Iterable[Row]:
    """Do the work; `run` decides about the event loop."""
    return flat(run(fetch_all(base, days, concurrency)))
