"""The floor with orjson."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from orjson import loads

from benchmarks.peers.raw_sockets import fetch_all

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Row


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    return asyncio.run(fetch_all(base, days, concurrency, loads)).rows(days)
