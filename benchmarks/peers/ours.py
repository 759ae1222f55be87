"""This package, with no rates set and everything armed: limiter, coalescing, validation, body cap, retry."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from benchmarks.peers.slices import AGENT, DOMAIN, KEY, LINK
from hourlyclicks import Client, Limits, Link
from hourlyclicks.client.preload import load_all

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from benchmarks.peers.slices import Row
    from hourlyclicks import HourlySeries


load_all()  # with the first call, otherwise; imports are not timed


async def fetch_all(base: str, days: list[dt.date], concurrency: int) -> HourlySeries:
    """Fetch all days."""
    limits = Limits(rates=(), concurrency=concurrency)
    async with Client(KEY, limits=limits, base_url=base, user_agent=AGENT) as client:
        return await client.fetch(days[0], days[-1], Link(LINK, DOMAIN))


def rows(series: HourlySeries) -> Iterable[Row]:
    """Yield what a series holds; an hour without figures is an error."""
    for hour in series:
        assert hour.clicks is not None
        assert hour.unique_users is not None
        yield hour.date.isoformat(), hour.hour, hour.clicks, hour.unique_users


def fetch(
    base: str, days: list[dt.date], concurrency: int, *, run: Callable[..., Any] = asyncio.run
) -> Iterable[Row]:
    """Do the work; `run` decides about the event loop."""
    return rows(run(fetch_all(base, days, concurrency)))
