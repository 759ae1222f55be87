"""The rows of a day into two columns of 24.

An hour without a row is not reported, which is never zero; a ``result`` without rows is a day of which no
hour was reported. A day is accepted as a whole or rejected as a whole: one row that is invalid, or that
belongs to another day, makes all of them doubtful.

There are two readers of a day. `plain_columns` costs less than decoding the JSON did and knows only the rows
the API sends; on most others it passes, and what it gives is right. `careful_columns` also reads digit
strings (the first version of the API sent its hours so), lets equal rows for an hour count as one, and words
every problem. Where both give an answer it is the same.

Of a range of days, `plain_days` and `careful_days` are such a pair. `careful_sums` is the careful reader of
rows for whole days. They return only the days that have rows, since what the others mean is not known here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from hourlyclicks.model.day import HOURS, Counts
from hourlyclicks.wire.document import UnreadableError
from hourlyclicks.wire.names import CLICKS, HOUR, RESULT, UNIQUE_USERS, YMD

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from hourlyclicks.model.dates import DateRange

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


def plain_days(rows: Sequence[Any], days: DateRange) -> dict[dt.date, Columns] | None:
    """Return the columns of each day that has rows, in the order of the days, if `plain_columns` reads each.

    ``None`` if it does not read one of them, or if a row is of a day outside of the range.
    """
    of_days: dict[str, list[Any]] = {}
    try:
        for row in rows:
            of_days.setdefault(row[YMD], []).append(row)
    except (KeyError, TypeError, IndexError):  # a row has no day, is no object, or its day is a list
        return None
    found = {}
    for day in days:
        if (own := of_days.pop(ymd := day.isoformat(), None)) is not None:
            columns = plain_columns(own, ymd)
            if columns is None:
                return None
            found[day] = columns
    return None if of_days else found


def careful_columns(rows: Sequence[Any], ymd: str) -> Columns:
    """Return the columns, or say all that is wrong.

    Raises:
        UnreadableError: with a line for each problem; retryable when the answer is about another day.
    """
    return _read(rows, _Reading(ymd, {ymd})).columns(ymd)


def careful_days(rows: Sequence[Any], days: DateRange) -> dict[dt.date, Columns]:
    """Return the columns of each day that has rows, in the order of the days, or say all that is wrong.

    Raises:
        UnreadableError: with a line for each problem; retryable when a row is of a day outside of the range.
    """
    named = {day.isoformat(): day for day in days}
    reading = _read(rows, _Reading(str(days), named))
    found = {ymd for ymd, _ in reading.figures}
    return {day: reading.columns(ymd) for ymd, day in named.items() if ymd in found}


def careful_sums(rows: Sequence[Any], days: DateRange) -> dict[dt.date, tuple[int, int]]:
    """Return clicks and unique users of each day that has a row of its own, or say all that is wrong.

    Raises:
        UnreadableError: with a line for each problem; retryable when a row is of a day outside of the range.
    """
    named = {day.isoformat(): day for day in days}
    figures = _read(rows, _SumsReading(str(days), named)).figures
    return {day: figures[ymd, 0] for ymd, day in named.items() if (ymd, 0) in figures}


def whole_number(value: object) -> int | None:
    """Return an int, or a string of ASCII digits, as a number; ``None`` for anything else, bools too."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        # Twenty digits are too many already; int() raises for some thousands of digits.
        return int(value.lstrip("0")[:20] or "0")
    return None


class _Figures(NamedTuple):
    clicks: int
    users: int


_NOT_REPORTED = (None, None)


class _Reading:
    """What was read of the rows so far, and what is wrong with them.

    Args:
        expected: the days that were asked for, in words.
        days: these days, as the API writes them.
    """

    def __init__(self, expected: str, days: Collection[str]) -> None:
        self.expected = expected
        self.days = days
        self.figures: dict[tuple[str, int], _Figures] = {}
        self.problems: list[str] = []

    def take(self, row: object, place: str) -> None:
        if not isinstance(row, dict):
            self.problems.append(f"expected object @ {place}")
            return
        day = self._day(row, place)
        hour = self._hour(row, place)
        clicks = self._number(row, CLICKS, LARGEST, place)
        users = self._number(row, UNIQUE_USERS, LARGEST, place)
        if day is None or hour is None or clicks is None or users is None:
            return
        figures = _Figures(clicks, users)
        if self.figures.setdefault((day, hour), figures) != figures:
            self.problems.append(f"{self._named(day, hour)} occurs before with other figures @ {place}")

    def columns(self, day: str) -> Columns:
        figures = [self.figures.get((day, hour), _NOT_REPORTED) for hour in range(HOURS)]
        return tuple(clicks for clicks, _ in figures), tuple(users for _, users in figures)

    def is_of_another_day(self, row: object) -> bool:
        return isinstance(row, dict) and isinstance(row.get(YMD), str) and row[YMD] not in self.days

    def _hour(self, row: Mapping[str, object], place: str) -> int | None:
        return self._number(row, HOUR, HOURS - 1, place)

    def _named(self, day: str, hour: int) -> str:
        return f"hour {hour}" if len(self.days) == 1 else f"hour {hour} of {day}"

    def _day(self, row: Mapping[str, object], place: str) -> str | None:
        if YMD not in row:
            self.problems.append(f"missing @ {place}.{YMD}")
        elif not isinstance(day := row[YMD], str):
            self.problems.append(f"expected str @ {place}.{YMD}")
        elif day in self.days:
            return day
        else:
            got = (
                f", got {day}" if re.fullmatch(_DATE, day) else ""
            )  # other text might be anything, a key even
            self.problems.append(f"expected {self.expected}{got} @ {place}.{YMD}")
        return None

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


class _SumsReading(_Reading):
    """Rows without an hour, one for each day."""

    def _hour(self, row: Mapping[str, object], place: str) -> int | None:  # noqa: ARG002 - there is none
        return 0

    def _named(self, day: str, hour: int) -> str:  # noqa: ARG002 - as above
        return day


def _read(rows: Sequence[Any], reading: _Reading) -> _Reading:
    """Read all rows, or say what is wrong with them."""
    for index, row in enumerate(rows):
        reading.take(row, f"{RESULT}[{index}]")
        if len(reading.problems) >= MAX_PROBLEMS:
            break
    if reading.problems:
        another = any(reading.is_of_another_day(row) for row in rows)
        raise UnreadableError(*reading.problems, retryable=another)
    return reading
