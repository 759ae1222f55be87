"""The loop that a competent user writes by hand, on uvloop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvloop

from benchmarks.peers.naive import fetch_all

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Row


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    merged = uvloop.run(fetch_all(base, days, concurrency))
    return ((*hour, *counts) for hour, counts in merged.items())
