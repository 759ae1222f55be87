"""Answers become whole and right days, or errors that say why not."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import ApiError, DecodeError, HourlyClicksError, UsageError
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.http import Response
from hourlyclicks.model.targets import Link, Query
from hourlyclicks.wire import fast_reader, rows
from hourlyclicks.wire.key import ApiKey
from tests.cases import every_case
from tests.wire.asking import decode_day

ANSWERS = Path(__file__).parent / "answers"
QUERY = Query(dt.date(2025, 4, 20), Link("kYdr", "https://vvd.bz"))
FETCHED = dt.datetime(2025, 4, 22, 1, 2, 3, tzinfo=dt.UTC)
CANARY = "CANARY/0123+456%789"
SAMPLE_CLICKS = (24, 121, 84, 21, 1950, 7) + (None,) * 18
SAMPLE_USERS = (17, 198, 68, 15, 1621, 7) + (None,) * 18


@pytest.fixture(params=["the expression", "msgspec", "the standard library"], autouse=True)
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with each reader as the first one that is tried."""
    if request.param != "the expression":
        monkeypatch.setattr("hourlyclicks.wire.decode.canonical_columns", lambda _body, _day: None)
    if request.param == "the standard library":
        monkeypatch.setattr("hourlyclicks.wire.decode.fast_reader", lambda: fast_reader._loose_columns)
    else:
        assert fast_reader.fast_reader() is not fast_reader._loose_columns


def decode(body: bytes) -> DayClicks:
    """Decode a body that came with status 200."""
    response = Response(200, {}, body)
    return decode_day(QUERY, response, fetched_at=FETCHED, final=True, key=ApiKey(CANARY))


def recorded(name: str) -> bytes:
    """Return a recorded answer."""
    return (ANSWERS / name).read_bytes()


def decode_error(body: bytes) -> HourlyClicksError:
    """Return the error that decoding a body raises."""
    with pytest.raises(HourlyClicksError) as caught:
        decode(body)
    return caught.value


def at(figures: dict[int, int]) -> tuple[int | None, ...]:
    """Return the 24 counts of a day with figures for some hours."""
    return tuple(figures.get(hour) for hour in range(24))


def test_the_published_example() -> None:
    """The vendor's own example is a day: more users than clicks in one hour, and hours that are missing."""
    assert DayClicks(QUERY.day, SAMPLE_CLICKS, SAMPLE_USERS, FETCHED, final=True) == decode(
        recorded("sample.json")
    )


@pytest.mark.parametrize(
    "name", ["bom.json", "utf-16.json", "utf-16-be-without-bom.json", "utf-32-le-without-bom.json"]
)
def test_the_encoding_is_no_matter(name: str) -> None:
    """A byte order mark and other encodings of Unicode change nothing."""
    assert decode(recorded("sample.json")) == decode(recorded(name))


@pytest.mark.parametrize("name", ["empty-day.json", "without-message.json"])
def test_a_day_without_rows_is_not_reported(name: str) -> None:
    """An empty result is a day without reported hours, not a day of zeros."""
    day = decode(recorded(name))
    assert (day.clicks, day.unique_users) == ((None,) * 24, (None,) * 24)


def test_a_whole_day() -> None:
    """A day with all its hours."""
    day = decode(recorded("whole-day.json"))
    assert (tuple(range(100, 124)), tuple(range(50, 74))) == (day.clicks, day.unique_users)


@every_case(
    ("name", "clicks", "users"),
    [
        ("unsorted.json", {2: 0, 11: 4, 23: 9}, {2: 0, 11: 3, 23: 7}),
        ("digit-strings.json", {0: 12, 7: 3}, {0: 7, 7: 2}),
        ("equal-duplicates.json", {3: 8}, {3: 5}),
        ("unknown-members.json", {3: 8}, {3: 5}),
    ],
)
def test_unusual_answers_are_read(name: str, clicks: dict[int, int], users: dict[int, int]) -> None:
    """Unsorted rows, digit strings, repeated rows and unknown members are accepted."""
    day = decode(recorded(name))
    assert (at(clicks), at(users)) == (day.clicks, day.unique_users)


def test_what_is_known_of_the_fetch_is_kept() -> None:
    """The day, the moment and the finality come from the caller."""
    query = Query(dt.date(2024, 2, 29), QUERY.target)
    response = Response(200, {"Content-Type": "text/plain"}, recorded("empty-day.json"))
    day = decode_day(query, response, fetched_at=FETCHED, final=False)
    assert (query.day, FETCHED, False) == (day.date, day.fetched_at, day.final)


def test_usual_answers_are_read_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The general decoder is not used for the answers that the API sends."""
    monkeypatch.setattr("hourlyclicks.wire.decode.careful_columns", None)
    for name in ("sample.json", "whole-day.json", "empty-day.json", "unsorted.json", "without-message.json"):
        assert QUERY.day == decode(recorded(name)).date


@every_case(
    ("body", "problem"),
    [
        (b"null", "expected object @ top level"),
        (b"[]", "expected object @ top level"),
        (b'[{"code":0,"result":[]}]', "expected object @ top level"),
        (b'"code"', "expected object @ top level"),
        (b"0", "expected object @ top level"),
        (b"true", "expected object @ top level"),
        (b"{}", "missing @ code"),
        (b'{"result":[]}', "missing @ code"),
        (b'{"code":null,"result":[]}', "expected int @ code"),
        (b'{"code":false,"result":[]}', "expected int @ code"),
        (b'{"code":true,"result":[]}', "expected int @ code"),
        (b'{"code":0.0,"result":[]}', "expected int @ code"),
        (b'{"code":"","result":[]}', "expected int @ code"),
        (b'{"code":"ok","result":[]}', "expected int @ code"),
        (b'{"code":"-0","result":[]}', "expected int @ code"),
        (b'{"code":[0],"result":[]}', "expected int @ code"),
        (b'{"code":18446744073709551616,"result":[]}', "expected int @ code"),
        (b'{"code":' + b"1" * 400 + b',"result":[]}', "expected int @ code"),
        (b'{"code":"' + b"1" * 5000 + b'","result":[]}', "expected int @ code"),
        (b'{"code":0}', "missing @ result"),
        (b'{"code":0,"Result":[]}', "missing @ result"),
        (b'{"code":0,"result":null}', "expected list @ result"),
        (b'{"code":0,"result":{}}', "expected list @ result"),
        (b'{"code":0,"result":""}', "expected list @ result"),
        (b'{"code":0,"result":0}', "expected list @ result"),
        (b"", "the body is empty"),
        (b'{"code":0,"result":[', "not JSON: "),
        (b'{"code":0,"result":[]}\xff', "not valid utf-8 at byte 22"),
        (b'{"code":0,"result":[],"x":NaN}', "not JSON: NaN"),
    ],
)
def test_no_envelope_may_be_better_next_time(body: bytes, problem: str) -> None:
    """A body without the API's envelope is a retryable error, and never zero clicks."""
    error = decode_error(body)
    assert isinstance(error, DecodeError)
    assert error.retryable
    assert error.problems[0].startswith(problem)
    assert error.problems[0] in str(error)
    assert (QUERY.day, QUERY.target) == (error.day, error.target)


def test_a_page_is_not_data() -> None:
    """HTML with status 200 is a retryable error that names it and shows its title."""
    error = decode_error(recorded("maintenance.html") * 3)
    assert isinstance(error, DecodeError)
    assert (error.problems, error.retryable) == (("HTML, not JSON",), True)
    assert str(error) == 'HTML, not JSON (body: an HTML page, "Service maintenance")'


@pytest.mark.parametrize("name", ["another-day.json", "mixed-days.json"])
def test_another_day_is_refused(name: str) -> None:
    """An answer with a row of another day is a retryable error as a whole."""
    error = decode_error(recorded(name))
    assert isinstance(error, DecodeError)
    assert error.retryable
    assert "expected 2025-04-20, got 2025-04-" in error.problems[0]


@every_case(
    ("cell", "problem"),
    [
        (b'"hour":24,"acesCnt":1,"pernCnt":1', "expected int from 0 to 23 @ result[0].hour"),
        (
            b'"hour":1,"acesCnt":-1,"pernCnt":1',
            "expected int from 0 to 9223372036854775807 @ result[0].acesCnt",
        ),
        (
            b'"hour":1,"acesCnt":1,"pernCnt":9223372036854775808',
            "expected int from 0 to 9223372036854775807 @ result[0].pernCnt",
        ),
        (
            b'"hour":1,"acesCnt":1,"pernCnt":18446744073709551616',
            "expected int from 0 to 9223372036854775807 @ result[0].pernCnt",
        ),
        (
            b'"hour":1,"acesCnt":1,"pernCnt":' + b"1" * 400,
            "expected int from 0 to 9223372036854775807 @ result[0].pernCnt",
        ),
        (
            b'"hour":-99999999999999999999,"acesCnt":1,"pernCnt":1',
            "expected int from 0 to 23 @ result[0].hour",
        ),
        (b'"hour":1,"acesCnt":1.5,"pernCnt":1', "expected int @ result[0].acesCnt"),
        (b'"hour":1,"acesCnt":1e2,"pernCnt":1', "expected int @ result[0].acesCnt"),
        (b'"hour":true,"acesCnt":1,"pernCnt":1', "expected int @ result[0].hour"),
        (b'"hour":1,"acesCnt":null,"pernCnt":1', "expected int @ result[0].acesCnt"),
        (b'"hour":1,"acesCnt":1', "missing @ result[0].pernCnt"),
        (b'"hour":1,"acesCnt":1,"pernCnt":1e400', "a number is too large"),
        (b'"hour":1,"acesCnt":1,"pernCnt":' + b"1" * 5000, "a number has too many digits"),
        (b'"hour":1,"acesCnt":1,"pernCnt":' + b"[" * 200_000, "nested more than 64 deep"),
    ],
)
def test_an_impossible_row_is_refused_for_good(cell: bytes, problem: str) -> None:
    """An impossible row, a number out of range or endless nesting is a final error."""
    error = decode_error(b'{"code":0,"result":[{"ymd":"2025-04-20",' + cell + b"}]}")
    assert isinstance(error, DecodeError)
    assert ((problem,), False, False) == (error.problems, error.retryable, error.fatal)


def test_conflicting_rows_are_refused() -> None:
    """Two different rows for one hour are an error."""
    error = decode_error(recorded("conflicting-duplicates.json"))
    assert isinstance(error, DecodeError)
    assert error.problems == ("hour 3 occurs before with other figures @ result[1]",)
    assert not error.retryable


def test_an_answer_with_another_code() -> None:
    """A code other than 0 is an error with the server's words, and is not retried."""
    error = decode_error(recorded("says-no.json"))
    assert isinstance(error, ApiError)
    assert (error.code, error.message, error.status) == (1013, "기간이 올바르지 않습니다.", 200)
    assert (error.retryable, error.fatal) == (False, False)
    assert (QUERY.day, QUERY.target) == (error.day, error.target)


def test_control_characters_are_escaped() -> None:
    """Control, ANSI and bidirectional characters of a message are escaped."""
    error = decode_error(recorded("says-no-in-colour.json"))
    assert isinstance(error, ApiError)
    assert error.message == r"\x1b[31mred\x1b[0m\r\n\u202ekcab\ud800"


@every_case(
    ("body", "code", "message"),
    [
        (b'{"code":1}', 1, ""),
        (b'{"code":-7,"message":""}', -7, ""),
        (b'{"code":"42","message":null}', 42, ""),
        (b'{"code":3,"message":{"no":"text"},"result":[]}', 3, ""),
        (b'{"code":9223372036854775807,"message":"' + b"x" * 500 + b'"}', 2**63 - 1, "x" * 200),
        (b'{"code":1,"message":"\\ud800"}', 1, r"\ud800"),
        (b'{"code":1,"message":"a","x":18446744073709551616}', 1, "a"),
    ],
)
def test_what_a_rejection_says(body: bytes, code: int, message: str) -> None:
    """The error has code and message; a missing message, or one that is no text, is empty."""
    error = decode_error(body)
    assert isinstance(error, ApiError)
    assert (code, message) == (error.code, error.message)


@every_case(
    "body",
    [
        b'{"code":1,"message":"no key CANARY/0123+456%789 here"}',
        rb'{"code":1,"message":"no key CANARY\/0123\u002b456%789 here"}',
        b'{"code":1,"message":"' + b"." * 190 + b'CANARY/0123+456%789"}',
        b'{"code":0,"key":"CANARY/0123+456%789"}',
        rb'{"code":0,"key":"CANARY\/0123+456%789"}',
        b"<html>CANARY%2F0123%2B456%25789",
        b"<html><title>CANARY&#x2F;0123&#43;456%789 is no key",
        b"<html><p>CANARY<wbr>/0123<b>+456</b>%789",
        b"<html>&amp;#67;ANARY/0123+456%789",
        b"<" + b"." * 185 + b"CANARY/0123+456%789",
        b'{"code":0,"result":[{"ymd":"CANARY/0123+456%789"}]}',
        b'{"code":0,"result":[{"CANARY/0123+456%789":0}]}',
        b'{"code":CANARY/0123+456%789}',
    ],
)
def test_the_key_is_not_repeated(body: bytes) -> None:
    """A server that repeats the key does not get it into an error, its pickle or its traceback."""
    error = decode_error(body)
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    ours = [str(frame.locals) for frame in frames if "/hourlyclicks/" in frame.filename]
    assert ours
    for shown in (str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), *ours):
        assert "CANARY" not in shown
    assert error.__context__ is None


@every_case("name", ["says-no.json", "another-day.json", "maintenance.html"])
def test_errors_pickle_and_copy(name: str) -> None:
    """Every error survives a pickle and a copy with all its parts."""
    error = decode_error(recorded(name))
    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301 - our own pickle
        assert type(error) is type(other)
        assert (str(error), vars(error)) == (str(other), vars(other))


def test_a_naive_moment_is_the_callers_fault() -> None:
    """A naive datetime is a usage error."""
    response = Response(200, {}, recorded("sample.json"))
    with pytest.raises(UsageError):
        decode_day(QUERY, response, fetched_at=FETCHED.replace(tzinfo=None), final=True)


@given(st.sampled_from([recorded("sample.json"), recorded("whole-day.json")]), st.integers(0, 1500))
def test_a_truncated_answer_is_never_a_day(body: bytes, length: int) -> None:
    """A body cut anywhere is a retryable error."""
    cut = body.rstrip()[:-1][:length]
    error = decode_error(cut)
    assert isinstance(error, DecodeError)
    assert error.retryable


def test_the_recorded_example_is_the_published_one() -> None:
    """The recorded bytes hold the figures as they were published."""
    envelope = json.loads(recorded("sample.json"))
    expected = [(0, 24, 17), (1, 121, 198), (2, 84, 68), (3, 21, 15), (4, 1950, 1621), (5, 7, 7)]
    assert expected == [(row["hour"], row["acesCnt"], row["pernCnt"]) for row in envelope["result"]]
    assert rows.LARGEST == 2**63 - 1
