"""The rows of a day into two columns of 24.

An hour without a row is not reported, which is never zero; a ``result`` without rows is a day of which no
hour was reported. A day is accepted as a whole or rejected as a whole: one row that is invalid, or that
belongs to another day, makes all of them doubtful.

There are two readers. `plain_columns` costs less than decoding the JSON did and knows only the rows the API
sends; on most others it passes, and what it gives is right. `careful_columns` also reads digit strings
(the first version of the API sent its hours so), lets equal rows for an hour count as one, and words every
problem. Where both give an answer it is the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from hourlyclicks.model.day import HOURS, Counts
from hourlyclicks.wire.document import UnreadableError
from hourlyclicks.wire.names import CLICKS, HOUR, RESULT, UNIQUE_USERS, YMD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Columns: TypeAlias = tuple[Counts, Counts]
"""Clicks and unique users of each hour."""

LARGEST = 2**63 - 1
"""The largest number that is believed, and that the columns of a series hold."""

MAX_PROBLEMS = 100
"""After so many problems reading stops."""

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


def plain_columns(rows: Sequence[Any], ymd: str) -> Columns | None:
    """Return the columns if all rows are of the day, of different hours and plain numbers; else ``None``.

    Unknown members are not looked at: the caller has checked that there are none.
    """
    clicks: list[int | None] = [None] * HOURS
    users = clicks.copy()
    most_bits = LARGEST.bit_length()
    try:
        for row in rows:
            hour, count, people = row[HOUR], row[CLICKS], row[UNIQUE_USERS]
            if (  # one chain, since this runs for every hour of every year
                row[YMD] != ymd
                or type(hour) is not int
                or type(count) is not int
                or type(people) is not int
                or (hour | count | people) >> most_bits  # one of them is negative, or larger than `LARGEST`
                or clicks[hour] is not None
            ):
                return None
            clicks[hour], users[hour] = count, people
    except (KeyError, TypeError, IndexError):  # a member is missing, a row is no object, an hour is too late
        return None
    return tuple(clicks), tuple(users)


def careful_columns(rows: Sequence[Any], ymd: str) -> Columns:
    """Return the columns, or say all that is wrong.

    Raises:
        UnreadableError: with a line for each problem; retryable when the answer is about another day.
    """
    reading = _Reading(ymd)
    for index, row in enumerate(rows):
        reading.take(row, f"{RESULT}[{index}]")
        if len(reading.problems) >= MAX_PROBLEMS:
            break
    if reading.problems:
        raise UnreadableError(*reading.problems, retryable=any(_is_of_another_day(row, ymd) for row in rows))
    figures = [reading.figures.get(hour, _NOT_REPORTED) for hour in range(HOURS)]
    return tuple(hour.clicks for hour in figures), tuple(hour.users for hour in figures)


def whole_number(value: object) -> int | None:
    """Return an int, or a string of ASCII digits, as a number; ``None`` for anything else, bools too."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        # Twenty digits are too many already; int() raises for some thousands of digits.
        return int(value.lstrip("0")[:20] or "0")
    return None


class _Figures(NamedTuple):
    clicks: int | None
    users: int | None


_NOT_REPORTED = _Figures(None, None)


class _Reading:
    """What was read of the rows so far, and what is wrong with them."""

    def __init__(self, ymd: str) -> None:
        self.ymd = ymd
        self.figures: dict[int, _Figures] = {}
        self.problems: list[str] = []

    def take(self, row: object, place: str) -> None:
        if not isinstance(row, dict):
            self.problems.append(f"expected object @ {place}")
            return
        self._check_day(row, place)
        hour = self._number(row, HOUR, HOURS - 1, place)
        clicks = self._number(row, CLICKS, LARGEST, place)
        users = self._number(row, UNIQUE_USERS, LARGEST, place)
        if hour is None or clicks is None or users is None:
            return
        figures = _Figures(clicks, users)
        if self.figures.setdefault(hour, figures) != figures:
            self.problems.append(f"hour {hour} occurs before with other figures @ {place}")

    def _check_day(self, row: Mapping[str, object], place: str) -> None:
        if YMD not in row:
            self.problems.append(f"missing @ {place}.{YMD}")
        elif not isinstance(day := row[YMD], str):
            self.problems.append(f"expected str @ {place}.{YMD}")
        elif day != self.ymd:
            got = (
                f", got {day}" if re.fullmatch(_DATE, day) else ""
            )  # other text might be anything, a key even
            self.problems.append(f"expected {self.ymd}{got} @ {place}.{YMD}")

    def _number(self, row: Mapping[str, object], name: str, highest: int, place: str) -> int | None:
        if name not in row:
            self.problems.append(f"missing @ {place}.{name}")
            return None
        number = whole_number(row[name])
        if number is None:
            self.problems.append(f"expected int @ {place}.{name}")
        elif not 0 <= number <= highest:
            self.problems.append(f"expected int from 0 to {highest} @ {place}.{name}")
            return None
        return number


def _is_of_another_day(row: object, ymd: str) -> bool:
    return isinstance(row, dict) and isinstance(row.get(YMD), str) and row[YMD] != ymd
