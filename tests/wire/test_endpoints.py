"""A new endpoint that answers for several days fits in without any change."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import DecodeError, HourlyClicksError, UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.http import Response
from hourlyclicks.model.questions import Question
from hourlyclicks.model.targets import Account, Link, Query
from hourlyclicks.store.ledger import FIGURES
from hourlyclicks.wire.clicks_by_range import CLICKS_BY_RANGE
from hourlyclicks.wire.endpoints import CLICKS_BY_HOUR, ENDPOINTS
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.request import Origin, build_request
from hourlyclicks.wire.status import RateLimited, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.model.http import Request
    from hourlyclicks.model.targets import Target
    from hourlyclicks.wire.endpoints import Endpoint

LINK = Link("kYdr", "https://vvd.bz")
ORIGIN = Origin.of("https://api.example", ApiKey("x" * 16))
NOW = dt.datetime(2025, 5, 1, tzinfo=dt.UTC)
TEN = DateRange.of("2025-04-20", "2025-04-29")


class Weeks:
    """Up to seven days a request: a figure a day, all of it in hour 0, and none for days without clicks."""

    name = "toy/v0"

    def split(self, days: DateRange, target: Target) -> Iterator[Question]:
        """Return a question for each seven days, from the first day on."""
        for place in range(0, len(days), 7):
            last = min(place + 6, len(days) - 1)
            yield Question(days[place], days[last], target, self.name)

    def build(self, question: Question, origin: Origin) -> Request:
        """Send both ends."""
        return build_request(origin, "/toy", question.target, f"from={question.first}&to={question.last}")

    def judge(
        self, response: Response, now: dt.datetime, *, key: ApiKey | None = None
    ) -> RateLimited | HourlyClicksError | None:
        """Judge like every endpoint of the API."""
        return judge(response, now, key=key)

    def decode(
        self,
        question: Question,
        response: Response,
        *,
        fetched_at: dt.datetime,
        is_final: Callable[[dt.date, dt.datetime], bool],
        key: ApiKey | None = None,
    ) -> tuple[DayClicks, ...]:
        """Make a day of each figure."""
        assert key is None or "***" in repr(key)
        sums = {dt.date.fromisoformat(day): count for day, count in json.loads(response.body).items()}
        if not all(day in question.days for day in sums):
            raise DecodeError(("a day that was not asked for",), retryable=True)
        none = (None,) * 23
        return tuple(
            DayClicks(day, (count, *none), (count, *none), fetched_at, is_final(day, fetched_at))
            for day, count in sorted(sums.items())
        )


WEEKS: Endpoint[DayClicks] = Weeks()


def server(request: Request) -> Response:
    """Answer for the days between both ends; odd days had clicks."""
    days = DateRange.of(request.url.query["from"], request.url.query["to"])
    return Response(200, {}, json.dumps({str(day): day.day for day in days if day.day % 2}).encode())


def test_many_days_in_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint of ranges is split, built, judged and decoded by its name; missing days are known."""
    monkeypatch.setitem(ENDPOINTS, WEEKS.name, WEEKS)
    got: list[DayClicks] = []
    missing: list[dt.date] = []
    questions = list(ENDPOINTS["toy/v0"].split(TEN, LINK))
    for question in questions:
        endpoint = ENDPOINTS[question.endpoint]
        response = server(endpoint.build(question, ORIGIN))
        assert endpoint.judge(response, NOW) is None
        days = endpoint.decode(question, response, fetched_at=NOW, is_final=lambda day, _: day.day < 25)
        got += days
        missing += question.missing(day.date for day in days)
    assert [(question.first.day, question.last.day) for question in questions] == [(20, 26), (27, 29)]
    assert [(day.date.day, day.clicks[0], day.final) for day in got] == [
        (day, day, day < 25) for day in (21, 23, 25, 27, 29)
    ]
    assert [day.day for day in missing] == [20, 22, 24, 26, 28]


def test_a_range_answer_of_another_range() -> None:
    """The question shows which days do not belong to it."""
    question = Question(TEN.start, TEN.start, LINK, WEEKS.name)
    response = Response(200, {}, b'{"2025-04-21": 1}')
    with pytest.raises(DecodeError):
        WEEKS.decode(question, response, fetched_at=NOW, is_final=lambda *_: True)


def test_the_endpoint_of_one_day() -> None:
    """Clicks by hour sends one request a day, each day once and in order, and none for several."""
    endpoint = ENDPOINTS[CLICKS_BY_HOUR.name]
    questions = list(endpoint.split(TEN, LINK))
    assert [question.query for question in questions] == [Query(day, LINK) for day in TEN]
    assert questions == [Question.of(Query(day, LINK), CLICKS_BY_HOUR.name) for day in TEN]
    with pytest.raises(ValueError, match="one day a request"):
        endpoint.build(Question(TEN.start, TEN.end, LINK, CLICKS_BY_HOUR.name), ORIGIN)


def test_statuses_are_judged_before_bodies_are_read() -> None:
    """A 429 is the rate limit, an error is a value, and a 200 is a body to read."""
    assert CLICKS_BY_HOUR.judge(Response(200, {}, b""), NOW) is None
    assert CLICKS_BY_HOUR.judge(Response(429, {"Retry-After": "7"}, b""), NOW) == RateLimited(429, 7.0)
    assert isinstance(CLICKS_BY_HOUR.judge(Response(500, {}, b""), NOW), HourlyClicksError)


def test_the_store_knows_the_figures_by_the_name_of_the_endpoint() -> None:
    """Without its version: both versions write the same series."""
    assert [CLICKS_BY_HOUR.name, CLICKS_BY_RANGE.name] == [f"{FIGURES}/{version}" for version in ("v2", "v3")]
    assert [endpoint.name for endpoint in ENDPOINTS.values()] == list(ENDPOINTS)


@pytest.mark.parametrize("name", ["clicks-by-hour/v3", "clicks-by-date/v2"])
def test_endpoints_of_ranges_are_found_by_their_names(name: str) -> None:
    """They are imported when they are first looked up; an unknown name is a KeyError."""
    assert ENDPOINTS[name].name == name
    assert ENDPOINTS[name] is ENDPOINTS[name]
    with pytest.raises(KeyError):
        ENDPOINTS["clicks-by-hour/v4"]


def test_questions_and_queries() -> None:
    """A question of one day leads to its query and back; one of several days has many queries and not one."""
    query = Query(TEN.start, Account())
    assert Question.of(query, "x").query == query
    several = Question(TEN.start, TEN.end, LINK, "x")
    assert several.days == TEN
    assert several.queries() == [Query(day, LINK) for day in TEN]
    assert several.missing(TEN) == []
    assert hash(several) == hash(Question(*several))
    with pytest.raises(UsageError, match="several days"):
        several.query  # noqa: B018 - the access is what is tested


LOOKED_UP_LATE = """
import sys
from hourlyclicks.wire.endpoints import ENDPOINTS
from hourlyclicks.wire.{module} import {constant} as endpoint

before = set(sys.modules)
assert ENDPOINTS[endpoint.name] is endpoint
print(*set(sys.modules) - before)
"""


@pytest.mark.parametrize("module", ["clicks_by_hour", "clicks_by_range", "clicks_by_date"])
def test_a_run_imports_no_endpoint_that_it_does_not_use(module: str) -> None:
    """It looks up its own when it first uses it, perhaps after hours, and needs no other module for that."""
    code = LOOKED_UP_LATE.format(module=module, constant=module.upper())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout.split() == []
