"""What the timings share: a year of answers as the API writes them, and a transport that has them at hand."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from hourlyclicks import DateRange, Link
from hourlyclicks.model.http import Response

if TYPE_CHECKING:
    from yarl import URL

    from hourlyclicks.model.http import Request

LINK = Link("kYdr", "https://vvd.bz")
YEAR = DateRange.of("2024-01-01", "2024-12-30")
KEY = "x" * 16
CLICKS_A_DAY = sum(range(24))


def body(day: str) -> bytes:
    """Return the answer for a day as the API writes it."""
    rows = [{"ymd": day, "hour": hour, "acesCnt": hour, "pernCnt": hour // 2} for hour in range(24)]
    return json.dumps({"code": 0, "message": "success", "result": rows}).encode()


BODIES = {day.isoformat(): body(day.isoformat()) for day in YEAR}


async def get(url: URL) -> bytes:
    """Return the answer in the next turn of the loop, so that only work of this process is timed."""
    await asyncio.sleep(0)
    return BODIES[url.query["ymd"]]


class Echo:
    """A transport that answers at once."""

    async def send(self, request: Request) -> Response:
        """Answer."""
        return Response(200, {}, await get(request.url))

    async def close(self) -> None:
        """Do nothing."""
