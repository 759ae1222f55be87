"""requests in threads: a pool of as many as requests may be under way, each with a session of its own.

A session is not promised to be safe for threads, so each thread opens one when it starts and keeps its
connection alive.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import requests

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, flat, rows_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Row


class Sessions(threading.local):
    """A session for each thread that asks for one."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.headers.update(HEADERS)


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    url = base + PATH
    mine = Sessions()

    def fetch_day(day: dt.date) -> list[dict[str, Any]]:
        ymd = day.isoformat()
        response = mine.session.get(url, params={"ymd": ymd, "linkId": LINK, "domain": DOMAIN}, timeout=30)
        response.raise_for_status()
        return rows_of(response.json(), ymd)

    with ThreadPoolExecutor(concurrency) as pool:
        merged = {
            (row["ymd"], row["hour"]): (row["acesCnt"], row["pernCnt"])
            for rows in pool.map(fetch_day, days)
            for row in rows
        }
    return flat(merged)
