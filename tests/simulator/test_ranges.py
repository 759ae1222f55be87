"""Ranges of days on a socket, with a switch for each thing that the documentation leaves open."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Link
from hourlyclicks.simulator import (
    Catalogue,
    ListedLink,
    LostDays,
    RangeRules,
    Rule,
    Script,
    Simulator,
    Status,
)
from tests.cases import every_case
from tests.simulator.raw_client import LINK as QUERY
from tests.simulator.raw_client import ask

if TYPE_CHECKING:
    from tests.simulator.raw_client import Exchange

V3 = "/api/statistics/v3/clicks-by-hour"
BY_DATE = "/api/statistics/v2/clicks-by-date"
LINK = Link("kYdr", "https://vvd.bz")
TODAY = dt.datetime(2025, 6, 1, 2, tzinfo=dt.UTC)
YOUNG = Catalogue([ListedLink(LINK, dt.datetime(2025, 4, 2, 22, 30, tzinfo=dt.UTC))])
MOMENT = dt.datetime(2025, 4, 3, 2, 5, tzinfo=dt.UTC)


async def ask_range(upstream: Simulator, first: str, last: str, *, path: str = V3) -> Exchange:
    """Ask for a range of days of one link."""
    return await ask(upstream, f"startYmd={first}&endYmd={last}&{QUERY}", path=path)


async def covered(upstream: Simulator, first: str, last: str, *, path: str = V3) -> tuple[str, str] | int:
    """Return the first and the last day with rows, or the code of a rejection."""
    content = json.loads((await ask_range(upstream, first, last, path=path)).body)
    days = [row["ymd"] for row in content["result"]]
    return (days[0], days[-1]) if days else int(content["code"])


def cells_of(rows: list[dict[str, Any]], day: dt.date) -> tuple[tuple[int | None, int | None], ...]:
    """Return the 24 hours of a day from the rows of an answer."""
    found = {row["hour"]: (row["acesCnt"], row["pernCnt"]) for row in rows if row["ymd"] == day.isoformat()}
    return tuple(found.get(hour, (None, None)) for hour in range(24))


async def test_a_range_has_the_rows_of_its_days() -> None:
    """Version 3 has the rows of version 2, day after day; a link has none before it was created."""
    async with Simulator(seed=7, catalogue=YOUNG, today=MOMENT) as upstream:
        got = await ask_range(upstream, "2025-04-01", "2025-04-03")
    assert got.body == (
        b'{"code":0,"message":"success","result":['
        b'{"ymd":"2025-04-02","hour":22,"acesCnt":342,"pernCnt":250},'
        b'{"ymd":"2025-04-02","hour":23,"acesCnt":299,"pernCnt":217},'
        b'{"ymd":"2025-04-03","hour":0,"acesCnt":187,"pernCnt":161},'
        b'{"ymd":"2025-04-03","hour":1,"acesCnt":91,"pernCnt":85}]}'
    )
    assert "Content-Type: application/json" in got.head


async def test_a_day_has_users_of_its_own() -> None:
    """Clicks by date has a row for each day with clicks; its users are fewer than those of all hours."""
    async with Simulator(seed=7, catalogue=YOUNG, today=MOMENT) as upstream:
        got = await ask_range(upstream, "2025-04-01", "2025-04-03", path=BY_DATE)
    assert got.body == (
        b'{"code":0,"message":"success","result":['
        b'{"ymd":"2025-04-02","acesCnt":641,"pernCnt":350},'
        b'{"ymd":"2025-04-03","acesCnt":278,"pernCnt":184}]}'
    )


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (f"startYmd=2025-04-01&{QUERY}", b'{"code":1001,"message":"endYmd is required","result":[]}'),
        (
            f"startYmd=2025-04-1&endYmd=2025-04-01&{QUERY}",
            b'{"code":1002,"message":"startYmd must be a date such as 2025-04-20","result":[]}',
        ),
        (
            f"startYmd=2025-04-02&endYmd=2025-04-01&{QUERY}",
            b'{"code":1004,"message":"endYmd lies before startYmd","result":[]}',
        ),
        (
            f"startYmd=2025-06-01&endYmd=2025-06-02&{QUERY}",
            b'{"code":1003,"message":"endYmd lies in the future","result":[]}',
        ),
        (
            f"startYmd=2025-04-01&endYmd=2025-04-08&{QUERY}",
            b'{"code":1005,"message":"the range of days is too long","result":[]}',
        ),
        (
            "startYmd=2025-04-01&endYmd=2025-04-02",
            b'{"code":2001,"message":"linkId and domain are required on the Personal plan","result":[]}',
        ),
    ],
)
async def test_a_range_that_cannot_be_answered_is_rejected(query: str, answer: bytes) -> None:
    """A range without an end, in a wrong spelling or order, in the future or too long has a code."""
    async with Simulator(plan="personal", today=TODAY) as upstream:
        for path in (V3, BY_DATE):
            assert (await ask(upstream, query, path=path)).body == answer


@pytest.mark.parametrize(
    ("plan", "last", "beyond"),
    [
        ("personal", "2025-01-07", "2025-01-08"),
        ("premium", "2025-01-14", "2025-01-15"),
        ("business", "2025-01-31", "2025-02-01"),
    ],
)
async def test_each_plan_has_its_cap(plan: str, last: str, beyond: str) -> None:
    """A week, two weeks, or a month from the first day on."""
    async with Simulator(plan=plan, limits=(), today=TODAY) as upstream:
        assert await covered(upstream, "2025-01-01", last) == ("2025-01-01", last)
        assert await covered(upstream, "2025-01-01", beyond) == 1005


@pytest.mark.parametrize(
    ("rules", "first", "last"),
    [
        (RangeRules(cap=7, too_long="cut_end"), "2025-03-01", "2025-03-07"),
        (RangeRules(cap=7, too_long="cut_start"), "2025-03-25", "2025-03-31"),
        (RangeRules(cap=7, too_long="whole"), "2025-03-01", "2025-03-31"),
        (RangeRules(month="30", too_long="cut_end"), "2025-03-01", "2025-03-30"),
        (RangeRules(month="31"), "2025-03-01", "2025-03-31"),
        (RangeRules(excludes="end"), "2025-03-01", "2025-03-30"),
        (RangeRules(excludes="start"), "2025-03-02", "2025-03-31"),
        (RangeRules(excludes="both"), "2025-03-02", "2025-03-30"),
        (RangeRules(cap=7, too_long="cut_end", excludes="end"), "2025-03-01", "2025-03-06"),
    ],
    ids=str,
)
async def test_a_server_may_shorten_ranges(rules: RangeRules, first: str, last: str) -> None:
    """It cuts them at either end, leaves out their ends, or has another month; both endpoints do."""
    async with Simulator(plan="business", limits=(), today=TODAY, ranges=rules) as upstream:
        for path in (V3, BY_DATE):
            assert await covered(upstream, "2025-03-01", "2025-03-31", path=path) == (first, last)


async def test_nothing_may_be_left_of_a_range() -> None:
    """A single day of a server that leaves out an end has no rows, and no error."""
    async with Simulator(ranges=RangeRules(excludes="end")) as upstream:
        got = await ask_range(upstream, "2025-03-01", "2025-03-01")
    assert got.body == b'{"code":0,"message":"success","result":[]}'


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refusal_may_have_a_status(status: int) -> None:
    """The refusal of a long range is the envelope, with whatever status."""
    async with Simulator(ranges=RangeRules(refusal=status)) as upstream:
        got = await ask_range(upstream, "2025-03-01", "2025-03-31")
        other = await ask_range(upstream, "2025-03-31", "2025-03-01")
    assert (got.status, json.loads(got.body)["code"]) == (status, 1005)
    assert (other.status, json.loads(other.body)["code"]) == (200, 1004)


@pytest.mark.parametrize("hours", [1, -1, 9, 24])
async def test_version_3_may_be_shifted(hours: int) -> None:
    """Each figure is so many hours later than in version 2, over midnight too; the sums of days are not."""
    async with Simulator(ranges=RangeRules(shift=hours), limits=(), today=TODAY) as upstream:
        got = json.loads((await ask_range(upstream, "2025-03-02", "2025-03-08")).body)["result"]
        sums = json.loads((await ask_range(upstream, "2025-03-02", "2025-03-02", path=BY_DATE)).body)[
            "result"
        ]
        truth = upstream.cells(LINK, "2025-02-28", "2025-03-10")
    flat = [cell for cells in truth.values() for cell in cells]
    for place, day in enumerate(DateRange.of("2025-03-02", "2025-03-08"), start=2):
        assert cells_of(got, day) == tuple(flat[24 * place - hours : 24 * place + 24 - hours])
    assert sums[0]["acesCnt"] == sum(clicks or 0 for clicks, _ in truth[dt.date(2025, 3, 2)])


async def test_days_without_clicks_may_have_zeros() -> None:
    """A silent day has 24 rows of zeros in a range, except today; version 2 has none."""
    rules = RangeRules(silent_days="zeros")
    async with Simulator(active_days=0, ranges=rules, today=TODAY) as upstream:
        got = json.loads((await ask_range(upstream, "2025-05-31", "2025-06-01")).body)["result"]
        sums = await ask_range(upstream, "2025-05-31", "2025-06-01", path=BY_DATE)
        day = json.loads((await ask(upstream, f"ymd=2025-05-31&{QUERY}")).body)
    assert cells_of(got, dt.date(2025, 5, 31)) == ((0, 0),) * 24
    assert len(got) == 24
    assert b'"result":[{"ymd":"2025-05-31","acesCnt":0,"pernCnt":0}]' in sums.body
    assert day["result"] == []


@pytest.mark.parametrize("status", [404, 410, 501])
async def test_version_3_may_be_missing(status: int) -> None:
    """Its path is then unknown, from one moment to the next; version 2 is not concerned."""
    async with Simulator(limits=()) as upstream:
        before = await ask_range(upstream, "2025-03-01", "2025-03-02")
        upstream.ranges = RangeRules(missing=status)
        after = await ask_range(upstream, "2025-03-01", "2025-03-02")
        day = await ask(upstream)
        sums = await ask_range(upstream, "2025-03-01", "2025-03-02", path=BY_DATE)
        assert upstream.ranges.missing == status
    assert (before.status, after.status, day.status, sums.status) == (200, status, 200, 200)
    assert after.body.startswith(b"<html>")


async def test_faults_find_ranges() -> None:
    """A rule can name an endpoint, or a day within a range; the last days of an answer can be lost."""
    day = dt.date(2025, 3, 3)
    script = Script(
        Rule(Status(503), endpoint="clicks-by-date/v2"),
        Rule(LostDays(2), day=day, times=1),
        Rule(LostDays(0)),
    )
    async with Simulator(faults=script, limits=()) as upstream:
        assert (await ask_range(upstream, "2025-03-01", "2025-03-05", path=BY_DATE)).status == 503
        assert await covered(upstream, "2025-03-01", "2025-03-05") == ("2025-03-01", "2025-03-03")
        assert await covered(upstream, "2025-03-01", "2025-03-05") == ("2025-03-01", "2025-03-05")
        assert await covered(upstream, "2025-03-02", "2025-03-05") == ("2025-03-02", "2025-03-03")
        assert await covered(upstream, "2025-03-05", "2025-03-01") == 1004
    assert upstream.counters.faults == {"Status": 1, "LostDays": 4}


async def test_requests_are_counted_by_key_and_endpoint() -> None:
    """Hours count for each day of a range; the counts by key, endpoint and status add up to all requests."""
    keys = {"one": "premium", "two": "business"}
    async with Simulator(keys=keys, limits=[(3, 1000.0)], concurrency=0) as upstream:
        await ask_range(upstream, "2025-03-01", "2025-03-03")
        await ask_range(upstream, "2025-03-01", "2025-03-03", path=BY_DATE)
        other = {"Authorization": "APIKey two"}
        await ask(upstream, f"startYmd=2025-03-03&endYmd=2025-03-31&{QUERY}", path=V3, headers=other)
        await ask(upstream, f"ymd=2025-03-02&{QUERY}")
        await ask(upstream)  # over the limit of the first key
        await ask(upstream, path="/api", headers={"Authorization": "APIKey three"})
    counters = upstream.counters
    assert counters.asked[LINK, dt.date(2025, 3, 2)] == 2
    assert counters.asked[LINK, dt.date(2025, 3, 3)] == 2
    assert counters.count() == counters.requests == 6
    assert counters.count(key="one") == 4
    assert counters.count(endpoint="clicks-by-hour/v3") == 2
    assert counters.count(endpoint="clicks-by-hour/v3", key="two", status=200) == 1
    assert counters.count(endpoint="clicks-by-hour/v2", status=429) == 1
    assert counters.count(endpoint="", status=404) == 1
    assert "one" not in repr(counters)


@every_case(
    "options",
    [
        {"cap": 0},
        {"cap": "week"},
        {"month": "28"},
        {"too_long": "fail"},
        {"refusal": 500},
        {"excludes": "middle"},
        {"shift": 25},
        {"silent_days": "nulls"},
        {"missing": 200},
        {"missing": 999},
    ],
)
def test_impossible_rules_are_errors(options: dict[str, Any]) -> None:
    """A rule with a value that no server can have is an error when it is made."""
    with pytest.raises(UsageError, match=rf"RangeRules.{next(iter(options))} cannot be"):
        RangeRules(**options)


@pytest.mark.parametrize(
    ("first", "last"),
    [("2025-01-31", "2025-02-27"), ("2024-01-31", "2024-02-28"), ("2025-02-28", "2025-03-27")],
)
def test_a_calendar_month_ends_before_the_same_day(first: str, last: str) -> None:
    """A shorter month counts with its last day; the months at the ends of the calendar are not endless."""
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    cut = RangeRules(too_long="cut_end")
    assert cut.covered(start, end + dt.timedelta(9), "month") == DateRange(start, end)
    assert cut.covered(dt.date(9999, 12, 9), dt.date.max, "month") == DateRange.of("9999-12-09", "9999-12-31")
    back = RangeRules(too_long="cut_start")
    assert back.covered(dt.date.min, dt.date(1, 1, 9), "month") == DateRange.of("0001-01-01", "0001-01-09")
