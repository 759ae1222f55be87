"""When a denial of the key is believed."""

from __future__ import annotations

import pytest

from hourlyclicks.errors import ApiError, AuthenticationError, HourlyClicksError, ServerError
from hourlyclicks.fetching.key_trust import Doubt, KeyTrust, rejects_key

DENIED = AuthenticationError("no", status=403)
CODE = ApiError("invalid API key", code=1002, status=200)
KOREAN = ApiError("유효하지 않은 API 키입니다.", code=1002, status=200)
FORBIDDEN = ApiError("", code=403, status=200)
ABOUT_THE_DAY = ApiError("no data", code=7, status=200)


def asked(trust: KeyTrust, error: HourlyClicksError, *, sent: int = 0, epoch: int = 0) -> Doubt:
    """Return the decision about an error."""
    return trust.doubt(error, sent=sent, epoch=epoch)


def test_a_status_before_any_answer_ends_at_once() -> None:
    """A 401 or 403 before any answer means that the key is wrong."""
    with pytest.raises(AuthenticationError):
        asked(KeyTrust(3), DENIED)


@pytest.mark.parametrize("concurrency", [1, 3, 5, 60])
@pytest.mark.parametrize("error", [CODE, KOREAN, FORBIDDEN])
def test_a_code_ends_after_five_requests_with_those_under_way(concurrency: int, error: ApiError) -> None:
    """The code alone decides, in any language; the rejection itself stays as it is."""
    trust = KeyTrust(concurrency)
    for _ in range(max(0, 5 - concurrency)):
        assert asked(trust, error) is Doubt.NONE
    with pytest.raises(HourlyClicksError) as caught:
        asked(trust, error)
    assert caught.value.fatal
    assert isinstance(caught.value, AuthenticationError)
    assert caught.value.code == error.code
    assert rejects_key(caught.value) == (error is not FORBIDDEN)
    assert not error.fatal


@pytest.mark.parametrize("error", [CODE, KOREAN])
def test_one_code_is_enough_where_nothing_else_is_named(error: ApiError) -> None:
    """There is no link that could be what is rejected; a code 403 may be about the list."""
    with pytest.raises(AuthenticationError):
        KeyTrust(1).doubt(error, sent=0, epoch=0, bare=True)
    assert KeyTrust(1).doubt(FORBIDDEN, sent=0, epoch=0, bare=True) is Doubt.NONE


@pytest.mark.parametrize("error", [DENIED, CODE, KOREAN])
def test_after_an_answer_one_doubt_pauses(error: HourlyClicksError) -> None:
    """Requests from before the pause are repeated; only one sent after it is decisive."""
    trust = KeyTrust(3)
    trust.accept()
    assert asked(trust, error, sent=4, epoch=4) is Doubt.PAUSE
    trust.paused(5)
    assert not trust.certain
    if error is DENIED:
        assert asked(trust, error, sent=4, epoch=5) is Doubt.ASK_AGAIN
        with pytest.raises(AuthenticationError):
            asked(trust, error, sent=5, epoch=5)
    else:  # a repeated message is about a day: the circuit breakers decide
        assert asked(trust, error, sent=5, epoch=5) is Doubt.NONE


def test_an_answer_ends_the_doubt() -> None:
    """The next denial counts as a first one."""
    trust = KeyTrust(1)
    trust.accept()
    assert asked(trust, DENIED) is Doubt.PAUSE
    trust.paused(1)
    trust.accept()
    assert asked(trust, DENIED, sent=1, epoch=1) is Doubt.PAUSE


def test_other_errors_cause_no_doubt() -> None:
    """Neither a rejection of a day nor a failing server does."""
    trust = KeyTrust(1)
    for error in (ABOUT_THE_DAY, ServerError("no", status=500, retryable=True)):
        for _ in range(9):
            assert asked(trust, error) is Doubt.NONE
