"""An aiohttp loop in which every known trick was played, and nothing else: what can be had with aiohttp.

A few workers pull from one iterator, the body is read in one piece and decoded from bytes, a URL is made by
adding the day to all that is the same, no cookies are kept. It checks as much as the loop written by hand,
and it merges into arrays. It neither retries nor keeps any limit but the number of workers.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp
from yarl import URL

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, Arrays

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from benchmarks.peers.slices import Row

    Take: TypeAlias = Callable[[Arrays, int, str, bytes], object]

_OK = int(HTTPStatus.OK)


async def fetch_all(base: str, days: list[dt.date], concurrency: int, take: Take) -> Arrays:
    """Fetch all days into two arrays, an hour a place; `take` puts a body there."""
    merged = Arrays(days)
    address = URL(base).with_path(PATH).with_query(linkId=LINK, domain=DOMAIN)
    places = enumerate(days)

    async def work(session: aiohttp.ClientSession) -> None:
        for place, day in places:
            ymd = day.isoformat()
            async with session.get(address.extend_query(f"ymd={ymd}")) as response:
                if response.status != _OK:
                    raise RuntimeError(response.status)
                body = await response.read()
            take(merged, place, ymd, body)

    async with (
        aiohttp.ClientSession(
            headers=HEADERS,
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=30),
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(concurrency):
            group.create_task(work(session))
    return merged


def fetch(
    base: str, days: list[dt.date], concurrency: int, *, loads: Callable[[bytes], Any] = json.loads
) -> Iterable[Row]:
    """Do the work with a decoder of JSON."""

    def take(merged: Arrays, place: int, ymd: str, body: bytes) -> None:
        merged.add(place, ymd, loads(body))

    return asyncio.run(fetch_all(base, days, concurrency, take)).rows()
