"""A table in columns, in the memory layout of Arrow as far as the standard library has it.

Each library is given the same table: Arrow takes the buffers as they are, pandas copies them. So names, types
and nulls are defined once. A count is never copied on its way here: the buffer is the series' own.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from array import array

Values: TypeAlias = "array[int] | bytes | bytearray"


class Kind(Enum):
    """The type of a column, and what its values are."""

    TEXT = auto()
    """An index of `Column.labels`, one byte a row."""
    DATE = auto()
    """Days since 1970, ``int32``."""
    HOUR = auto()
    """An hour of the day, ``int8``."""
    TIME = auto()
    """Seconds since 1970 in UTC, ``int64``, to be shown in `Field.zone`."""
    COUNT = auto()
    """A count, ``int64``."""
    FLAG = auto()
    """1 or 0, one byte a row."""
    MOMENT = auto()
    """Microseconds since 1970 in UTC, ``int64``."""


@attrs.frozen
class Field:
    """The name and the type of a column.

    Args:
        name: the name.
        kind: the type.
        zone: the time zone of a `Kind.TIME`.
    """

    name: str
    kind: Kind
    zone: dt.tzinfo | None = None


@attrs.frozen
class Column:
    """The values of a column.

    Args:
        field: name and type.
        values: a value a row; see `Kind`.
        known: 1 for a row with a value, 0 for a null, one byte a row; ``None``: no value is null.
        labels: the texts of a `Kind.TEXT`.
    """

    field: Field
    values: Values
    known: bytes | bytearray | None = None
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)


@attrs.frozen
class Table:
    """Columns of one length.

    Args:
        columns: at least one.
    """

    columns: tuple[Column, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The names and the types of the columns."""
        return tuple([column.field for column in self.columns])

    def __len__(self) -> int:
        return len(self.columns[0])
