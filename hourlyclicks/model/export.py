"""A series as rows, CSV and JSON Lines; each of them has every hour of the range.

The three states stay distinct: a count that is not known is empty (CSV) or ``null``, never 0, and the column
``status`` has the reason. Text is written a day at a time, so that years take no more memory than a day.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from itertools import chain, compress
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeAlias, TypedDict

from hourlyclicks.model.columns import MISSING
from hourlyclicks.model.day import HOURS, HourStatus
from hourlyclicks.model.spelling import has_blank_ends, hidden

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from hourlyclicks.model.columns import Columns
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
    target = csv_cell(str(series.target))
    with opened(file) as out:
        if header:
            out.write(",".join(COLUMNS) + "\n")
        _write_days(series, _CSV, lambda date: f"{target},{date}", out)


def write_jsonl(series: HourlySeries, file: Sink) -> None:
    """Write an object for each hour, in ASCII."""
    target = json.dumps(str(series.target))
    with opened(file) as out:
        _write_days(series, _JSONL, lambda date: f'{{"target": {target}, "date": "{date}"', out)


class _Lines(NamedTuple):
    """Templates of the 24 lines of a day: NUL stands for what all of them begin with, ``%d`` for a count."""

    reported: tuple[str, ...]
    not_reported: tuple[str, ...]
    not_fetched: tuple[str, ...]

    @classmethod
    def of(cls, line: str, unknown: str) -> Self:
        """Make the templates of one that has the hour, two counts and the status."""
        return cls(
            *(
                tuple(line % (hour, count, count, status.value) for hour in range(HOURS))
                for status, count in (
                    (HourStatus.REPORTED, "%d"),
                    (HourStatus.NOT_REPORTED, unknown),
                    (HourStatus.NOT_FETCHED, unknown),
                )
            )
        )


_CSV = _Lines.of("\0,%d,%s,%s,%s\n", "")
_JSONL = _Lines.of('\0, "hour": %d, "clicks": %s, "unique_users": %s, "status": "%s"}\n', "null")


def _write_days(
    series: HourlySeries, lines: _Lines, beginning: Callable[[dt.date], str], out: Writable
) -> None:
    """Write the lines of one day after the other, straight from the columns of the series."""
    columns = series._columns  # noqa: SLF001 - an object for each hour would take most of the time
    for place, date in enumerate(series.range):
        template, counts = _filled(lines, columns, place)
        out.write(template.replace("\0", beginning(date).replace("%", "%%")) % counts)


def _filled(lines: _Lines, columns: Columns, place: int) -> tuple[str, tuple[int, ...]]:
    """Return the template of a day, and the counts that fill it."""
    if columns.states[place] == MISSING:
        return "".join(lines.not_fetched), ()
    cells = slice(place * HOURS, (place + 1) * HOURS)
    marks = columns.reported[cells]
    counts = zip(columns.clicks[cells], columns.unique_users[cells], strict=True)
    if 0 not in marks:
        return "".join(lines.reported), tuple(chain.from_iterable(counts))
    choice = zip(marks, lines.reported, lines.not_reported, strict=True)
    template = "".join([known if mark else unknown for mark, known, unknown in choice])
    return template, tuple(chain.from_iterable(compress(counts, marks)))


def csv_cell(text: str) -> str:
    """Write text so that every CSV reader returns it unchanged, and no spreadsheet runs it as a formula.

    Quotes also show the reader of a list of targets that blanks and invisible characters are intended.
    """
    harmless = "'" + text if text.startswith(_FORMULA) else text
    if _NEEDS_QUOTES.isdisjoint(harmless) and not has_blank_ends(harmless) and hidden(harmless) is None:
        return harmless
    return '"' + harmless.replace('"', '""') + '"'


@contextmanager
def opened(file: Sink) -> Iterator[Writable]:
    """Open a path, readable by the owner only if the file is new, or use the stream as it is."""
    if not isinstance(file, str | os.PathLike):
        yield file
        return
    with open(file, "w", encoding="utf-8", newline="", opener=_private) as stream:
        yield stream


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
