"""The tuned aiohttp loop with orjson."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from orjson import loads

from benchmarks.peers.tuned import fetch_all, rows, taker

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Row


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    return rows(days, *asyncio.run(fetch_all(base, days, concurrency, taker(loads))))
