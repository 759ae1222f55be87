"""What makes a value readable as a table: the Arrow PyCapsule interface, and three libraries by name.

No library is imported before one of these methods is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.extras import needing

if TYPE_CHECKING:
    import datetime as dt
    import os

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from hourlyclicks.model.frames.table import Field, Table


class Tabular:
    """A value that is a table."""

    __slots__ = ()

    def _fields(self) -> tuple[Field, ...]:
        """Return the columns of the table."""
        raise NotImplementedError

    def _table(self) -> Table:
        """Return the table."""
        raise NotImplementedError

    def __arrow_c_schema__(self) -> object:
        """Return the types of the columns, as an ``arrow_schema`` capsule.

        Raises:
            UsageError: nanoarrow is not installed (``hourlyclicks[arrow]``).
        """
        from hourlyclicks.model.frames.arrow import schema_capsule  # noqa: PLC0415 - nanoarrow is an extra

        return schema_capsule(self._fields())

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """Return an ``arrow_schema`` and an ``arrow_array`` capsule; the counts are not copied.

        Raises:
            UsageError: the requested schema has other columns, or one that cannot hold these values; or
                nanoarrow is not installed (``hourlyclicks[arrow]``).
        """
        from hourlyclicks.model.frames.arrow import array_capsules  # noqa: PLC0415 - nanoarrow is an extra

        return array_capsules(self._table(), requested_schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return an ``arrow_array_stream`` capsule of one batch; the counts are not copied.

        Raises:
            UsageError: as for ``__arrow_c_array__``.
        """
        from hourlyclicks.model.frames.arrow import stream_capsule  # noqa: PLC0415 - nanoarrow is an extra

        return stream_capsule(self._table(), requested_schema)

    def to_arrow(self) -> pa.Table:
        """Return a ``pyarrow.Table``; the counts are not copied.

        Raises:
            UsageError: pyarrow or nanoarrow is not installed (``hourlyclicks[parquet]``).
        """
        with needing("pyarrow", extra="parquet"):
            import pyarrow as pa  # noqa: PLC0415 - an extra

        return pa.table(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame of pandas; pyarrow is not needed.

        Counts are ``Int64``, texts are categories, ``final`` is ``boolean``, days are ``datetime64[s]``.

        Raises:
            UsageError: pandas is not installed (``hourlyclicks[pandas]``).
        """
        from hourlyclicks.model.frames.pandas import as_frame  # noqa: PLC0415 - pandas is an extra

        return as_frame(self._table())

    def to_polars(self) -> pl.DataFrame:
        """Return a data frame of polars.

        Raises:
            UsageError: polars or nanoarrow is not installed (``hourlyclicks[polars]``).
        """
        with needing("polars", extra="polars"):
            import polars as pl  # noqa: PLC0415 - an extra

        return pl.DataFrame(self)

    def write_parquet(self, where: str | os.PathLike[str]) -> None:
        """Write a Parquet file, which is there only when it is complete.

        Args:
            where: a path, or an address that fsspec knows, such as ``"s3://bucket/clicks.parquet"``. A new
                local file can be read by its owner only.

        Raises:
            UsageError: pyarrow or nanoarrow is not installed (``hourlyclicks[parquet]``); or fsspec does not
                know the address, or lacks a library for it.
            OSError: the file cannot be written; an old one is untouched.
        """
        from hourlyclicks.model.frames.parquet import write_parquet  # noqa: PLC0415 - pyarrow is an extra

        write_parquet([self._table()], self._fields(), where)

    def write_excel(self, path: str | os.PathLike[str]) -> None:
        """Write an Excel workbook of one sheet, which is there only when it is complete.

        A count that is not known is an empty cell, text is never a formula, and ``fetched_at`` is in UTC.

        Args:
            path: the file. A new one can be read by its owner only.

        Raises:
            UsageError: the table has more than 1,048,575 rows, moments of a time zone or days before 1900,
                which Excel does not have; or xlsxwriter is not installed (``hourlyclicks[excel]``).
            OSError: the file cannot be written; an old one is untouched.
        """
        from hourlyclicks.model.frames.excel import write_excel  # noqa: PLC0415 - xlsxwriter is an extra

        write_excel(self._table(), path)


class HourlyTabular(Tabular):
    """A value that is a table of hours, to which a column ``time`` can be added."""

    __slots__ = ()

    def _fields(self, zone: dt.tzinfo | None = None) -> tuple[Field, ...]:
        """Return the columns of the table, with a column ``time`` if there is a zone."""
        raise NotImplementedError

    def _table(self, zone: dt.tzinfo | None = None) -> Table:
        """Return the table, with a column ``time`` if there is a zone."""
        raise NotImplementedError

    def frame(self, *, timezone: str | dt.tzinfo | None = None) -> HourlyFrame:
        """Return the same table, with the moment at which each hour began in a column ``time``.

        A day has 24 rows whatever the clocks did on it. An hour that the clock skipped has no ``time``; an
        hour that it repeated has that of its first occurrence.

        Args:
            timezone: the time zone of the account, an IANA name or a `tzinfo`; ``None``: without ``time``.

        Raises:
            UsageError: there is no such time zone.
        """
        from hourlyclicks.model.zones import as_zone  # noqa: PLC0415 - `day` is below `dates`

        return HourlyFrame(self, as_zone(timezone))

    def to_arrow(self, *, timezone: str | dt.tzinfo | None = None) -> pa.Table:
        """Return a ``pyarrow.Table``; the counts are not copied.

        Args:
            timezone: adds a column ``time``; see `frame`.

        Raises:
            UsageError: there is no such time zone; or pyarrow or nanoarrow is not installed
                (``hourlyclicks[parquet]``).
        """
        return Tabular.to_arrow(self.frame(timezone=timezone))

    def to_pandas(self, *, timezone: str | dt.tzinfo | None = None) -> pd.DataFrame:
        """Return a data frame of pandas; pyarrow is not needed.

        Counts are ``Int64``, texts are categories, ``final`` is ``boolean``, ``date`` is ``datetime64[s]``.

        Args:
            timezone: adds a column ``time``; see `frame`. It is not the index, because an index cannot hold
                the nulls of skipped hours without losing rows.

        Raises:
            UsageError: there is no such time zone; or pandas is not installed (``hourlyclicks[pandas]``).
        """
        return Tabular.to_pandas(self.frame(timezone=timezone))

    def to_polars(self, *, timezone: str | dt.tzinfo | None = None) -> pl.DataFrame:
        """Return a data frame of polars.

        Args:
            timezone: adds a column ``time``; see `frame`.

        Raises:
            UsageError: there is no such time zone; or polars or nanoarrow is not installed
                (``hourlyclicks[polars]``).
        """
        return Tabular.to_polars(self.frame(timezone=timezone))

    def write_parquet(
        self, where: str | os.PathLike[str], *, timezone: str | dt.tzinfo | None = None
    ) -> None:
        """Write a Parquet file, which is there only when it is complete.

        Args:
            where: a path, or an address that fsspec knows, such as ``"s3://bucket/clicks.parquet"``. A new
                local file can be read by its owner only.
            timezone: adds a column ``time``; see `frame`. It is in milliseconds, since Parquet has no unit of
                a second.

        Raises:
            UsageError: there is no such time zone; or pyarrow or nanoarrow is not installed
                (``hourlyclicks[parquet]``); or fsspec does not know the address, or lacks a library for it.
            OSError: the file cannot be written; an old one is untouched.
        """
        Tabular.write_parquet(self.frame(timezone=timezone), where)


class HourlyFrame(Tabular):
    """A table of hours with a column ``time``; made by `HourlySeries.frame`.

    Any library that reads Arrow takes it: ``polars.DataFrame(frame)``, ``pyarrow.table(frame)``.

    Args:
        source: where the figures are; they are read when the table is.
        zone: the time zone of ``time``; ``None``: there is no such column.
    """

    __slots__ = ("_source", "_zone")

    def __init__(self, source: HourlyTabular, zone: dt.tzinfo | None) -> None:
        self._source = source
        self._zone = zone

    def _fields(self) -> tuple[Field, ...]:
        return self._source._fields(self._zone)

    def _table(self) -> Table:
        return self._source._table(self._zone)  # noqa: SLF001 - two halves of one value

    def __repr__(self) -> str:
        return f"<HourlyFrame of {self._source!r}, time zone {self._zone}>"
