"""Ranges of hours: requests, bodies, and answers of servers that do something else than asked."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import ApiError, AuthenticationError, DecodeError, HourlyClicksError, ServerError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.http import Response
from hourlyclicks.model.questions import Question
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.range_proof import RangeProof, shift_between
from hourlyclicks.model.targets import Account, Group, Link
from hourlyclicks.simulator import PLANS, RangeRules, Traffic
from hourlyclicks.simulator.upstream import Upstream
from hourlyclicks.wire.clicks_by_range import CLICKS_BY_RANGE
from hourlyclicks.wire.endpoints import ENDPOINTS
from hourlyclicks.wire.fast_reader import quick_days
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.range_endpoint import is_missing, is_refusal
from hourlyclicks.wire.request import Origin
from tests.sizes import examples, sized
from tests.wire.mutations import mutated

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

NAME = "clicks-by-hour/v3"
LINK = Link("k/ 한", "https://vvd.bz")
KEY = ApiKey("key-of-enterprise")
ORIGIN = Origin.of("https://api.example/prefix", KEY)
ASKED = DateRange.of("2025-04-20", "2025-04-24")
FETCHED = dt.datetime(2025, 5, 1, 1, 2, 3, tzinfo=dt.UTC)
SAMPLE = (Path(__file__).parent / "answers" / "range.json").read_bytes()
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ROW = '{"ymd":"%s","hour":%s,"acesCnt":%s,"pernCnt":%s}'


def question(days: DateRange = ASKED, target: Target = LINK) -> Question:
    """Return the question for a range."""
    return Question(days.start, days.end, target, NAME)


def decode(body: bytes, asked: Question | None = None) -> tuple[DayClicks, ...]:
    """Decode a body that came with status 200; days up to the 22nd are final."""
    return CLICKS_BY_RANGE.decode(
        asked or question(),
        Response(200, {}, body),
        fetched_at=FETCHED,
        is_final=lambda day, _: day.day <= 22,
        key=KEY,
    )


def body_of(*rows: str) -> bytes:
    """Return the body of an answer with these rows."""
    return b'{"code":0,"message":"","result":[%b]}' % ",".join(rows).encode()


def error_of(body: bytes, asked: Question | None = None) -> HourlyClicksError:
    """Return the error that decoding raises."""
    with pytest.raises(HourlyClicksError) as caught:
        decode(body, asked)
    return caught.value


def at(figures: dict[int, int]) -> tuple[int | None, ...]:
    """Return the 24 counts of a day with figures for some hours."""
    return tuple(figures.get(hour) for hour in range(24))


# -- requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "query"),
    [
        (LINK, "linkId=k%2F%20%ED%95%9C&domain=https%3A%2F%2Fvvd.bz&startYmd=2025-04-20&endYmd=2025-04-24"),
        (Group(7), "grpIdx=7&startYmd=2025-04-20&endYmd=2025-04-24"),
        (Account(), "startYmd=2025-04-20&endYmd=2025-04-24"),
    ],
)
def test_a_request_names_both_ends(target: Target, query: str) -> None:
    """The path is that of version 3, and the query has the target and both days."""
    request = ENDPOINTS[NAME].build(question(target=target), ORIGIN)
    assert request.target == f"/prefix/api/statistics/v3/clicks-by-hour?{query}"
    assert request.headers is ORIGIN.headers


@pytest.mark.parametrize(
    ("cap", "ends"),
    [
        (MONTH, [(1, 20, 2, 19), (2, 20, 3, 1)]),
        (RangeCap(30), [(1, 20, 2, 18), (2, 19, 3, 1)]),
        (RangeCap(41), [(1, 20, 3, 1)]),
        (RangeCap(40), [(1, 20, 2, 28), (3, 1, 3, 1)]),
    ],
    ids=str,
)
def test_a_long_range_is_split(cap: RangeCap, ends: list[tuple[int, int, int, int]]) -> None:
    """Each part is as long as one request can be, and no day is left out or asked twice."""
    expected = [
        Question(dt.date(2025, month, day), dt.date(2025, until, last), LINK, NAME)
        for month, day, until, last in ends
    ]
    days = DateRange.of("2025-01-20", "2025-03-01")
    assert list(attrs.evolve(CLICKS_BY_RANGE, cap=cap).split(days, LINK)) == expected
    assert next(CLICKS_BY_RANGE.split(DateRange(days.start, dt.date.max), LINK)).last == dt.date(2025, 2, 19)


# -- bodies -----------------------------------------------------------------------------------------------


def test_days_with_rows_are_returned() -> None:
    """Each has its own figures and its own finality; days without rows are missing, and not empty."""
    days = decode(SAMPLE)
    assert days == (
        DayClicks(ASKED[0], at({0: 24, 1: 121}), at({0: 17, 1: 198}), FETCHED, final=True),
        DayClicks(ASKED[2], at({23: 0}), at({23: 0}), FETCHED, final=True),
        DayClicks(ASKED[3], at({4: 1950}), at({4: 1621}), FETCHED, final=False),
    )
    assert question().missing(day.date for day in days) == [ASKED[1], ASKED[4]]


def test_a_usual_answer_is_read_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the fast reader, which makes the same days of it as the general one."""
    days, quickly = decode(SAMPLE), quick_days(SAMPLE, ASKED)
    assert quickly is not None
    assert [*quickly] == [day.date for day in days]
    monkeypatch.setattr("hourlyclicks.wire.decode.quick_days", lambda *_: None)
    assert decode(SAMPLE) == days


@pytest.mark.parametrize(
    "rows",
    [
        [ROW % ("2025-04-21", 3, 8, 5), ROW % ("2025-04-20", 7, 1, 1)],
        [ROW % ("2025-04-21", '"03"', '"8"', '"5"'), ROW % ("2025-04-20", 7, 1, 1)],
        [ROW % ("2025-04-20", 7, 1, 1), ROW % ("2025-04-21", 3, 8, 5), ROW % ("2025-04-20", 7, 1, 1)],
        ['{"linkId":"x",' + (ROW % ("2025-04-21", 3, 8, 5))[1:], ROW % ("2025-04-20", 7, 1, 1)],
    ],
)
def test_unusual_rows_are_read(rows: list[str]) -> None:
    """The order of rows, digit strings, equal rows and unknown members do not matter."""
    first, second = decode(body_of(*rows))
    assert (first.date, first.clicks) == (ASKED[0], at({7: 1}))
    assert (second.date, second.clicks, second.unique_users) == (ASKED[1], at({3: 8}), at({3: 5}))


def test_no_rows_are_no_days() -> None:
    """An answer without rows tells nothing of any day."""
    assert decode(body_of()) == ()


@pytest.mark.parametrize(
    ("row", "problem", "retryable"),
    [
        (
            ROW % ("2025-04-25", 3, 8, 5),
            "expected 2025-04-20..2025-04-24, got 2025-04-25 @ result[1].ymd",
            True,
        ),
        (
            ROW % ("2025-04-19", 3, 8, 5),
            "expected 2025-04-20..2025-04-24, got 2025-04-19 @ result[1].ymd",
            True,
        ),
        (ROW % ("20250421", 3, 8, 5), "expected 2025-04-20..2025-04-24 @ result[1].ymd", True),
        (
            ROW % ("2025-04-20", 0, 25, 17),
            "hour 0 of 2025-04-20 occurs before with other figures @ result[1]",
            False,
        ),
        (ROW % ("2025-04-21", 24, 8, 5), "expected int from 0 to 23 @ result[1].hour", False),
        ('{"hour":3,"acesCnt":8,"pernCnt":5}', "missing @ result[1].ymd", False),
        ("null", "expected object @ result[1]", False),
    ],
)
def test_one_wrong_row_makes_all_days_doubtful(row: str, problem: str, *, retryable: bool) -> None:
    """A row of another day, a second figure for an hour, or an invalid row rejects the answer as a whole."""
    error = error_of(body_of(ROW % ("2025-04-20", 0, 24, 17), row))
    assert isinstance(error, DecodeError)
    assert (error.problems, error.retryable) == ((problem,), retryable)
    assert (error.target, error.day) == (LINK, None)


def test_an_error_of_one_day_names_it() -> None:
    """A question of a single day has errors about that day; the key is kept out of them."""
    body = b'{"code":9,"message":"no key-of-enterprise"}'
    error = error_of(body, question(DateRange(ASKED.start, ASKED.start)))
    assert isinstance(error, ApiError)
    assert (error.code, error.message, error.day, error.target) == (9, "no ***", ASKED.start, LINK)
    assert is_refusal(error)


@pytest.mark.parametrize(
    ("response", "refusal", "missing"),
    [
        (Response(400, {}, b""), True, False),
        (Response(422, {}, b'{"code":1005,"message":"too long"}'), True, False),
        (Response(404, {}, b'{"code":7,"message":"no such link"}'), True, False),
        (Response(404, {}, b"<html>"), False, True),
        (Response(410, {}, b""), False, True),
        (Response(501, {}, b""), False, True),
        (Response(405, {}, b""), False, False),
        (Response(401, {}, b""), False, False),
        (Response(403, {}, b""), False, False),
        (Response(500, {}, b""), False, False),
        (Response(400, {}, b'{"code":500,"message":"busy"}'), False, False),
        (Response(206, {}, b""), False, False),
    ],
    ids=repr,
)
def test_refusals_and_a_missing_endpoint_are_told_apart(
    response: Response, *, refusal: bool, missing: bool
) -> None:
    """A refusal may be about the length, a missing endpoint answers nothing, and other errors are neither."""
    error = CLICKS_BY_RANGE.judge(response, NOW)
    assert isinstance(error, ApiError | ServerError | AuthenticationError | DecodeError)
    assert (is_refusal(error), is_missing(error)) == (refusal, missing)


# -- servers that do something else than asked ----------------------------------------------------------


def serve(
    asked: Question, rules: RangeRules, *, active_days: int = 100, seed: int = 0
) -> tuple[DayClicks, ...]:
    """Ask the simulator, and decode what it answers."""
    upstream = Upstream(
        keys={KEY.reveal(): PLANS["enterprise"]}, traffic=Traffic(seed, active_days), ranges=rules
    )
    url = CLICKS_BY_RANGE.build(asked, Origin.of("https://api.example", KEY, "acme/1.0")).url
    headers = {"authorization": f"APIKey {KEY.reveal()}", "user-agent": "acme/1.0"}
    answer = upstream.answer("GET", url.raw_path, url.raw_query_string, headers, NOW)
    return decode(answer.body, asked)


@pytest.mark.parametrize(
    ("rules", "uncertain"),
    [
        (RangeRules(), DateRange.of("2025-03-01", "2025-03-30")),
        (RangeRules(cap=7, too_long="cut_end"), DateRange.of("2025-03-08", "2025-03-30")),
        (RangeRules(cap=7, too_long="cut_start"), DateRange.of("2025-03-01", "2025-03-23")),
        (RangeRules(excludes="end"), DateRange.of("2025-03-30", "2025-03-30")),
        (RangeRules(excludes="start"), DateRange.of("2025-03-01", "2025-03-01")),
    ],
    ids=str,
)
def test_a_shortened_range_is_seen_as_what_it_is(rules: RangeRules, uncertain: DateRange) -> None:
    """The days that the server left out are missing and uncertain; no other day is."""
    asked = question(DateRange.of("2025-03-01", "2025-03-30"))
    answered = [day.date for day in serve(asked, rules)]
    left_out = [] if rules == RangeRules() else list(uncertain)
    assert asked.missing(answered) == left_out
    assert RangeProof().uncertain(asked.days, answered) == left_out


@given(
    st.builds(
        RangeRules,
        cap=st.sampled_from([7, 14, 31, "month"]),
        too_long=st.sampled_from(["cut_end", "cut_start", "whole"]),
        excludes=st.sampled_from(["nothing", "start", "end", "both"]),
    ),
    st.sampled_from([2, 10, 50, 100]),
    st.lists(st.tuples(st.integers(0, 330), st.integers(1, 31)), min_size=1, max_size=6),
    st.integers(0, 3),
)
def test_nothing_is_invented(
    rules: RangeRules, active_days: int, asked: list[tuple[int, int]], seed: int
) -> None:
    """Each day has the figures of the server, and a day that is certain to be empty is empty there."""
    traffic, proof = Traffic(seed, active_days), RangeProof()
    for first, length in asked:
        start = dt.date(2025, 1, 1) + first * DAY
        one = question(DateRange(start, start + (length - 1) * DAY))
        days = serve(one, rules, active_days=active_days, seed=seed)
        for day in days:
            assert tuple(zip(day.clicks, day.unique_users, strict=True)) == traffic.day(LINK, day.date)
        answered = [day.date for day in days]
        empty = set(one.missing(answered)) - set(proof.uncertain(one.days, answered))
        assert all(traffic.day(LINK, day) == ((None, None),) * 24 for day in empty)
        proof = proof.after(one.days, answered)


@pytest.mark.parametrize("hours", [-9, -1, 0, 1, 9])
def test_a_shifted_range_is_seen_as_what_it_is(hours: int) -> None:
    """Compared with one day of version 2, the days of version 3 tell by how much they are shifted."""
    asked = question(DateRange.of("2025-03-01", "2025-03-03"))
    days = {day.date: day for day in serve(asked, RangeRules(shift=hours))}
    clicks, users = zip(*Traffic().day(LINK, asked.days[1]), strict=True)
    own = DayClicks(asked.days[1], clicks, users, FETCHED, final=True)
    assert shift_between(own, days) == hours


def rows_in(body: bytes) -> list[dict[str, Any]]:
    """Return the rows of a body, read without any care."""
    rows: list[dict[str, Any]] = json.loads(body)["result"]
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_answer_is_rejected_or_read_as_it_is(seed: int) -> None:
    """Whatever becomes of an answer on its way: each row is in a day of the range, or there is an error."""
    source, accepted = random.Random(seed), 0
    for _ in range(sized(200, examples(2_000))):
        body = SAMPLE
        for _ in range(source.choice([1, 1, 2, 3])):
            body = mutated(body, source)
        try:
            days = decode(body)
        except (ApiError, DecodeError):
            continue
        accepted += 1
        read = {
            (day.date.isoformat(), hour.hour, hour.clicks, hour.unique_users)
            for day in days
            for hour in day
            if hour.clicks is not None
        }
        rows = rows_in(body)
        assert read == {
            (row["ymd"], *(int(row[name]) for name in ("hour", "acesCnt", "pernCnt"))) for row in rows
        }
        assert {day.date for day in days} <= set(ASKED)
        assert len(days) == len({row["ymd"] for row in rows})
    assert accepted > 10
