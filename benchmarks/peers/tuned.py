"""An aiohttp loop in which every known trick was played, and nothing else: what can be had with aiohttp.

A few workers pull from one iterator, the body is read in one piece and decoded from bytes, a URL is made by
adding the day to all that is the same, no cookies are kept. It checks as much as the loop written by hand,
and it merges into arrays. It neither retries nor keeps any limit but the number of workers.
"""

from __future__ import annotations

import asyncio
import json
from array import array
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from yarl import URL

from benchmarks.peers.slices import DOMAIN, HEADERS, HOURS, LINK, PATH

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.peers.slices import Row

_OK = int(HTTPStatus.OK)


class Take(Protocol):
    """Decodes a body, checks it, and writes its figures from a place on."""

    def __call__(self, body: bytes, ymd: str, first: int, clicks: array[int], users: array[int], /) -> object:
        """Take a day."""
        ...


def taker(loads: Callable[[bytes], Any]) -> Take:
    """Return what takes a day with a decoder of JSON."""

    def take(body: bytes, ymd: str, first: int, clicks: array[int], users: array[int]) -> None:
        document = loads(body)
        if document["code"] != 0:
            raise RuntimeError(document["message"])
        for row in document["result"]:
            if row["ymd"] != ymd:
                raise RuntimeError(f"asked for {ymd}, got {row['ymd']}")
            hour = first + row["hour"]
            clicks[hour] = row["acesCnt"]
            users[hour] = row["pernCnt"]

    return take


async def fetch_all(
    base: str, days: list[dt.date], concurrency: int, take: Take
) -> tuple[array[int], array[int]]:
    """Fetch all days into two arrays, an hour a place."""
    clicks, users = (array("q", [0]) * (HOURS * len(days)) for _ in range(2))
    address = URL(base).with_path(PATH).with_query(linkId=LINK, domain=DOMAIN)
    places = enumerate(days)

    async def work(session: aiohttp.ClientSession) -> None:
        for place, day in places:
            ymd = day.isoformat()
            async with session.get(address.extend_query(f"ymd={ymd}")) as response:
                if response.status != _OK:
                    raise RuntimeError(response.status)
                body = await response.read()
            take(body, ymd, place * HOURS, clicks, users)

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
    return clicks, users


def rows(days: list[dt.date], clicks: array[int], users: array[int]) -> Iterator[Row]:
    """Yield what the arrays hold."""
    for place, day in enumerate(days):
        for hour in range(HOURS):
            cell = place * HOURS + hour
            yield day.isoformat(), hour, clicks[cell], users[cell]


def fetch(
    base: str, days: list[dt.date], concurrency: int, *, loads: Callable[[bytes], Any] = json.loads
) -> Iterable[Row]:
    """Do the work with a decoder of JSON."""
    return rows(days, *asyncio.run(fetch_all(base, days, concurrency, taker(loads))))
