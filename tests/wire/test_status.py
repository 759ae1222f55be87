"""What each status means, and when a failed request may be repeated."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from hourlyclicks.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    HourlyClicksError,
    RateLimitedError,
    ServerError,
)
from hourlyclicks.model.http import Response
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.status import RateLimited, rate_limited
from tests.cases import every_case
from tests.wire.asking import check_status

ANSWERS = Path(__file__).parent / "answers"
NOW = dt.datetime(2025, 4, 20, 12, 0, 0, tzinfo=dt.UTC)
CANARY = "CANARY/0123+456%789"
KEY = ApiKey(CANARY)


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    """Return an answer; an underscore in the name of a header is a hyphen."""
    fields = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status, fields, body)


def error_of(response: Response) -> HourlyClicksError:
    """Return the error of a status."""
    with pytest.raises(HourlyClicksError) as caught:
        check_status(response, key=KEY)
    return caught.value


@pytest.mark.parametrize("status", [200, 203])
def test_a_body_is_worth_reading(status: int) -> None:
    """A status with figures is left to the decoder."""
    check_status(answer(status))
    assert rate_limited(answer(status, retry_after="5"), NOW) is None


JUDGEMENTS: dict[type[HourlyClicksError], tuple[tuple[int, ...], bool, bool]] = {
    # error: its statuses, retryable, fatal
    AuthenticationError: ((401, 403), False, True),
    ApiError: (
        (300, 301, 302, 303, 305, 307, 308, 399, 400, 402, 404, 405, 407, 410, 421, 422, 425, 451, 499),
        True,
        False,
    ),
    DecodeError: ((201, 202, 204, 205, 206, 207, 226, 304, 100, 101, 199, 0, -1, 600, 999), True, False),
    RateLimitedError: ((429,), False, True),
}


@every_case(
    ("error", "status", "retryable", "fatal"),
    [
        (error, status, retryable, fatal)
        for error, (statuses, retryable, fatal) in JUDGEMENTS.items()
        for status in statuses
    ],
)
def test_what_a_status_means(
    error: type[HourlyClicksError], status: int, *, retryable: bool, fatal: bool
) -> None:
    """Each status is one error, which says whether it is retryable and whether it is fatal."""
    raised = error_of(answer(status, b"some text"))
    assert (error, retryable, fatal) == (type(raised), raised.retryable, raised.fatal)


@every_case("status", [408, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 599])
def test_a_failing_server_is_asked_again(status: int) -> None:
    """A failure of the server, or of a gateway, is retryable."""
    error = error_of(answer(status))
    assert isinstance(error, ServerError)
    assert (status, True, False) == (error.status, error.retryable, error.fatal)


@every_case("status", [501, 505, 506, 508, 510, 511])
def test_a_server_that_cannot_is_not_asked_again(status: int) -> None:
    """A server that does not support the request is a final error."""
    error = error_of(answer(status))
    assert isinstance(error, ServerError)
    assert (status, False, False) == (error.status, error.retryable, error.fatal)


def test_401_names_the_key() -> None:
    """The message of a 401 names its cause, and has the server's message."""
    error = error_of(answer(401, b'{"code":401,"message":"Unknown key."}'))
    assert str(error) == "HTTP 401: the server does not accept the API key: Unknown key."
    assert isinstance(error, AuthenticationError)
    assert error.status == 401


def test_403_names_both_causes() -> None:
    """The message of a 403 names the key with its plan, and the User-Agent."""
    text = str(error_of(answer(403)))
    assert "API key" in text
    assert "plan" in text
    assert "User-Agent" in text
    assert "user_agent=" not in text


def test_the_message_of_an_envelope_is_shown() -> None:
    """A 4xx with an envelope has the message of the API."""
    error = error_of(answer(404, (ANSWERS / "not-found.json").read_bytes()))
    assert isinstance(error, ApiError)
    assert (error.code, error.message, error.status) == (404, "No such link.", 404)


@every_case("body", [b'{"code":0}', b'{"message":""}', b'{"message":5}', b"[1]", b'"x"', b"null"])
def test_a_body_without_message_is_shown(body: bytes) -> None:
    """JSON that is no envelope with a message is shown as it is."""
    error = error_of(answer(400, body))
    assert isinstance(error, ApiError)
    assert body.decode() == error.message


@every_case("status", [202, 401, 403, 404, 407, 429, 500, 503])
def test_of_a_page_the_title_is_shown(status: int) -> None:
    """Of an HTML page its title is shown, and no tag, whatever error its status is."""
    text = str(error_of(answer(status, (ANSWERS / "maintenance.html").read_bytes() * 9)))
    assert ('an HTML page, "Service maintenance"' in text) == (status != 407)
    assert "<" not in text


@every_case("status", [400, 401, 403, 404, 429, 500, 501])
def test_an_empty_body_is_not_shown(status: int) -> None:
    """Without a body the status alone is shown."""
    text = str(error_of(answer(status)))
    assert str(status) in text
    assert not text.endswith((" ", ":"))


@every_case("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_named_and_not_followed(status: int) -> None:
    """The error of a redirect says where it leads."""
    error = error_of(answer(status, b"<html>", location="https://evil.example/\x1b[31m" + "x" * 500))
    assert isinstance(error, ApiError)
    assert error.message.startswith(
        r"redirects are not followed; this one leads to https://evil.example/\x1b[31mx"
    )
    assert len(error.message) == 200


REJECTING = [
    b'{"code":7,"message":"No."}',
    b'{"code":"7"}',
    b'{"code":-7,"result":[]}',
    '\ufeff{"code":7}'.encode(),
]
NO_ENVELOPES = [
    b"",
    b"404 page not found",
    b"<html>",
    b"[]",
    b'{"message":"no Route matched with those values"}',
    b'{"code":0,"message":"fine","result":[]}',
    b'{"code":"NotFound","message":"x"}',
    b'{"code":7.0}',
    b'{"code":true}',
    b'{"code":null}',
    b'{"code":18446744073709551616}',
    b'{"code":7,"code":8}',
    b'{"code":7',
    b'[{"code":7}]',
    b'{"error":{"code":7}}',
]


@every_case("body", REJECTING)
@every_case("status", [300, 302, 308, 400, 402, 404, 405, 409, 410, 422, 451])
def test_the_envelope_of_the_api_rejects(status: int, body: bytes) -> None:
    """An envelope with a code other than 0 is the API's own rejection, and is not retried."""
    error = error_of(answer(status, body, location="/elsewhere"))
    assert isinstance(error, ApiError)
    assert (abs(error.code or 0), error.status, error.retryable) == (7, status, False)


@every_case("body", NO_ENVELOPES)
@every_case("status", [302, 400, 404, 405, 410, 422])
def test_without_an_envelope_it_is_a_gateway(status: int, body: bytes) -> None:
    """Any other 3xx or 4xx comes from a gateway: it rejects no day and may pass."""
    error = error_of(answer(status, body))
    assert isinstance(error, ApiError)
    assert (error.code, error.status, error.retryable, error.fatal) == (None, status, True, False)
    assert "not the API" in str(error)


@every_case("body", REJECTING)
@every_case("status", [201, 202, 204, 304, 401, 403, 407, 408, 421, 425, 429, 500, 503, 600])
def test_these_statuses_never_reject_a_day(status: int, body: bytes) -> None:
    """A status that cannot be about a day rejects none, whatever comes with it."""
    error = error_of(answer(status, body))
    assert getattr(error, "code", None) is None


@pytest.mark.parametrize("status", [201, 202])
def test_figures_that_are_being_computed(status: int) -> None:
    """201 and 202 have no figures yet, and are retried."""
    error = error_of(answer(status, b'{"code":0,"result":[]}'))
    assert isinstance(error, DecodeError)
    assert error.problems == (f"HTTP {status} means that the figures are still being computed",)


def test_a_proxy_that_asks_for_credentials_is_named() -> None:
    """A 407 names the proxy."""
    assert "the proxy on the way asks for credentials" in str(error_of(answer(407, b"<html>")))


@every_case("status", [302, 400, 404])
@every_case("code", [202, 408, 421, 425, 429, 500, 502, 503, 504, 511, 599])
def test_a_code_that_repeats_a_status_of_the_server(status: int, code: int) -> None:
    """Such a code rejects no day: the server failed, and may recover."""
    error = error_of(answer(status, b'{"code":%d,"message":"maintenance"}' % code))
    assert isinstance(error, ApiError)
    assert (error.code, error.status, error.retryable) == (code, status, True)
    assert str(error) == f"the API answered code {code}: maintenance"


@every_case("code", [401, 403, 404, 410, 501, 505, 600, -500])
def test_other_codes_reject(code: int) -> None:
    """Any other code is the API's rejection of the day."""
    error = error_of(answer(400, b'{"code":%d}' % code))
    assert isinstance(error, ApiError)
    assert (code, False) == (error.code, error.retryable)


def test_the_body_of_a_3xx_without_a_location_is_shown() -> None:
    """The API's own answers may have a status 3xx; then their message is shown."""
    error = error_of(answer(300, b'{"code":7,"message":"Which one?"}'))
    assert isinstance(error, ApiError)
    assert error.message == "Which one?"


@pytest.mark.parametrize("status", [204, 205, 206, 304])
def test_a_status_without_a_whole_body_is_malformed(status: int) -> None:
    """204, 206 and 304 are errors, and never days without clicks."""
    error = error_of(answer(status, b'{"code":0,"result":[]}'))
    assert isinstance(error, DecodeError)
    assert (f"HTTP {status} brings no answer",) == error.problems
    assert error.excerpt == '{"code":0,"result":[]}'


ECHOES = [
    b'{"code":1,"message":"no key CANARY/0123+456%789 here"}',
    rb'{"code":1,"message":"no key CANARY\/0123\u002b456%789 here"}',
    b"no key CANARY/0123+456%789 here",
    b"no key CANARY%2F0123%2b456%25789 here",
    rb'{"key":"CANARY\/0123+456%789"}',
    b"." * 190 + b"CANARY/0123+456%789",
    "CANARY/0123+456%789".encode("utf-16"),
]


@every_case("body", ECHOES)
@every_case("status", [204, 302, 400, 401, 403, 404, 429, 500, 501, 700])
def test_the_key_is_not_repeated(status: int, body: bytes) -> None:
    """A server that repeats the key does not get it into an error, its parts or its traceback."""
    error = error_of(answer(status, body, location=f"https://x.example/?key={CANARY}"))
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    ours = [str(frame.locals) for frame in frames if "/wire/asking.py" in frame.filename]
    assert ours
    for shown in (str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), *ours):
        assert "CANARY" not in shown
    assert error.__context__ is None


@every_case("status", [204, 302, 400, 401, 429, 500])
def test_errors_pickle_and_copy(status: int) -> None:
    """Every error survives a pickle and a copy with all its parts."""
    error = error_of(answer(status, b"why"))
    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301 - our own pickle
        assert type(error) is type(other)
        assert (str(error), vars(error)) == (str(other), vars(other))


@every_case("status", [200, 204, 302, 400, 401, 408, 500, 502, 504])
def test_only_a_429_and_a_503_are_rate_limits(status: int) -> None:
    """``Retry-After`` has no meaning with another status."""
    assert rate_limited(answer(status, retry_after="5"), NOW) is None


def test_a_503_is_a_rate_limit_only_with_retry_after() -> None:
    """A 503 without ``Retry-After`` is a failure; a 429 without it is still a rate limit."""
    assert rate_limited(answer(503), NOW) is None
    assert RateLimited(429, None) == rate_limited(answer(429), NOW)
    assert RateLimited(503, None) == rate_limited(answer(503, retry_after=""), NOW)


@every_case("status", [429, 503])
@every_case(
    ("named", "seconds"),
    [
        ("1", 1.0),
        ("120", 120.0),
        (" 007 ", 7.0),
        ("0.5", 0.5),
        ("900", 900.0),
        ("901", 901.0),
        ("86400", 86400.0),
        ("9" * 30, 2.0**31),
        ("9" * 5000, 2.0**31),
        ("Sun, 20 Apr 2025 12:00:30 GMT", 30.0),
        ("Sunday, 20-Apr-25 12:00:30 GMT", 30.0),
        ("Sun Apr 20 12:00:30 2025", 30.0),
        ("Sun, 20 Apr 2025 21:00:30 +0900", 30.0),
        ("Sun, 20 Apr 2025 12:00:30 -0000", 30.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 2.0**31),
        ("0", None),
        ("0.0", None),
        ("-5", None),
        ("+5", None),
        ("1e3", None),
        ("1_000", None),
        ("\u0663", None),
        ("²", None),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("5 seconds", None),
        ("120, 120", None),
        ("", None),
        ("Sun, 20 Apr 2025 12:00:00 GMT", None),
        ("Sun, 20 Apr 2025 11:59:59 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Sun, 99 Apr 2025 12:00:30 GMT", None),
        ("Sun, 20 Apr 99999 12:00:30 GMT", None),
        ("2025-04-20T12:00:30Z", None),
    ],
)
def test_how_long_a_rate_limit_lasts(status: int, named: str, seconds: float | None) -> None:
    """Seconds and all three forms of HTTP dates are read; zero, past and garbage name no time."""
    assert RateLimited(status, seconds) == rate_limited(answer(status, retry_after=named), NOW)


def test_names_of_headers_have_no_case() -> None:
    """A header is found in any case, also in a case-sensitive mapping."""
    assert RateLimited(429, 5.0) == rate_limited(Response(429, {"RETRY-after": "5"}, b""), NOW)


@pytest.mark.parametrize("wrong", [-3600, 0, 3600])
def test_a_date_is_counted_from_the_date_of_the_answer(wrong: int) -> None:
    """If the answer has a date, a wrong clock of ours changes nothing."""
    headers = {"Retry-After": "Sun, 20 Apr 2025 12:00:30 GMT", "Date": "Sun, 20 Apr 2025 12:00:00 GMT"}
    ours = NOW + dt.timedelta(seconds=wrong)
    assert RateLimited(429, 30.0) == rate_limited(Response(429, headers, b""), ours)
    assert RateLimited(429, 30.0) == rate_limited(Response(429, {**headers, "Date": "now"}, b""), NOW)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, ?\d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ ?([-+]\d+|[A-Z]+)?"))
def test_no_retry_after_is_too_strange(named: str) -> None:
    """Any text is a time above zero or none."""
    asked = rate_limited(answer(429, retry_after=named), NOW)
    assert asked is not None
    assert asked.retry_after is None or 0 < asked.retry_after <= 2**31


@given(st.binary(), st.integers(0, 700).filter(lambda status: status // 100 != 2))
def test_no_body_is_too_strange(body: bytes, status: int) -> None:
    """A bad status with any body is an error that can be shown."""
    assert str(error_of(answer(status, body))).isprintable()
