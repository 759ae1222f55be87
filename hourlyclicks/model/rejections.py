"""When two of the API's rejections are the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from hourlyclicks.errors import ApiError

Likeness: TypeAlias = tuple[int | None, str]

_VARYING = re.compile(r"[\w.:/+-]*\d[\w.:/+-]*")
"""What differs from answer to answer: a date, a time, the number of a request."""


def likeness(error: ApiError) -> Likeness:
    """Return what two rejections have in common if they are the same: the code, and the words of the text."""
    return error.code, _VARYING.sub("#", error.message)
