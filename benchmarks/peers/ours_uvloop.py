"""This package on uvloop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvloop

from benchmarks.peers.ours import fetch_all, rows

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from benchmarks.peers.slices import Row


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    return rows(uvloop.run(fetch_all(base, days, concurrency)))
