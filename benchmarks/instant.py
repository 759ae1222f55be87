"""Days without a network: an upstream in the same process that answers at once, and clients of it.

What is left is the work of the client. The days begin in 1926, so that a hundred years of them are over.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import TYPE_CHECKING

from benchmarks.peers.slices import DOMAIN, HOURS, KEY, LINK
from hourlyclicks import Client, DateRange, Limits, Link
from hourlyclicks.model.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.model.http import Request

FIRST = dt.date(1926, 1, 1)
CENTURY = 36_525
"""The days of a hundred years, and the most that are asked for."""
CONCURRENCY = 4
_NO_DAY = "0000-00-00"
_CLICKS, _USERS = 1000, 500
"""Python shares small integers, and would count them once however often they are held; these are larger."""

CLICKS_A_DAY = sum(_CLICKS + hour for hour in range(HOURS))


def _answer() -> bytes:
    rows = [
        {"ymd": _NO_DAY, "hour": hour, "acesCnt": _CLICKS + hour, "pernCnt": _USERS + hour}
        for hour in range(HOURS)
    ]
    return json.dumps({"code": 0, "message": "success", "result": rows}, separators=(",", ":")).encode()


class Instant:
    """An upstream that answers at once, and a transport that leads to it.

    Args:
        look: called on some of the requests, while the client waits.
        every: on each of so many, beginning with the first.

    Attributes:
        asked: how many requests came.
    """

    def __init__(self, look: Callable[[], None] | None = None, *, every: int = 1) -> None:
        self.asked = 0
        self._look = look
        self._every = every
        self._answer = _answer()

    async def get(self, ymd: str) -> bytes:
        """Answer for a day; others may go on meanwhile, as they may while a socket is waited for."""
        if self._look is not None and self.asked % self._every == 0:
            self._look()
        self.asked += 1
        await asyncio.sleep(0)
        return self._answer.replace(_NO_DAY.encode(), ymd.encode())

    async def send(self, request: Request) -> Response:
        """Answer a client, as a `Transport`."""
        return Response(200, {}, await self.get(request.url.query["ymd"]))

    async def close(self) -> None:
        """Do nothing."""


def days(number: int) -> DateRange:
    """Return so many days."""
    return DateRange(FIRST, FIRST + dt.timedelta(days=number - 1))


def link(place: int = 0) -> Link:
    """Return one of any number of targets."""
    return Link(f"{LINK}{place}", DOMAIN)


def client(upstream: Instant, concurrency: int = CONCURRENCY) -> Client:
    """Return a client that asks an upstream as fast as it can."""
    limits = Limits(concurrency=concurrency)
    return Client(KEY, limits=limits, transport=upstream, base_url="http://localhost")


YEAR = days(365)
