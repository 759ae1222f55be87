"""A whole day, written exactly as the API writes it, is read by one regular expression.

The expression is the text of such an answer, so a body that matches it holds 24 rows in the order of their
hours, all of one day, and nothing besides: no member is missing, unknown or named twice. What stands in the
place of a figure is looked at when it becomes a number. Every other body, be it wrong or merely written
otherwise, is left to `hourlyclicks.wire.fast_reader`.

No repetition gives back what it took, and alternatives differ in their first character. So a body that does
not match costs no more than one that does.

The body is matched as text. Of bytes, the parts that matched and their hashes take a quarter longer. Only
ASCII is, so that it need not be checked whether anything else is UTF-8.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING

from hourlyclicks.model.day import HOURS
from hourlyclicks.wire.fast_reader import figures_reader
from hourlyclicks.wire.names import CLICKS, CODE, HOUR, MESSAGE, RESULT, UNIQUE_USERS, YMD

if TYPE_CHECKING:
    from hourlyclicks.wire.rows import Columns

_DAY = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_SAME_DAY = r"\1"
_ROW = rf'\{{"{YMD}":~"%s",~"{HOUR}":~%d,~"{CLICKS}":~([^,]++),~"{UNIQUE_USERS}":~([^}}]++)\}}'
_TEXT = r'"[ !#-\[\]-}]*+"'
"""ASCII without escapes and the tilde."""
_ANSWER = rf'\{{"{CODE}":~0,~(?:"{MESSAGE}":~(?:null|{_TEXT}),~)?+"{RESULT}":~\[%s\]\}}[ \t\r\n]*+'
"""The tilde stands for the blank after a comma or colon, if there is one."""

_WITH_BLANKS = f'{{"{CODE}": '
_KEPT_BELOW = 4096
_known = {"0": 0}
"""The numbers below that bound which have occurred, by their digits. Most figures are small, and to look one
up takes less than half as long as to read it."""


def canonical_columns(body: bytes, day: dt.date) -> Columns | None:
    """Return the figures of a whole day, or ``None`` when the body is not written as the API writes it.

    Args:
        body: the body of the answer.
        day: the day that was asked for.
    """
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        return None
    matched = _expression("").fullmatch(text)
    if matched is None and text.startswith(_WITH_BLANKS):
        matched = _expression(" ").fullmatch(text)
    if matched is None:
        return None
    texts = matched.groups()
    try:
        # A date is read in a third of the time that it takes to write one.
        if dt.date.fromisoformat(texts[0]) != day:
            return None
        return itemgetter(*texts[1::2])(_known), itemgetter(*texts[2::2])(_known)
    except KeyError:
        return _figures(texts[1:])
    except ValueError:  # no date, such as 30 February
        return None


@cache  # compiling takes as long as reading a hundred days
def _expression(blank: str) -> re.Pattern[str]:
    rows = [_ROW % (_SAME_DAY if hour else _DAY, hour) for hour in range(HOURS)]
    return re.compile((_ANSWER % ",~".join(rows)).replace("~", blank))


def _figures(texts: tuple[str, ...]) -> Columns | None:
    """Return what stands in the places of the figures, hour by hour, if it is figures."""
    numbers = figures_reader()(f"[{','.join(texts)}]".encode())
    if numbers is None or len(numbers) != len(texts):  # a text with a comma in it holds several
        return None
    if max(numbers) < _KEPT_BELOW and "".join(texts).isdigit():  # with blanks there are endless texts
        _known.update(zip(texts, numbers, strict=True))
    return tuple(numbers[::2]), tuple(numbers[1::2])
