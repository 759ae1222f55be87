"""What the API's own rejection of a day is, which errors every day may meet, and when two are the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from hourlyclicks.errors import ApiError, DecodeError

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError

Likeness: TypeAlias = tuple[str, int | None, str]

_VARYING = r"[\w.:/+-]*\d[\w.:/+-]*"
"""What differs from answer to answer: a date, a time, the number of a request."""


def rejects(error: HourlyClicksError) -> TypeGuard[ApiError]:
    """Return whether an error is the API's own rejection of a day."""
    return isinstance(error, ApiError) and error.code is not None and not error.retryable


def is_lasting(error: HourlyClicksError) -> bool:
    """Return whether a day meets an error each time it is requested, and whether perhaps every day does.

    That is so of a rejection by the API or a gateway, and of an answer that no retry changes, such as a 501
    or rows without a field that the API has renamed.
    """
    return isinstance(error, ApiError) or not (error.retryable or error.fatal)


def likeness(error: HourlyClicksError) -> Likeness:
    """Return what two errors have in common if they are the same: class, code, and the words of the text."""
    code, text = None, str(error)
    if isinstance(error, ApiError):
        code, text = error.code, error.message
    elif isinstance(error, DecodeError):
        text = error.problems[0]  # without what the body says of the day
    return type(error).__name__, code, re.sub(_VARYING, "#", text)
