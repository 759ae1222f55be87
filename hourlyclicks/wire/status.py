"""What the status of a response means, before its body is read as figures.

The API rejects a day in an envelope (`hourlyclicks.wire.envelope`), most often in the body of a 200. The
statuses judged here are about the way there: the key, the rate, the server, a gateway or proxy in between.
Where the body that comes with them is an envelope of the API all the same, the API has the last word.
"""

from __future__ import annotations

from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from hourlyclicks.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    RateLimitedError,
    ServerError,
)
from hourlyclicks.wire.document import UnreadableError, read_strictly
from hourlyclicks.wire.envelope import code_of, error_of, message_of
from hourlyclicks.wire.header_fields import fields_of
from hourlyclicks.wire.retry_after import RETRY_AFTER, wait_of
from hourlyclicks.wire.sanitize import LIMIT, excerpt, excerpt_of_body

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.http import Response
    from hourlyclicks.wire.key import ApiKey


class _Meaning(Enum):
    ANSWERED = auto()
    COMPUTING = auto()  # the request was taken, and its answer comes later
    MALFORMED = auto()  # a status without a whole body, which every day has
    GATEWAY = auto()  # a redirect, or a status that only a gateway or proxy can have meant
    REJECTED = auto()  # by the API or a gateway; the body tells
    BAD_KEY = auto()
    BAD_KEY_OR_AGENT = auto()
    RATE_LIMITED = auto()
    FAILED = auto()
    UNABLE = auto()  # a failure that the same request meets every time


_BY_CLASS = {
    2: _Meaning.MALFORMED,
    3: _Meaning.REJECTED,
    4: _Meaning.REJECTED,
    5: _Meaning.FAILED,
}

_BY_STATUS = {
    200: _Meaning.ANSWERED,
    201: _Meaning.COMPUTING,
    202: _Meaning.COMPUTING,
    203: _Meaning.ANSWERED,
    304: _Meaning.MALFORMED,
    401: _Meaning.BAD_KEY,
    403: _Meaning.BAD_KEY_OR_AGENT,
    407: _Meaning.GATEWAY,
    408: _Meaning.FAILED,
    421: _Meaning.GATEWAY,
    425: _Meaning.GATEWAY,
    429: _Meaning.RATE_LIMITED,
    501: _Meaning.UNABLE,
    505: _Meaning.UNABLE,
    506: _Meaning.UNABLE,
    508: _Meaning.UNABLE,
    510: _Meaning.UNABLE,
    511: _Meaning.UNABLE,
}
"""The statuses that mean something else than their class."""


class RateLimited(NamedTuple):
    """The server does not answer now, because of the rate.

    Args:
        status: 429 or 503.
        retry_after: after how many seconds it will, more than 0; ``None``: it did not say.
    """

    status: int
    retry_after: float | None


def judge(
    response: Response, now: dt.datetime, *, key: ApiKey | None = None
) -> RateLimited | HourlyClicksError | None:
    """Return what the status of a response means; ``None``: the body may hold figures.

    Args:
        response: the response.
        now: the present moment, aware.
        key: the API key, so that it is kept out of the error if the server repeats it.
    """
    return rate_limited(response, now) or status_error(response, key=key)


def rate_limited(response: Response, now: dt.datetime) -> RateLimited | None:
    """Return what a 429, or a 503 with ``Retry-After``, asks for; ``None`` for any other response.

    Args:
        response: the response.
        now: the present moment, aware; a moment to wait for is counted from it unless the response bears a
            date itself.
    """
    status = response.status
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and RETRY_AFTER in fields_of(response.headers)
    ):
        return RateLimited(status, wait_of(response.headers, now))
    return None


def status_error(response: Response, *, key: ApiKey | None = None) -> HourlyClicksError | None:
    """Return the error that a status stands for; ``None``: the body may hold figures.

    Args:
        response: the response.
        key: the API key, so that it is kept out of the error if the server repeats it.

    Returns:
        * `AuthenticationError`: 401 or 403.
        * `ApiError`: any other 4xx, or a redirect, which is never followed. With the ``code`` of the API's
          envelope if there is one; else it comes from a gateway, and may pass.
        * `ServerError`: 5xx or 408.
        * `DecodeError`: a status without figures: 201, 202, 204, 205, 206, 304, or none that HTTP knows.
        * `RateLimitedError`: 429; `rate_limited` tells more.
    """
    if response.status == HTTPStatus.OK:
        return None
    meaning = _BY_STATUS.get(response.status) or _BY_CLASS.get(response.status // 100, _Meaning.MALFORMED)
    return None if meaning is _Meaning.ANSWERED else _error(meaning, response, key)


def _error(meaning: _Meaning, response: Response, key: ApiKey | None) -> HourlyClicksError:
    status = response.status
    document = _document(response.body)
    if meaning is _Meaning.REJECTED and (code := _code(document)):
        return error_of(code, message_of(document), status=status, key=key)
    message = message_of(document)
    said = excerpt(message, key=key) if message else excerpt_of_body(response.body, key=key)
    match meaning:
        case _Meaning.COMPUTING | _Meaning.MALFORMED:
            shown = excerpt_of_body(response.body, key=key)
            return DecodeError((f"HTTP {status} {_NO_FIGURES[meaning]}",), excerpt=shown, retryable=True)
        case _Meaning.REJECTED | _Meaning.GATEWAY:
            return ApiError(_of_a_gateway(response, key) or said, code=None, status=status)
        case _Meaning.RATE_LIMITED:
            return RateLimitedError(_sentence(f"HTTP {status}: too many requests", said))
        case _Meaning.FAILED | _Meaning.UNABLE:
            retryable = meaning is _Meaning.FAILED
            return ServerError(_sentence(f"HTTP {status}", said), status=status, retryable=retryable)
        case _:
            return AuthenticationError(_sentence(_CREDENTIALS[meaning], said), status=status)


_NO_FIGURES = {
    _Meaning.COMPUTING: "means that the figures are still being computed",
    _Meaning.MALFORMED: "brings no answer",
}

_CREDENTIALS = {
    _Meaning.BAD_KEY: "HTTP 401: the server does not accept the API key",
    _Meaning.BAD_KEY_OR_AGENT: (
        "HTTP 403: the server rejects either the API key, or what its plan does not include,"
        " or the User-Agent, which has to name its client (set user_agent to the name of your application)"
    ),
}


def _sentence(ours: str, theirs: str) -> str:
    return f"{ours}: {theirs}" if theirs else ours


def _document(body: bytes) -> Any:  # noqa: ANN401 - a JSON document is of any type
    """Return the JSON in a body, or nothing when there is none."""
    try:
        return read_strictly(body)
    except UnreadableError:
        return None


def _code(document: object) -> int:
    """Return the code of an envelope; 0, which rejects nothing, when it is none."""
    try:
        return code_of(document)
    except UnreadableError:
        return 0


def _of_a_gateway(response: Response, key: ApiKey | None) -> str:
    """Say what a redirect or a proxy wants; nothing for any other status."""
    if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return "the proxy on the way asks for credentials"
    target = excerpt(fields_of(response.headers).get("Location", ""), key=key)
    return f"redirects are not followed; this one leads to {target}"[:LIMIT] if target else ""
