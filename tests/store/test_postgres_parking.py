"""Rejected days and parked targets in a PostgreSQL store."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

from hourlyclicks import Client, Limits, Link
from hourlyclicks.model.http import Response
from hourlyclicks.store.ledger import DayState
from tests.fetching.asking import DAY, KEY
from tests.fetching.stage import END, good
from tests.jobs.backfilling import MONTH

if TYPE_CHECKING:
    from hourlyclicks.model.http import Request
    from tests.store.locations import DatabaseLocation

GOOD, TYPO = Link("kYdr", "https://vvd.bz"), Link("typo", "https://vvd.bz")
BAD = MONTH[12]


class Vendor:
    """Knows one link, and rejects a day of it."""

    def __init__(self) -> None:
        self.requests = 0

    async def send(self, request: Request) -> Response:
        """Answer."""
        self.requests += 1
        day = dt.date.fromisoformat(request.url.query["ymd"])
        if request.url.query["linkId"] == GOOD.id and day != BAD:
            return good(day)
        return Response(200, {}, json.dumps({"code": 7, "message": "no such link or day"}).encode())

    async def close(self) -> None:
        """Do nothing."""


async def test_rejections_are_kept_and_believed_as_in_a_file(database: DatabaseLocation) -> None:
    """A wrong link is parked and has failed; a day rejected between answers and once more is refused."""
    vendor, (store, _) = Vendor(), await database.account()
    async with Client(KEY, transport=vendor, limits=Limits(concurrency=2), store=store) as client:
        report = await client.backfill(DAY, END, [TYPO, GOOD])
        assert (report.done, report.refused, report.failed, list(report.parked)) == (29, 1, 30, [TYPO])
        assert vendor.requests <= 30 + 1 + 6 + 2 + 1
        again = await client.backfill(DAY, END, [GOOD])
        assert (again.complete, again.requests) == (True, 0)
    (account,) = [number for name, number in (await store.accounts()).items() if name != "me"]
    states = await store.count_by_state(account, TYPO, MONTH)
    assert states[DayState.FAILED] >= 5
    assert states[DayState.REFUSED] == 0
