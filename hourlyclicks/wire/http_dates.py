"""Dates of HTTP header fields, read strictly.

The three forms of RFC 9110 are read. A date must be in GMT or UTC, or name a numeric offset: a name such as
EST means different offsets in different places, and a date that is misread by hours does more harm than
none.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_TIME = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
_USUAL = (
    r"(?:[a-z]{3,9},? )?(?P<day>[0-9]{1,2})[ -](?P<month>[a-z]{3})[ -](?P<year>[0-9]{4}|[0-9]{2}) "
    rf"{_TIME} ?(?:gmt|utc|(?P<sign>[+-])(?P<hours>[0-9]{{2}}):?(?P<minutes>[0-9]{{2}}))"
)
_ASCTIME = rf"[a-z]{{3}} (?P<month>[a-z]{{3}}) (?P<day>[0-9]{{1,2}}) {_TIME} (?P<year>[0-9]{{4}})"
_LONGEST = 64
_THIS_CENTURY = 70
"""A year of two digits from here on is one of the last century."""


@lru_cache(maxsize=64)  # a server writes the same text into all answers of a second
def moment_of(text: str) -> dt.datetime | None:
    """Return the moment a date means, in UTC; ``None`` when it is no date, or its zone is but a name."""
    if len(text) > _LONGEST:
        return None
    plain = " ".join(text.lower().split())
    found = re.fullmatch(_USUAL, plain) or re.fullmatch(_ASCTIME, plain)
    if found is None:
        return None
    part = found.groupdict(default="0")
    try:
        return _local(part) - _offset(part)
    except (ValueError, OverflowError):
        return None


def _local(part: Mapping[str, str]) -> dt.datetime:
    year = int(part["year"])
    if len(part["year"]) == len("99"):
        year += 1900 if year >= _THIS_CENTURY else 2000
    month = _MONTHS.get(part["month"], 0)
    second = min(int(part["second"]), 59)  # 60 is a leap second
    return dt.datetime(
        year, month, int(part["day"]), int(part["hour"]), int(part["minute"]), second, tzinfo=dt.UTC
    )


def _offset(part: Mapping[str, str]) -> dt.timedelta:
    """Return how far ahead of UTC the date is."""
    offset = dt.timedelta(hours=int(part.get("hours", "0")), minutes=int(part.get("minutes", "0")))
    return -offset if part.get("sign") == "-" else offset
