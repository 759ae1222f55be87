"""A series as rows, CSV and JSON Lines; each of them has every hour of the range.

The three states stay distinct: a count that is not known is empty (CSV) or ``null``, never 0, and the column
``status`` has the reason. Text is written a day at a time, so that years take no more memory than a day.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypedDict

from hourlyclicks.model.day import HOURS
from hourlyclicks.model.spelling import has_blank_ends, hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.model.day import HourClicks
    from hourlyclicks.model.series import HourlySeries

COLUMNS = ("target", "date", "hour", "clicks", "unique_users", "status")
"""The names of the columns, in their order."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NEEDS_QUOTES = frozenset(',"\r\n\t')


class Writable(Protocol):
    """An object that text can be written to."""

    def write(self, text: str, /) -> object:
        """Write a piece of text."""
        ...


Sink: TypeAlias = Writable | str | os.PathLike[str]
"""An open text stream, or the path of a file to write."""


class Row(TypedDict):
    """One hour as a plain mapping, fit for ``json.dumps``."""

    target: str
    date: str
    hour: int
    clicks: int | None
    unique_users: int | None
    status: str


def to_rows(series: HourlySeries) -> list[Row]:
    """Return a mapping for each hour."""
    target = str(series.target)
    return [
        Row(
            target=target,
            date=hour.date.isoformat(),
            hour=hour.hour,
            clicks=hour.clicks,
            unique_users=hour.unique_users,
            status=hour.status.value,
        )
        for hour in series
    ]


def write_csv(series: HourlySeries, file: Sink, *, header: bool) -> None:
    """Write a line for each hour."""
    target = _cell(str(series.target))

    def line(hour: HourClicks) -> str:
        clicks = "" if hour.clicks is None else hour.clicks
        users = "" if hour.unique_users is None else hour.unique_users
        return f"{target},{hour.date},{hour.hour},{clicks},{users},{hour.status.value}\n"

    with _opened(file) as out:
        if header:
            out.write(",".join(COLUMNS) + "\n")
        _write_lines(series, line, out)


def write_jsonl(series: HourlySeries, file: Sink) -> None:
    """Write an object for each hour, in ASCII."""
    target = json.dumps(str(series.target))

    def line(hour: HourClicks) -> str:
        clicks = "null" if hour.clicks is None else hour.clicks
        users = "null" if hour.unique_users is None else hour.unique_users
        return (
            f'{{"target": {target}, "date": "{hour.date}", "hour": {hour.hour}, '
            f'"clicks": {clicks}, "unique_users": {users}, "status": "{hour.status.value}"}}\n'
        )

    with _opened(file) as out:
        _write_lines(series, line, out)


def _write_lines(series: HourlySeries, line: Callable[[HourClicks], str], out: Writable) -> None:
    hours = iter(series)
    for _ in series.range:
        out.write("".join(map(line, islice(hours, HOURS))))


def _cell(text: str) -> str:
    """Write text so that every CSV reader returns it unchanged, and no spreadsheet runs it as a formula.

    Quotes also show the reader of a list of targets that blanks and invisible characters are intended.
    """
    harmless = "'" + text if text.startswith(_FORMULA) else text
    if _NEEDS_QUOTES.isdisjoint(harmless) and not has_blank_ends(harmless) and hidden(harmless) is None:
        return harmless
    return '"' + harmless.replace('"', '""') + '"'


@contextmanager
def _opened(file: Sink) -> Iterator[Writable]:
    """Open a path, readable by the owner only if the file is new, or use the stream as it is."""
    if not isinstance(file, str | os.PathLike):
        yield file
        return
    with open(file, "w", encoding="utf-8", newline="", opener=_private) as stream:
        yield stream


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
