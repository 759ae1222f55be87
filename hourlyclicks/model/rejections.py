"""What the API's own rejection of a day is, and when two of them are the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from hourlyclicks.errors import ApiError

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError

Likeness: TypeAlias = tuple[int | None, str]

_VARYING = r"[\w.:/+-]*\d[\w.:/+-]*"
"""What differs from answer to answer: a date, a time, the number of a request."""


def rejects(error: HourlyClicksError) -> TypeGuard[ApiError]:
    """Return whether an error is the API's own rejection of a day."""
    return isinstance(error, ApiError) and error.code is not None and not error.retryable


def likeness(error: ApiError) -> Likeness:
    """Return what two rejections have in common if they are the same: the code, and the words of the text."""
    return error.code, re.sub(_VARYING, "#", error.message)
