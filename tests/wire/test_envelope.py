"""Only the API's own envelope rejects a day, whatever the status that it comes with."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import ApiError, DecodeError, HourlyClicksError
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.http import Response
from hourlyclicks.model.targets import Account, Query
from tests.cases import every_case
from tests.wire.asking import check_status, decode_day

QUERY = Query(dt.date(2025, 4, 20), Account())
FETCHED = dt.datetime(2025, 4, 22, tzinfo=dt.UTC)
GOOD = b'{"code":0,"message":"","result":[{"ymd":"2025-04-20","hour":1,"acesCnt":1,"pernCnt":1}]}'


def verdict(status: int, body: bytes) -> DayClicks | HourlyClicksError:
    """Return the result of an answer: a day, or the error."""
    response = Response(status, {}, body)
    try:
        check_status(response)
        return decode_day(QUERY, response, fetched_at=FETCHED, final=True)
    except HourlyClicksError as error:
        return error


def rejects(status: int, body: bytes) -> bool:
    """Return whether an answer is the API's rejection of the day, by the rule that a store uses."""
    error = verdict(status, body)
    return isinstance(error, ApiError) and error.code is not None and not error.retryable


ANYWHERE = [200, 203, 300, 302, 400, 404, 409, 410, 422]
NOWHERE = [201, 202, 204, 206, 304, 401, 403, 407, 408, 421, 425, 429, 500, 501, 502, 503, 511, 0, 600]


@every_case("status", ANYWHERE)
@every_case("code", [1, -1, 7, 401, 404, 501, 1013, 5000])
def test_an_envelope_rejects(status: int, code: int) -> None:
    """A code other than 0 rejects the day under each status that can be about a day."""
    assert rejects(status, b'{"code":%d,"message":"no"}' % code)


@every_case("status", NOWHERE)
@every_case("body", [b'{"code":1013,"message":"no such link"}', GOOD, b"", b"<html>"])
def test_these_statuses_never_reject(status: int, body: bytes) -> None:
    """A status about the way there rejects no day, and brings none."""
    assert not rejects(status, body)
    assert not isinstance(verdict(status, body), DayClicks)


@every_case("body", [b"", b"404 page not found", b"<html>", b'{"message":"no route"}', b'{"code":0}', GOOD])
@every_case("status", ANYWHERE[2:])
def test_a_gateway_never_rejects(status: int, body: bytes) -> None:
    """An answer without a code other than 0 is no rejection, and is retried."""
    error = verdict(status, body)
    assert isinstance(error, ApiError)
    assert not rejects(status, body)
    assert error.retryable


@pytest.mark.parametrize("status", [200, 203])
def test_only_these_statuses_bring_figures(status: int) -> None:
    """Figures come with 200, or with 203 when a proxy has transformed them."""
    day = verdict(status, GOOD)
    assert isinstance(day, DayClicks)
    assert day.total_clicks == 1


@every_case("code", [202, 408, 421, 425, 429, 500, 503, 511, 599])
def test_a_code_about_the_server_or_the_rate_rejects_no_day(code: int) -> None:
    """Also with status 200 such a code is not about the day, and may pass."""
    error = verdict(200, b'{"code":%d,"message":"maintenance","result":[]}' % code)
    assert isinstance(error, ApiError)
    assert (error.code, error.retryable, error.status, error.day) == (code, True, 200, QUERY.day)
    assert str(error) == f"the API answered code {code}: maintenance"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["code", "result", "x"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.integers(0, 700), st.binary(max_size=30) | json_values.map(lambda value: json.dumps(value).encode())
)
def test_only_a_whole_number_in_code_rejects(status: int, body: bytes) -> None:
    """Only a whole number other than 0 in ``code`` rejects a day, and a rejection is not retried."""
    error = verdict(status, body)
    if rejects(status, body):
        assert int(json.loads(body)["code"]) != 0
        assert isinstance(error, ApiError)
        assert not error.retryable
    elif isinstance(error, ApiError | DecodeError) and status // 100 in {3, 4}:
        assert error.retryable
