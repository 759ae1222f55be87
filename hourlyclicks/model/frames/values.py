"""The values of a table as objects of Python, for formats that have no columns."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypeAlias

from hourlyclicks.model.frames.table import Kind
from hourlyclicks.model.frames.wall_clock import EPOCH_DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hourlyclicks.model.frames.table import Column, Field, Table

Value: TypeAlias = str | int | bool | dt.date | dt.datetime | None

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def rows(table: Table, fields: Sequence[Field]) -> Iterator[tuple[Value, ...]]:
    """Iterate over the rows of a table.

    Args:
        table: the table.
        fields: which columns of it.
    """
    columns = {column.field: column for column in table.columns}
    return zip(*[values(columns[field]) for field in fields], strict=True)


def values(column: Column) -> list[Value]:
    """Return the values of a column; ``None`` for a null.

    A date is a `datetime.date`, a moment an aware `datetime.datetime`, a flag a `bool`.
    """
    of = _MAKERS[column.field.kind]
    if column.known is None:
        return [of(column, value) for value in column.values]
    return [
        of(column, value) if known else None for value, known in zip(column.values, column.known, strict=True)
    ]


def _text(column: Column, value: int) -> Value:
    return column.labels[value]


def _date(_: Column, value: int) -> Value:
    return dt.date.fromordinal(EPOCH_DAY + value)


def _number(_: Column, value: int) -> Value:
    return value


def _time(column: Column, value: int) -> Value:
    return (_EPOCH + dt.timedelta(seconds=value)).astimezone(column.field.zone)


def _flag(_: Column, value: int) -> Value:
    return bool(value)


def _moment(_: Column, value: int) -> Value:
    return _EPOCH + dt.timedelta(microseconds=value)


_MAKERS: dict[Kind, Callable[[Column, int], Value]] = {
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.HOUR: _number,
    Kind.TIME: _time,
    Kind.COUNT: _number,
    Kind.FLAG: _flag,
    Kind.MOMENT: _moment,
}
