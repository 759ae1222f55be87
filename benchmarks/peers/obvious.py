"""aiohttp with tenacity and cattrs the obvious way: a decorator that retries, classes for what is answered.

``gather`` and a semaphore as in the loop written by hand. The converter is the one that cattrs makes when
nothing is asked of it, with the hooks that it generates for the classes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import attrs
import cattrs
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Row


@attrs.frozen
class HourRow:
    """An hour, in the words of the API."""

    ymd: str
    hour: int
    acesCnt: int  # noqa: N815 - the API's name: without settings, cattrs knows no other
    pernCnt: int  # noqa: N815 - as above


@attrs.frozen
class Answer:
    """What is answered for a day."""

    code: int
    message: str
    result: list[HourRow]


converter = cattrs.Converter()


@retry(
    retry=retry_if_exception_type((aiohttp.ClientError, TimeoutError)),
    stop=stop_after_attempt(5),
    wait=wait_exponential_jitter(),
    reraise=True,
)
async def fetch_day(session: aiohttp.ClientSession, ymd: str) -> list[HourRow]:
    """Fetch one day."""
    params = {"ymd": ymd, "linkId": LINK, "domain": DOMAIN}
    async with session.get(PATH, params=params) as response:
        response.raise_for_status()
        answer = converter.structure(await response.json(), Answer)
    if answer.code != 0:
        raise RuntimeError(answer.message)
    for row in answer.result:
        if row.ymd != ymd:
            raise RuntimeError(f"asked for {ymd}, got {row.ymd}")
    return answer.result


async def fetch_all(base: str, days: list[dt.date], concurrency: int) -> dict[tuple[str, int], HourRow]:
    """Fetch all days, and merge them into one mapping of hours."""
    semaphore = asyncio.Semaphore(concurrency)

    async def in_turn(session: aiohttp.ClientSession, ymd: str) -> list[HourRow]:
        async with semaphore:
            return await fetch_day(session, ymd)

    async with aiohttp.ClientSession(base, headers=HEADERS) as session:
        results = await asyncio.gather(*[in_turn(session, day.isoformat()) for day in days])
    return {(row.ymd, row.hour): row for rows in results for row in rows}


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    merged = asyncio.run(fetch_all(base, days, concurrency))
    return ((*hour, row.acesCnt, row.pernCnt) for hour, row in merged.items())
