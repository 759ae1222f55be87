from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link
from hourlyclicks.simulator import PLANS, Traffic
from hourlyclicks.simulator.endpoints import CLICKS_BY_HOUR
from hourlyclicks.simulator.questions import read_question
from hourlyclicks.simulator.rules import Code, identifiable, plan_rules
from hourlyclicks.simulator.upstream import Upstream
from tests.cases import every_case

if TYPE_CHECKING:
    from hourlyclicks.simulator import Answer

NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
DAY = "ymd=2025-04-03"
LINK = "linkId=kYdr&domain=https%3A%2F%2Fvvd.bz"
UPSTREAM = Upstream(keys={f"key-of-{name}": rules for name, rules in PLANS.items()})


def _get(
    query: str,
    *,
    plan: str = "premium",
    agent: str | None = "acme/1.0",
    authorization: str | None = None,
    method: str = "GET",
    path: str = CLICKS_BY_HOUR.path,
    now: dt.datetime = NOW,
    upstream: Upstream = UPSTREAM,
) -> Answer:
    headers = {"authorization": f"APIKey key-of-{plan}" if authorization is None else authorization}
    if agent is not None:
        headers["user-agent"] = agent
    return upstream.answer(method, path, query, headers, now)


def _envelope(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200
    assert dict(answer.headers)["Content-Type"].startswith("application/json")
    content: dict[str, Any] = json.loads(answer.body)
    return content


def _code(answer: Answer) -> int:
    content = _envelope(answer)
    assert content["result"] == []
    assert content["message"]
    return int(content["code"])


def test_an_answer_is_shaped_as_documented() -> None:
    """The envelope has a code, a message and rows of exactly the four documented keys."""
    content = _envelope(_get(f"{DAY}&{LINK}", plan="personal"))
    assert set(content) == {"code", "message", "result"}
    assert content["code"] == 0
    assert len(content["result"]) > 12
    for row in content["result"]:
        assert list(row) == ["ymd", "hour", "acesCnt", "pernCnt"]
        assert row["ymd"] == "2025-04-03"
        assert all(type(row[key]) is int for key in ("hour", "acesCnt", "pernCnt"))


def test_an_answer_holds_the_traffic() -> None:
    """Reported hours have a row, and the others none."""
    rows = _envelope(_get(f"{DAY}&grpIdx=3"))["result"]
    cells = Traffic().day(Group(3), dt.date(2025, 4, 3))
    expected = [(hour, *cell) for hour, cell in enumerate(cells) if cell[0] is not None]
    assert [(row["hour"], row["acesCnt"], row["pernCnt"]) for row in rows] == expected


@every_case(
    ("answer", "status"),
    [
        (_get(DAY, path="/api/statistics/v2/clicks"), 404),
        (_get(DAY, path=CLICKS_BY_HOUR.path + "/"), 404),
        (_get(DAY, method="POST"), 405),
        (_get(DAY, agent=None), 403),
        (_get(DAY, agent="Python/3.11 aiohttp/3.14.5"), 403),
        (_get(DAY, authorization=""), 401),
        (_get(DAY, authorization="APIKey "), 401),
        (_get(DAY, authorization="APIKey another"), 401),
        (_get(DAY, authorization="Bearer key-of-premium"), 401),
        (_get(DAY, plan="free"), 403),
        (_get(f"{DAY}&{LINK}", plan="free"), 403),
    ],
)
def test_http_refuses_before_the_api_does(answer: Answer, status: int) -> None:
    """Path, method, User-Agent, key and a plan without access are errors of HTTP."""
    assert answer.status == status
    assert answer.body.startswith(b"<html>")


def test_a_405_names_what_is_allowed() -> None:
    """The error has the header ``Allow``."""
    assert dict(_get(DAY, method="DELETE").headers)["Allow"] == "GET"


@every_case(
    ("query", "plan", "code"),
    [
        ("", "premium", Code.DAY_MISSING),
        ("ymd=", "premium", Code.DAY_MISSING),
        ("ymd=20250403", "premium", Code.DAY_INVALID),
        ("ymd=2025-02-30", "premium", Code.DAY_INVALID),
        ("ymd=2025-4-3", "premium", Code.DAY_INVALID),
        ("ymd=٢٠٢٥-٠٤-٠٣", "premium", Code.DAY_INVALID),
        ("ymd=2025-06-02", "premium", Code.DAY_IN_FUTURE),
        (DAY, "personal", Code.LINK_REQUIRED),
        (f"{DAY}&grpIdx=1", "personal", Code.GROUP_NOT_INCLUDED),
        (f"{DAY}&linkId=kYdr", "personal", Code.LINK_INCOMPLETE),
        (f"{DAY}&domain=https%3A%2F%2Fvvd.bz", "premium", Code.LINK_INCOMPLETE),
        (f"{DAY}&linkId=kYdr&domain=vvd.bz", "premium", Code.LINK_INVALID),
        (f"{DAY}&grpIdx=one", "premium", Code.GROUP_INVALID),
        (f"{DAY}&grpIdx=-1", "premium", Code.GROUP_INVALID),
        (f"{DAY}&grpIdx=1&{LINK}", "enterprise", Code.LINK_AND_GROUP),
        (f"{DAY}&linkId=%FF&domain=https://vvd.bz", "premium", Code.QUERY_INVALID),
    ],
)
def test_the_envelope_refuses_what_only_the_api_understands(query: str, plan: str, code: Code) -> None:
    """An invalid question is answered with HTTP 200 and a code."""
    assert _code(_get(query, plan=plan)) == code


def test_the_plan_is_looked_at_before_the_day() -> None:
    """Of two things wrong, the plan is named first."""
    assert _code(_get("ymd=never", plan="personal")) == Code.LINK_REQUIRED


def test_a_request_without_a_key_is_not_answered() -> None:
    """The reply checks the key itself, and does not rely on the check before it."""
    assert UPSTREAM.reply(read_question(DAY), {}, NOW).status == 401


def test_a_future_day_may_be_an_empty_one() -> None:
    """The undocumented behaviour can be simulated in both ways."""
    upstream = Upstream(keys=UPSTREAM.keys, future="empty")
    assert _envelope(_get("ymd=2030-01-01", upstream=upstream))["result"] == []


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_whatever_is_percent_encoded_arrives(link_id: str) -> None:
    """A link id of any characters arrives unchanged."""
    question = read_question(f"{DAY}&linkId={quote(link_id, safe='')}&domain=https%3A%2F%2Fvvd.bz")
    assert question.target == Link(link_id, "https://vvd.bz")
    assert question.day == dt.date(2025, 4, 3)


def test_a_literal_plus_is_a_space() -> None:
    """As in forms, so a client that does not encode ``+`` gets another link."""
    question = read_question("linkId=a+b%2Bc&domain=https://vvd.bz&ymd=2025-04-03")
    assert question.target == Link("a b+c", "https://vvd.bz")


def test_of_a_field_given_twice_the_first_counts() -> None:
    """Doubled, empty and unknown fields do not matter."""
    question = read_question("ymd=2025-04-03&ymd=2025-04-04&grpIdx=&x=1&&")
    assert question == read_question("ymd=2025-04-03")
    assert question.target == Account()


def test_a_running_day_has_only_the_hours_that_have_ended() -> None:
    """Today's hours come one by one; yesterday is whole and tomorrow empty."""
    zone = ZoneInfo("Asia/Seoul")
    upstream = Upstream(keys=UPSTREAM.keys, zone=zone)
    target, now = Account(), dt.datetime(2025, 6, 1, 18, 59, tzinfo=dt.UTC)  # 03:59 of 2 June in Seoul
    whole = upstream.traffic.day(target, dt.date(2025, 6, 2))
    assert upstream.cells(target, dt.date(2025, 6, 2), now) == whole[:3] + ((None, None),) * 21
    assert upstream.cells(target, dt.date(2025, 6, 3), now) == ((None, None),) * 24
    assert upstream.cells(target, dt.date(2025, 6, 1), now) == upstream.traffic.day(
        target, dt.date(2025, 6, 1)
    )


@pytest.mark.parametrize("agent", [
    None, "", " ", "python-requests/2.32", "curl/8.5.0", "Python/3.12 aiohttp/3.14.3", "aiohttp/3.9",
    "Go-http-client/1.1", "Wget/1.21", "node", "somebody",
])  # fmt: skip
def test_a_library_identifies_no_application(agent: str | None) -> None:
    """A missing User-Agent, a library's default and a bare word identify no application."""
    assert not identifiable(agent)


@pytest.mark.parametrize("agent", ["acme/1.0", "Acme Reports/2.1 hourlyclicks/0.1.0", "acme/1 curl/8"])
def test_a_product_identifies_an_application(agent: str) -> None:
    """A product token in front identifies its owner."""
    assert identifiable(agent)


def test_plans_are_found_however_they_are_written() -> None:
    """Case, blanks and hyphens do not matter; an unknown plan is an error."""
    assert plan_rules("Business Plus") == plan_rules("business-plus") == PLANS["business_plus"]
    with pytest.raises(UsageError, match="premium"):
        plan_rules("platinum")
