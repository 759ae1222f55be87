"""The fast readers of bodies, for answers that are in order.

With msgspec installed (extra ``speedups``) the bytes are read straight into rows, and checked on the way;
without it, by the decoder of the standard library, and checked afterwards. Both give the same figures, or
none: anything else, be it wrong or merely unusual, is left to `hourlyclicks.wire.decode`. Only the expected
shape is accepted, so nothing nests deeper than an answer does.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from hourlyclicks.model.day import HOURS
from hourlyclicks.wire.document import read_loosely
from hourlyclicks.wire.names import CLICKS, CODE, HOUR, MESSAGE, RESULT, UNIQUE_USERS, YMD
from hourlyclicks.wire.rows import LARGEST, plain_columns, plain_days

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.wire.rows import Columns

_ENVELOPE = {CODE, MESSAGE, RESULT}
_MEMBERS_OF_A_ROW = len((YMD, HOUR, CLICKS, UNIQUE_USERS))
_LEAST_ROWS = (
    f'{{"{YMD}":"2025-04-20","{HOUR}":{hour},"{CLICKS}":,"{UNIQUE_USERS}":}}' for hour in range(HOURS)
)
_LEAST = len(f'{{"{CODE}":0,"{RESULT}":[{",".join(_LEAST_ROWS)}]}}') - len("[[],[]]") - 2 * (HOURS - 1)
"""The least bytes of a body with 24 rows, without its counts, less what the JSON of two lists of 24 adds."""
_LEAST_MESSAGE = len(f',"{MESSAGE}":""')
"""The least bytes of a message, without its text; null takes more."""


def quick_days(body: bytes, days: DateRange) -> dict[dt.date, Columns] | None:
    """Return the figures of each day of a range that has rows, or ``None`` when a closer look is needed.

    Always by the decoder of the standard library.

    Args:
        body: the body of the answer.
        days: the days that were asked for.
    """
    rows = _loose_rows(body)
    return None if rows is None else plain_days(rows, days)


def _loose_columns(body: bytes, ymd: str) -> Columns | None:
    rows = _loose_rows(body)
    return None if rows is None else plain_columns(rows, ymd)


def _loose_rows(body: bytes) -> list[Any] | None:
    """Return the rows of an answer of code 0 in which no member is unknown or named twice."""
    try:
        document = read_loosely(body)
    except ValueError:
        return None
    if not isinstance(document, dict) or not document.keys() <= _ENVELOPE:
        return None
    code, message, rows = document.get(CODE), document.get(MESSAGE), document.get(RESULT)
    if type(code) is not int or code != 0 or not isinstance(rows, list):
        return None
    if message is not None and type(message) is not str:
        return None
    # Each member has a colon. One more is that of a member that is named twice, or that the API does not
    # know, or it stands in the message; the strict reader then tells which.
    if body.count(b":") != len(document) + _MEMBERS_OF_A_ROW * len(rows):
        return None
    return rows


@cache  # at the first answer, since importing msgspec takes a while
def fast_reader() -> Callable[[bytes, str], Columns | None]:
    """Return a function that reads the figures of a day, or gives ``None`` when a closer look is needed.

    It takes the body of the answer, and the day as the API writes it.
    """
    try:
        from msgspec import UNSET, MsgspecError  # noqa: PLC0415 - the extra "speedups" may not be installed
        from msgspec.json import Encoder  # noqa: PLC0415 - see above
    except ImportError:
        return _loose_columns
    read, write = _typed_reader(), Encoder().encode

    def typed_columns(body: bytes, ymd: str) -> Columns | None:
        try:
            answer = read(body)
        except (MsgspecError, ValueError):
            return None
        rows, message = answer.rows, answer.message
        clicks: list[int | None] = [None] * HOURS
        users = clicks.copy()
        for row in rows:
            hour = row.hour
            if row.day != ymd or clicks[hour] is not None:
                return None
            clicks[hour], users[hour] = row.clicks, row.users
        # msgspec takes the last of two members of one name. A body of the least length that holds a whole day
        # has no room for another member; in any other body the colons are counted, which takes longer.
        least = _LEAST + len(write((clicks, users)))
        if message is not UNSET:
            least += _LEAST_MESSAGE + len(message or "")
        if len(rows) != HOURS or len(body) != least:
            members = 2 if message is UNSET else 3
            if body.count(b":") != members + _MEMBERS_OF_A_ROW * len(rows):  # see above
                return None
        return tuple(clicks), tuple(users)

    return typed_columns


@cache
def figures_reader() -> Callable[[bytes], list[int] | None]:
    """Return a function that reads a list of figures, or gives ``None`` when anything else is in it."""
    try:
        from msgspec import MsgspecError  # noqa: PLC0415 - see above
        from msgspec.json import Decoder  # noqa: PLC0415 - see above
    except ImportError:
        return _loose_figures
    read = Decoder(list[_typed_count()]).decode  # type: ignore[misc]  # made there

    def typed_figures(text: bytes) -> list[int] | None:
        try:
            figures: list[int] = read(text)
        except (MsgspecError, ValueError):
            return None
        return figures

    return typed_figures


def _loose_figures(text: bytes) -> list[int] | None:
    try:
        figures: list[int] = read_loosely(text)
    except ValueError:
        return None
    if set(map(type, figures)) == {int} and min(figures) >= 0 and max(figures) <= LARGEST:
        return figures
    return None


def _typed_count() -> Any:  # noqa: ANN401 - a type for msgspec
    from msgspec import Meta  # noqa: PLC0415 - see above

    return Annotated[int, Meta(ge=0, le=LARGEST)]


def _typed_reader() -> Callable[[bytes], Any]:
    """Return what reads an answer of code 0 in which there is nothing unknown."""
    from msgspec import UNSET, Meta, UnsetType, defstruct  # noqa: PLC0415 - see above
    from msgspec.json import Decoder  # noqa: PLC0415 - see above

    count = _typed_count()
    row = defstruct(
        "Row",
        [("day", str), ("hour", Annotated[int, Meta(ge=0, lt=HOURS)]), ("clicks", count), ("users", count)],
        rename={"day": YMD, "hour": HOUR, "clicks": CLICKS, "users": UNIQUE_USERS},
        forbid_unknown_fields=True,
        gc=False,
    )
    answer = defstruct(
        "Answer",
        [
            ("code", Annotated[int, Meta(ge=0, le=0)]),
            ("rows", list[row]),  # type: ignore[valid-type]  # made above
            ("message", str | None | UnsetType, UNSET),
        ],
        rename={"code": CODE, "rows": RESULT, "message": MESSAGE},
        forbid_unknown_fields=True,
        gc=False,
    )
    return Decoder(answer).decode
