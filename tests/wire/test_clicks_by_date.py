"""Sums of days: a row for each day, read as strictly as the rows of hours."""

from __future__ import annotations

import datetime as dt

import pytest

from hourlyclicks.errors import ApiError, DecodeError
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.http import Response
from hourlyclicks.model.questions import Question
from hourlyclicks.model.targets import Group
from hourlyclicks.simulator import PLANS
from hourlyclicks.simulator.traffic import day_figures
from hourlyclicks.simulator.upstream import Upstream
from hourlyclicks.wire.endpoints import ENDPOINTS
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.request import Origin

NAME = "clicks-by-date/v2"
ASKED = Question(dt.date(2025, 4, 20), dt.date(2025, 4, 24), Group(7), NAME)
ORIGIN = Origin.of("https://api.example", ApiKey("key-of-acme-0001"), "acme/1.0")
FETCHED = dt.datetime(2025, 5, 1, tzinfo=dt.UTC)


def decode(body: bytes) -> tuple[DailyClicks, ...]:
    """Decode the body of an answer; days up to the 22nd are final."""
    days: tuple[DailyClicks, ...] = ENDPOINTS[NAME].decode(
        ASKED, Response(200, {}, body), fetched_at=FETCHED, is_final=lambda day, _: day.day <= 22
    )
    return days


def test_a_request_names_both_ends() -> None:
    """The path is that of the sums, the query that of a range."""
    request = ENDPOINTS[NAME].build(ASKED, ORIGIN)
    assert (
        request.target == "/api/statistics/v2/clicks-by-date?grpIdx=7&startYmd=2025-04-20&endYmd=2025-04-24"
    )


def test_days_with_rows_are_returned() -> None:
    """In their order, each with its own users and finality; equal rows and unknown members do not matter."""
    body = (
        b'{"code":0,"message":"","result":['
        b'{"ymd":"2025-04-23","acesCnt":"9","pernCnt":0,"hour":5},'
        b'{"ymd":"2025-04-20","acesCnt":24,"pernCnt":17},{"ymd":"2025-04-20","acesCnt":24,"pernCnt":17}]}'
    )
    days = decode(body)
    assert days == (
        DailyClicks(dt.date(2025, 4, 20), 24, 17, FETCHED, final=True),
        DailyClicks(dt.date(2025, 4, 23), 9, 0, FETCHED, final=False),
    )
    assert [day.day for day in ASKED.missing(day.date for day in days)] == [21, 22, 24]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (
            b'{"ymd":"2025-04-20","acesCnt":24,"pernCnt":17},{"ymd":"2025-04-20","acesCnt":25,"pernCnt":17}',
            "2025-04-20 occurs before with other figures @ result[1]",
        ),
        (
            b'{"ymd":"2025-04-25","acesCnt":24,"pernCnt":17}',
            "expected 2025-04-20..2025-04-24, got 2025-04-25 @ result[0].ymd",
        ),
        (b'{"ymd":"2025-04-20","acesCnt":-1,"pernCnt":17}', "expected int from 0"),
        (b'{"ymd":"2025-04-20","pernCnt":17}', "missing @ result[0].acesCnt"),
    ],
)
def test_one_wrong_row_makes_all_days_doubtful(rows: bytes, problem: str) -> None:
    """A second sum for a day, rows of hours in their place, a foreign day and an invalid row are errors."""
    with pytest.raises(DecodeError) as caught:
        decode(b'{"code":0,"result":[%b]}' % rows)
    assert caught.value.problems[0].startswith(problem)
    assert caught.value.target == Group(7)


def test_a_rejection_is_an_error() -> None:
    """A code other than 0 is that of the API, for all of the range."""
    with pytest.raises(ApiError) as caught:
        decode(b'{"code":1005,"message":"too long","result":[]}')
    assert (caught.value.code, caught.value.day) == (1005, None)


def test_the_simulator_is_understood() -> None:
    """The sums of its days are read as they are."""
    upstream = Upstream(keys={"key-of-acme-0001": PLANS["enterprise"]})
    url = ENDPOINTS[NAME].build(ASKED, ORIGIN).url
    headers = {"authorization": "APIKey key-of-acme-0001", "user-agent": "acme/1.0"}
    answer = upstream.answer("GET", url.raw_path, url.raw_query_string, headers, FETCHED)
    traffic = upstream.traffic
    expected = [(day, *day_figures(traffic.day(Group(7), day))) for day in ASKED.days]
    assert [(day.date, day.clicks, day.unique_users) for day in decode(answer.body)] == expected
