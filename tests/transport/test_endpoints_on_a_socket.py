"""Requests of every endpoint arrive as they were built, by the fast path and through a session."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import aiohttp
import pytest

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.questions import Question
from hourlyclicks.model.targets import Link
from hourlyclicks.simulator import Catalogue, ListedLink, Simulator
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from hourlyclicks.wire.clicks_by_date import CLICKS_BY_DATE
from hourlyclicks.wire.clicks_by_range import CLICKS_BY_RANGE
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.lists import LINKS
from hourlyclicks.wire.request import Origin

if TYPE_CHECKING:
    from hourlyclicks.model.http import Request, Response

LINK = Link("a+b c/한", "https://vvd.bz")
CREATED = dt.datetime(2025, 2, 28, 23, 30, tzinfo=dt.UTC)
DAYS = DateRange.of("2025-02-27", "2025-03-05")
NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)


async def exchange(request: Request, *, own_session: bool) -> Response:
    """Send a request, by the fast path or through a session of the user's."""
    if not own_session:
        transport = AiohttpTransport(timeout=Timeout())
        try:
            return await transport.send(request)
        finally:
            await transport.close()
    async with aiohttp.ClientSession() as session:
        return await AiohttpTransport(session, timeout=Timeout()).send(request)


@pytest.mark.parametrize("own_session", [False, True])
async def test_every_endpoint_is_reached(*, own_session: bool) -> None:
    """A link with any characters, both ends of a range, and a period of creation are understood."""
    catalogue = Catalogue([ListedLink(LINK, CREATED)])
    async with Simulator(plan="business", catalogue=catalogue, today=NOW) as upstream:
        origin = Origin.of(upstream.url, ApiKey(upstream.key), "acme/1.0")
        asked = Question(DAYS.start, DAYS.end, LINK, CLICKS_BY_RANGE.name)
        hours = await exchange(CLICKS_BY_RANGE.build(asked, origin), own_session=own_session)
        sums = await exchange(CLICKS_BY_DATE.build(asked, origin), own_session=own_session)
        listed = await exchange(LINKS.build(1, origin, created=DAYS), own_session=own_session)
        truth = upstream.cells(LINK, DAYS.start, DAYS.end)
    known = {day: cells for day, cells in truth.items() if cells != ((None, None),) * 24}
    days = CLICKS_BY_RANGE.decode(asked, hours, fetched_at=NOW, is_final=lambda *_: True)
    assert {day.date: tuple(zip(day.clicks, day.unique_users, strict=True)) for day in days} == known
    daily = CLICKS_BY_DATE.decode(asked, sums, fetched_at=NOW, is_final=lambda *_: True)
    assert {day.date: day.clicks for day in daily} == {day.date: day.total_clicks for day in days}
    page = LINKS.decode(1, listed)
    assert [(link.target, link.created) for link in page.entries] == [(LINK, CREATED.replace(tzinfo=None))]
    assert min(known) == CREATED.date()
