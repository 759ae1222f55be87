"""What the status of an answer means, before anybody reads its body as figures.

The API says no in the body of a 200, too (`hourlyclicks.wire.decode`); the statuses judged here are about
the way there: the key, the rate, the server, a proxy in between.
"""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    RateLimitedError,
    ServerError,
)
from hourlyclicks.wire.document import UnreadableError, read_strictly
from hourlyclicks.wire.endpoints import MESSAGE
from hourlyclicks.wire.text import LIMIT, excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.http import Response
    from hourlyclicks.wire.key import ApiKey


class _Meaning(Enum):
    ANSWERED = auto()
    MALFORMED = auto()  # says that there is no whole body, which no day can do
    REDIRECTED = auto()
    REFUSED = auto()
    BAD_KEY = auto()
    BAD_KEY_OR_AGENT = auto()
    TOO_FAST = auto()
    FAILED = auto()
    UNABLE = auto()  # a failure that the same request meets every time


_BY_CLASS = {
    2: _Meaning.ANSWERED,
    3: _Meaning.REDIRECTED,
    4: _Meaning.REFUSED,
    5: _Meaning.FAILED,
}

_BY_STATUS = {
    204: _Meaning.MALFORMED,
    205: _Meaning.MALFORMED,
    206: _Meaning.MALFORMED,
    304: _Meaning.MALFORMED,
    401: _Meaning.BAD_KEY,
    403: _Meaning.BAD_KEY_OR_AGENT,
    408: _Meaning.FAILED,
    429: _Meaning.TOO_FAST,
    501: _Meaning.UNABLE,
    505: _Meaning.UNABLE,
    506: _Meaning.UNABLE,
    508: _Meaning.UNABLE,
    510: _Meaning.UNABLE,
    511: _Meaning.UNABLE,
}
"""The statuses that mean something else than their class."""

_SECONDS = r"[0-9]+(?:\.[0-9]+)?"
_REFUSALS = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_FOREVER = float(2**31)
"""RFC 9111 reads larger numbers of seconds as this one."""


class Refusal(NamedTuple):
    """The server will not answer now, because of the rate.

    Args:
        status: 429 or 503.
        retry_after: after how many seconds it will, more than 0; ``None`` when it did not say.
    """

    status: int
    retry_after: float | None


def refusal(response: Response, now: dt.datetime) -> Refusal | None:
    """Return what a 429, or a 503 with ``Retry-After``, asks for; ``None`` for any other answer.

    Args:
        response: the answer.
        now: the present moment, aware; a date in ``Retry-After`` is counted from it unless the answer
            bears a date itself.
    """
    if response.status not in _REFUSALS:
        return None
    named = _header(response.headers, "retry-after")
    if named is None:
        return Refusal(response.status, None) if response.status == HTTPStatus.TOO_MANY_REQUESTS else None
    theirs = _moment(_header(response.headers, "date") or "")  # their clock may not agree with ours
    return Refusal(response.status, _seconds(named, theirs or now))


def check_status(response: Response, *, key: ApiKey | None = None) -> None:
    """Return if the body is worth reading; ask `refusal` first.

    Args:
        response: the answer.
        key: the API key, so that it is kept out of the error if the server repeats it.

    Raises:
        AuthenticationError: 401 or 403.
        ApiError: any other 4xx, or a redirect, which is never followed.
        ServerError: 5xx or 408.
        DecodeError: a status without a whole body: 204, 205, 206, 304, or none that HTTP knows.
        RateLimitedError: 429.
    """
    if response.status == HTTPStatus.OK:
        return
    meaning = _BY_STATUS.get(response.status) or _BY_CLASS.get(response.status // 100, _Meaning.MALFORMED)
    if meaning is not _Meaning.ANSWERED:
        raise _error(meaning, response, key)


def _error(meaning: _Meaning, response: Response, key: ApiKey | None) -> HourlyClicksError:
    status = response.status
    said = _said(response, key)
    match meaning:
        case _Meaning.MALFORMED:
            shown = excerpt(response.body, key=key)
            return DecodeError((f"HTTP {status} brings no answer",), excerpt=shown, retryable=True)
        case _Meaning.REDIRECTED:
            return ApiError(_redirection(response, key) or said, code=None, status=status)
        case _Meaning.REFUSED:
            return ApiError(said, code=None, status=status)
        case _Meaning.TOO_FAST:
            return RateLimitedError(_sentence(f"HTTP {status}: too many requests", said))
        case _Meaning.FAILED | _Meaning.UNABLE:
            retryable = meaning is _Meaning.FAILED
            return ServerError(_sentence(f"HTTP {status}", said), status=status, retryable=retryable)
        case _:
            return AuthenticationError(_sentence(_CREDENTIALS[meaning], said), status=status)


_CREDENTIALS = {
    _Meaning.BAD_KEY: "HTTP 401: the server does not accept the API key",
    _Meaning.BAD_KEY_OR_AGENT: (
        "HTTP 403: the server refuses either the API key, or what its plan does not include,"
        " or the User-Agent, which has to name its client (set user_agent to the name of your application)"
    ),
}


def _sentence(ours: str, theirs: str) -> str:
    return f"{ours}: {theirs}" if theirs else ours


def _said(response: Response, key: ApiKey | None) -> str:
    """Return the message of the answer, or the beginning of its body when it is no envelope."""
    try:
        document = read_strictly(response.body)
    except UnreadableError:
        return excerpt(response.body, key=key)
    message = document.get(MESSAGE) if isinstance(document, dict) else None
    return excerpt(message if isinstance(message, str) and message else response.body, key=key)


def _redirection(response: Response, key: ApiKey | None) -> str:
    """Say where a redirect leads; nothing when it is none, for the API's own answers may be 3xx, too."""
    target = excerpt(_header(response.headers, "location") or "", key=key)
    return f"redirects are not followed; this one leads to {target}"[:LIMIT] if target else ""


def _header(headers: Mapping[str, str], name: str) -> str | None:
    """Look a field up by its name in lower case; not every mapping of a test knows that case is no matter."""
    return next((value for field, value in headers.items() if field.lower() == name), None)


def _seconds(named: str, now: dt.datetime) -> float | None:
    """Read ``Retry-After``; ``None`` unless it is a number of seconds above 0 or a moment yet to come."""
    text = named.strip()
    seconds = float(text) if re.fullmatch(_SECONDS, text) else _until(text, now)
    return min(seconds, _FOREVER) if seconds > 0 else None


def _until(text: str, now: dt.datetime) -> float:
    moment = _moment(text)
    return 0.0 if moment is None else (moment - now).total_seconds()


def _moment(text: str) -> dt.datetime | None:
    """Read an HTTP date, in UTC unless it says otherwise."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
