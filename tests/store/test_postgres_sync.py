"""Syncs with a PostgreSQL store."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks import Client, Limits, Link
from hourlyclicks.clock import SystemClock
from tests.fetching.asking import KEY
from tests.fetching.stage import good

if TYPE_CHECKING:
    from hourlyclicks.model.http import Request, Response
    from tests.store.locations import DatabaseLocation

LINKS = [Link("kYdr", "https://vvd.bz"), Link("talk", "https://vvd.bz")]


class Noon(SystemClock):
    """A clock on which it is always noon of the same day."""

    def wall(self) -> dt.datetime:
        """Return noon."""
        return dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)


class Vendor:
    """Answers every day, and notes which were requested."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def send(self, request: Request) -> Response:
        """Answer."""
        query = request.url.query
        self.asked.append((query["linkId"], query["ymd"]))
        return good(dt.date.fromisoformat(query["ymd"]))

    async def close(self) -> None:
        """Do nothing."""


async def test_a_sync_is_continued_as_in_a_file(database: DatabaseLocation) -> None:
    """A new link begins some days ago, also if the first sync ends early; a complete one leaves no gap."""
    vendor, (store, _) = Vendor(), await database.account()
    limits = Limits(concurrency=1)
    async with Client(KEY, transport=vendor, limits=limits, store=store, clock=Noon()) as client:
        early = await client.sync(LINKS, new=4, order="newest-day", max_requests=3)
        late = await client.sync(LINKS, new=4, order="newest-day")
        assert (early.done, early.remaining, late.done, late.complete) == (3, 5, 5, True)
        assert len(vendor.asked) == len(set(vendor.asked)) == 8
        again = await client.sync(LINKS)
        assert (again.total, again.requests) == (0, 0)
