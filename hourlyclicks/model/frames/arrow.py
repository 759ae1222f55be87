"""A table for any library that reads Arrow, through the PyCapsule interface.

https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html

Only nanoarrow is needed. It makes no copy of a buffer and keeps the object that owns it. Text is plain utf8,
because nanoarrow cannot make dictionaries from buffers.
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import UsageError
from hourlyclicks.model.extras import needing
from hourlyclicks.model.frames.table import Kind
from hourlyclicks.model.frames.wall_clock import name_of

with needing("nanoarrow", extra="arrow"):
    import nanoarrow as na

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hourlyclicks.model.frames.table import Column, Field, Table

_LARGE = 2**31
_DIGITS = b"01" + bytes(254)
_TYPES = {
    Kind.TEXT: na.string(),
    Kind.DATE: na.date32(),
    Kind.HOUR: na.int8(),
    Kind.COUNT: na.int64(),
    Kind.FLAG: na.bool_(),
    Kind.MOMENT: na.timestamp("us", timezone="UTC"),
}
_LARGE_TEXT = na.large_string()
_INTEGERS = frozenset("cCsSiIlL")
_COMPATIBLE = {
    Kind.TEXT: frozenset({"u", "U", "vu"}) | _INTEGERS,  # integers are the indices of a dictionary
    Kind.DATE: frozenset({"tdD", "tdm"}),
    Kind.HOUR: _INTEGERS,
    Kind.TIME: frozenset({"tss", "tsm", "tsu", "tsn"}),
    Kind.COUNT: _INTEGERS,
    Kind.FLAG: frozenset("b"),
    Kind.MOMENT: frozenset({"tss", "tsm", "tsu", "tsn"}),
}
"""The formats of the types that represent the same values."""


def schema_capsule(fields: Sequence[Field]) -> object:
    """Return an ``arrow_schema`` capsule."""
    return na.c_schema(_struct(fields, _types(fields, None))).__arrow_c_schema__()


def array_capsules(table: Table, requested: object) -> tuple[object, object]:
    """Return an ``arrow_schema`` and an ``arrow_array`` capsule; see `stream_capsule`."""
    capsules: tuple[object, object] = _array(table, requested).__arrow_c_array__()
    return capsules


def stream_capsule(table: Table, requested: object) -> object:
    """Return an ``arrow_array_stream`` capsule of one batch.

    Args:
        table: the table.
        requested: an ``arrow_schema`` capsule, or ``None``. As the interface permits, a request is met as far
            as possible: the text may be requested as ``large_string``, other types stay as they are.

    Raises:
        UsageError: the requested schema has other columns, or a column of values that these cannot represent.
    """
    from nanoarrow.c_array_stream import CArrayStream  # noqa: PLC0415 - nanoarrow does not name it itself

    whole = _array(table, requested)
    return CArrayStream.from_c_arrays([whole], whole.schema, validate=False).__arrow_c_stream__()


def _array(table: Table, requested: object) -> Any:  # noqa: ANN401 - nanoarrow has no types
    types = _types(table.fields, requested)
    children = [_child(column, kind) for column, kind in zip(table.columns, types, strict=True)]
    return na.c_array_from_buffers(
        _struct(table.fields, types), len(table), [None], null_count=0, children=children
    )


def _struct(fields: Sequence[Field], types: Sequence[Any]) -> Any:  # noqa: ANN401 - as above
    return na.struct({field.name: kind for field, kind in zip(fields, types, strict=True)})


def _types(fields: Sequence[Field], requested: object) -> list[Any]:
    """Return the types of the columns; a requested schema chooses among those that can be made."""
    own = [_type(field) for field in fields]
    if requested is None:
        return own
    schema = na.c_schema(requested)
    wanted = list(schema.children)
    if schema.format != "+s" or [child.name for child in wanted] != [field.name for field in fields]:
        names = ", ".join([field.name for field in fields])
        raise UsageError(f"the requested Arrow schema must have the columns {names}")
    for field, child in zip(fields, wanted, strict=True):
        if child.format.partition(":")[0] not in _COMPATIBLE[field.kind]:
            raise UsageError(f"the column {field.name} cannot be of the Arrow type {child.format!r}")
    return [_LARGE_TEXT if child.format == "U" else kind for child, kind in zip(wanted, own, strict=True)]


def _type(field: Field) -> Any:  # noqa: ANN401 - as above
    if field.kind is Kind.TIME and field.zone is not None:
        return na.timestamp("s", timezone=name_of(field.zone))
    return _TYPES[field.kind]


def _child(column: Column, kind: Any) -> Any:  # noqa: ANN401 - as above
    nulls = 0 if column.known is None else column.known.count(0)
    known = _bitmap(column.known) if nulls and column.known is not None else None
    values = _buffers(column, large=kind is _LARGE_TEXT)
    return na.c_array_from_buffers(kind, len(column), [known, *values], null_count=nulls)


def _buffers(column: Column, *, large: bool) -> tuple[object, ...]:
    if column.field.kind is Kind.TEXT:
        return _text(column, large=large)
    if column.field.kind is Kind.FLAG:
        return (_bitmap(column.values),)
    return (column.values,)


def _text(column: Column, *, large: bool) -> tuple[array[int], bytes]:
    """Return the offsets and the bytes of a column of text."""
    labels = [label.encode() for label in column.labels]
    rows, codes = len(column), bytes(column.values)
    ends: Iterable[int]
    if rows and codes.count(codes[:1]) == rows:  # one label, as of a target: no look at each row
        size = len(labels[codes[0]])
        text, ends = labels[codes[0]] * rows, range(0, size * rows + 1, size)
    else:
        text = b"".join(map(labels.__getitem__, codes))
        ends = accumulate(map([len(label) for label in labels].__getitem__, codes), initial=0)
    if len(text) >= _LARGE and not large:
        raise UsageError(f"the column {column.field.name} is too long for Arrow: take a slice of the days")
    return array("q" if large else "i", ends), text


def _bitmap(known: Any) -> bytes:  # noqa: ANN401 - bytes of any kind
    """Pack bytes of 1 and 0 into bits, the first one in the lowest bit."""
    size = len(known)
    digits = bytes(known)[::-1].translate(_DIGITS) or b"0"
    return int(digits, 2).to_bytes((size + 7) // 8, "little")
