"""A gateway that answers in place of the API for some seconds costs few requests, and no day."""

from __future__ import annotations

import datetime as dt
import json
import random
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import AuthenticationError
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Link
from hourlyclicks.pacing.plans import Limits, Rate
from tests.fetching.asking import DAY
from tests.fetching.stage import good, status
from tests.jobs.backfilling import FakeApi
from tests.stores import store_at

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from hourlyclicks.model.http import Response
    from tests.fetching.stage import Stage

OUTAGE = 5.0


def envelope(code: int, message: str = "maintenance") -> Response:
    """Return an envelope without figures."""
    return status(200, json.dumps({"code": code, "message": message}).encode())


KINDS = {
    "404": status(404, b"404 page not found\n"),
    "302": status(302, Location="/maintenance.html"),
    "400": status(400, b"<html><h1>400 Bad Request</h1></html>"),
    "403": status(403),
    "405": status(405),
    "407": status(407),
    "425": status(425),
    "502": status(502, b"<html>Bad Gateway</html>"),
    "202": status(202, b'{"code": 0, "result": []}'),
    "html": status(200, b"<html>be right back</html>"),
    "code 9": envelope(9),
    "code 500": envelope(500),
    "code 429": envelope(429, "too many requests"),
    "code 401": envelope(401, "invalid API key"),
}
FAST, SLOW = Limits(concurrency=3), Limits(rates=(Rate(9),), concurrency=1)


@pytest.mark.parametrize("kind", KINDS)
def test_after_one_more_run_nothing_is_missing(kind: str, tmp_path: Path) -> None:
    """All days of all targets are there, with few extra requests, and every report is right."""
    dice = random.Random(kind)
    limits = dice.choice([FAST, SLOW])
    days, targets = (12, 1) if dice.random() < 0.5 else (2, 6)
    links = tuple(Link(f"link{number}", "https://vvd.bz") for number in range(targets))
    began = dice.uniform(-2.0, 4.0)
    stages: list[Stage] = []

    async def see(stage: Stage, _stop: asyncio.Event) -> None:
        stages.append(stage)

    def answers(day: dt.date, _number: int) -> Response:
        return KINDS[kind] if began <= stages[-1].now < began + OUTAGE else good(day)

    api = FakeApi(store_at(tmp_path / "clicks.db"))
    range_ = DateRange(DAY, DAY + dt.timedelta(days - 1))
    options = {"limits": limits, "retry": RetryPolicy(attempts=dice.choice([1, 4]))}
    requests = 0
    try:
        api.run(answers, days=range_, targets=links, meanwhile=see, options=options)
    except AuthenticationError:  # the first answer was a 403
        api.start += dt.timedelta(minutes=2)
    else:
        requests += api.report.requests
        assert api.report.refused == 0
    api.run(days=range_, targets=links, options=options)
    assert (api.report.complete, api.report.refused) == (True, 0)
    assert api.report.done + api.report.reused == days * targets
    assert requests + api.report.requests <= days * targets * 1.05 + 20
