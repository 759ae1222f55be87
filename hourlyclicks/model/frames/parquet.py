"""Tables as Parquet, a row group for each: one target is read without the others."""

from __future__ import annotations

from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, Self

from hourlyclicks.model.extras import needing
from hourlyclicks.model.frames.destinations import place_of
from hourlyclicks.model.frames.detachable import DetachableStream
from hourlyclicks.model.frames.table import Kind
from hourlyclicks.model.frames.tabular import Tabular

with needing("pyarrow", extra="parquet"):
    import pyarrow as pa
    import pyarrow.parquet as pq

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from hourlyclicks.model.frames.table import Field, Table

_SERIAL = frozenset({Kind.DATE, Kind.TIME})
_PARTITION_ROWS = 8_192
"""The rows of a row group of a partition, about those of a year of a target."""


class ParquetFile:
    """A file of tables with the same columns; use it with ``with``.

    Measured with a year of hours of a link: texts are small as dictionaries and days as differences, and
    counts are smallest as they are, because zstd sees more in them than in the indices of a dictionary. A
    link-year takes two thirds of what it takes with the defaults of pyarrow.

    Args:
        stream: where it is written; it stays open.
        fields: the columns.
        least: how many rows a row group has at least, unless it is the last one. Smaller tables wait for
            others. Each row group takes about 6 KB of memory until the file is closed.
    """

    def __init__(self, stream: IO[bytes], fields: Sequence[Field], *, least: int = 1) -> None:
        self._sink = DetachableStream(stream)
        self._least = least
        self._waiting: list[Any] = []
        self._writer: Any = pq.ParquetWriter(
            self._sink,
            pa.schema(_Whole(fields)),
            compression="zstd",
            use_dictionary=[field.name for field in fields if field.kind is Kind.TEXT],
            column_encoding={field.name: "DELTA_BINARY_PACKED" for field in fields if field.kind in _SERIAL},
        )

    def add(self, table: Table) -> None:
        """Write a table, as a row group if it is large enough."""
        self._waiting.append(pa.record_batch(_Whole(table.fields, table)))
        if sum(batch.num_rows for batch in self._waiting) >= self._least:
            self._write_group()

    def _write_group(self) -> None:
        group = pa.Table.from_batches(self._waiting)
        self._waiting.clear()
        self._writer.write_table(group, row_group_size=max(1, group.num_rows))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if self._waiting:
                    self._write_group()
                self._writer.close()
        finally:
            self._sink.abandon()
            self._writer.is_open = False


def write_parquet(tables: Iterable[Table], fields: Sequence[Field], where: str | os.PathLike[str]) -> None:
    """Write tables into one file; see `hourlyclicks.model.frames.destinations.writing`."""
    folder, name = place_of(where)
    with folder.transaction(), folder.writing(name) as stream, ParquetFile(stream, fields) as file:
        for table in tables:
            file.add(table)


def write_partitions(
    tables: Iterable[tuple[str, Table]], fields: Sequence[Field], where: str | os.PathLike[str]
) -> None:
    """Write tables into a folder, a file for each partition.

    All files are open until the last table is written, so that each of them is replaced as a whole.

    Args:
        tables: the name of the folder of the partition, such as ``month=2025-01``, and the table.
        fields: the columns.
        where: the folder.
    """
    folder, root = place_of(where)
    files: dict[str, ParquetFile] = {}
    with folder.transaction(), ExitStack() as stack:
        for partition, table in tables:
            if partition not in files:
                place = f"{root.rstrip('/')}/{partition}"
                folder.make(place)
                stream = stack.enter_context(folder.writing(f"{place}/clicks.parquet"))
                files[partition] = stack.enter_context(ParquetFile(stream, fields, least=_PARTITION_ROWS))
            files[partition].add(table)


class _Whole(Tabular):
    """A table that is made already, or only its columns.

    Args:
        fields: the columns.
        table: the table.
    """

    __slots__ = ("_known_fields", "_known_table")

    def __init__(self, fields: Sequence[Field], table: Table | None = None) -> None:
        self._known_fields = tuple(fields)
        self._known_table = table

    def _fields(self) -> tuple[Field, ...]:
        return self._known_fields

    def _table(self) -> Table:
        assert self._known_table is not None  # noqa: S101 - columns are never asked for rows
        return self._known_table
