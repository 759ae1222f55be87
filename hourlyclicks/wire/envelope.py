"""The envelope of the API: whether the API itself has answered, and what its ``code`` means.

Only an envelope with a ``code`` other than 0 is the API's rejection of what was asked. A status 3xx or 4xx
without one comes from a gateway, a proxy or another server, which knows nothing of the day; it may be gone a
second later.

The vendor publishes no list of codes. A few of them repeat an HTTP status that is never about a day: such an
answer rejects no day, and may be gone a second later, too.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import ApiError
from hourlyclicks.wire.document import UnreadableError
from hourlyclicks.wire.names import CODE, MESSAGE, RESULT
from hourlyclicks.wire.rows import LARGEST, whole_number
from hourlyclicks.wire.sanitize import excerpt

if TYPE_CHECKING:
    from hourlyclicks.wire.key import ApiKey

_SERVER_CODES = range(500, 600)
_ABOUT_THE_REQUEST = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED}
_NOT_NOW = {
    HTTPStatus.ACCEPTED,  # the figures are being computed
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
    *(code for code in _SERVER_CODES if code not in _ABOUT_THE_REQUEST),
}


def code_of(document: object) -> int:
    """Return the code of an envelope.

    Raises:
        UnreadableError: the document is no envelope.
    """
    code = whole_number(_member(document, CODE))
    if code is None or abs(code) > LARGEST:
        raise UnreadableError(f"expected int @ {CODE}", retryable=True)
    return code


def rows_of(document: object) -> list[Any]:
    """Return what an envelope of code 0 holds.

    Raises:
        UnreadableError: it is no list, or missing; neither is an empty day.
    """
    rows = result_of(document)
    if not isinstance(rows, list):
        raise UnreadableError(f"expected list @ {RESULT}", retryable=True)
    return rows


def result_of(document: object) -> object:
    """Return what an envelope of code 0 holds, of whatever type; missing, it is an `UnreadableError`."""
    return _member(document, RESULT)


def message_of(document: object) -> str:
    """Return the message of an envelope, or nothing when there is none."""
    message = document.get(MESSAGE) if isinstance(document, dict) else None
    return message if isinstance(message, str) else ""


def error_of(code: int, message: str, *, status: int, key: ApiKey | None) -> ApiError:
    """Return the error that a code other than 0 stands for.

    Args:
        code: the code.
        message: what the envelope says about it.
        status: the HTTP status that it came with.
        key: the API key, so that it is kept out of the error if the server repeats it.
    """
    return ApiError(excerpt(message, key=key), code=code, status=status, retryable=code in _NOT_NOW)


def _member(document: object, name: str) -> object:
    if not isinstance(document, dict):
        raise UnreadableError("expected object @ top level", retryable=True)
    if name not in document:
        raise UnreadableError(f"missing @ {name}", retryable=True)
    return document[name]
