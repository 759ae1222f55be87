"""`scan`: all figures of a store, one target at a time, for synchronous code and for readers of Arrow.

A scan opens nothing before it is read, and closes what it has opened when the reading ends, in whichever way.
Each reading is one of its own, with its own connection. It holds one series at a time, so the memory does not
grow with the number of targets.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Self, cast

from hourlyclicks.errors import UsageError
from hourlyclicks.model.checks import check_name
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.extras import needing
from hourlyclicks.model.frames.hours import NoHours
from hourlyclicks.model.frames.layouts import hourly_layout
from hourlyclicks.model.targets import Account, Group, Link
from hourlyclicks.model.zones import as_zone
from hourlyclicks.scanning.months import by_month
from hourlyclicks.scanning.pull import Pull
from hourlyclicks.scanning.reading import Selection, read
from hourlyclicks.store.opening import store_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from hourlyclicks.model.frames.tabular import HourlyFrame
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target


def scan(
    store: str | os.PathLike[str],
    start: dt.date | str | None = None,
    end: dt.date | str | None = None,
    *,
    targets: Iterable[Target] | Target | None = None,
    account: str | None = None,
    timezone: str | dt.tzinfo | None = None,
) -> Scan:
    """Return the figures of a store, to be read one target at a time. It needs no API key and sends nothing.

    ::

        for series in scan("clicks.db", "2025-01-01", "2025-12-31"):
            print(series.target, series.total_clicks)

        polars.DataFrame(scan("clicks.db"))
        duckdb.sql("SELECT target, sum(clicks) FROM hours GROUP BY ALL")  # with hours = scan("clicks.db")

    Args:
        store: the path of a SQLite file, or a ``postgresql://`` address. It is opened read-only.
        start: the first day, a date or ``"YYYY-MM-DD"``; ``None``: of each target the first day with figures.
        end: the last day; ``None``: of each target the last day with figures.
        targets: a target, or several in this order; ``None``: all that the store has.
        account: the name that ``Client(account=…)`` gave the account, or at least the first 8 digits of its
            fingerprint; ``None``: the only account there is.
        timezone: adds a column ``time`` to tables, the moment at which each hour began; an IANA name or a
            `tzinfo`. See `HourlySeries.frame`.

    Raises:
        UsageError: an argument is invalid, or asyncpg is not installed.
    """
    if not isinstance(store, str | os.PathLike):
        raise UsageError(f"a scan opens its store itself: give it a path or an address, not {store!r}")
    store_of(store, read_only=True)  # raises for a name that is none; it is not opened
    if account is not None:
        check_name("account", account)
    first = None if start is None else as_day(start)
    last = None if end is None else as_day(end)
    DateRange(first or dt.date.min, last or dt.date.max)  # raises for reversed ends
    chosen = None if targets is None else _targets(targets)
    return Scan(Selection(store, first, last, chosen, account), as_zone(timezone))


def _targets(targets: Iterable[Target] | Target) -> tuple[Target, ...]:
    found: tuple[object, ...] = (
        (targets,) if isinstance(targets, Account | Group | Link | str) else tuple(targets)
    )
    for target in found:
        if not isinstance(target, Account | Group | Link):
            raise UsageError(f"a target is an Account, a Group or a Link, not {target!r}")
    return tuple(dict.fromkeys(cast("tuple[Target, ...]", found)))


class Scan:
    """The figures of a store, read each time this is iterated; made by `scan`.

    Iterating gives an `HourlySeries` for each target that has days. A target without any figures is left out,
    unless both ends of the range are given. Each series is read in one go, but other processes may write
    between two of them.

    Libraries that read Arrow take a scan as one table, a batch for each target:
    ``pyarrow.RecordBatchReader.from_stream(scan)``, ``polars.DataFrame(scan)``, ``duckdb.register("hours",
    scan)``. That needs pyarrow (``hourlyclicks[parquet]``). The columns are those of `HourlySeries.frame`.

    It can be read any number of times, from any thread, and in the thread of a running event loop, which it
    blocks. A reading that is left half-way closes the store when the iterator is closed or collected. ``with
    scan(…) as figures:`` closes all readings at its end; afterwards they raise a `UsageError`.

    While it is read it raises a `StoreError` if the store cannot be read, and a `UsageError` if there is no
    such account, or several and none was named. Another library that reads the stream raises an error of its
    own with the same text, since Arrow hands on no more than that.
    """

    def __init__(self, selection: Selection, zone: dt.tzinfo | None) -> None:
        self._selection = selection
        self._zone = zone
        self._pulls: set[Pull[HourlySeries]] = set()
        self._closed = False

    def __iter__(self) -> Iterator[HourlySeries]:
        if self._closed:
            raise UsageError("the scan is closed")
        pull = Pull(lambda: read(self._selection), "hourlyclicks scan")
        self._pulls.add(pull)
        try:
            while found := pull.next():
                yield found.pop()  # without a reference to it while the next one is read
        finally:
            pull.close()
            self._pulls.discard(pull)

    def frames(self) -> Iterator[HourlyFrame]:
        """Iterate over the series as tables, with a column ``time`` if the scan has a time zone."""
        for series in self:
            yield series.frame(timezone=self._zone)

    def to_pandas(self) -> pd.DataFrame:
        """Return all figures as one data frame of pandas; pyarrow is not needed.

        The types are those of `HourlySeries.to_pandas`; all targets are categories of one column. An hour
        takes about 50 bytes.

        Raises:
            UsageError: pandas is not installed (``hourlyclicks[pandas]``).
        """
        from hourlyclicks.model.frames.pandas import concatenated  # noqa: PLC0415 - pandas is an extra

        empty = NoHours().to_pandas(timezone=self._zone)
        return concatenated((frame.to_pandas() for frame in self.frames()), empty)

    def to_polars(self) -> pl.DataFrame:
        """Return all figures as one data frame of polars; pyarrow is not needed.

        Raises:
            UsageError: polars or nanoarrow is not installed (``hourlyclicks[polars]``).
        """
        with needing("polars", extra="polars"):
            import polars as pl  # noqa: PLC0415 - an extra

        frames = [frame.to_polars() for frame in self.frames()]
        return pl.concat(frames) if frames else NoHours().to_polars(timezone=self._zone)

    def __arrow_c_schema__(self) -> object:
        """Return the types of the columns, as an ``arrow_schema`` capsule; the store is not opened.

        Raises:
            UsageError: nanoarrow is not installed (``hourlyclicks[arrow]``).
        """
        return NoHours().frame(timezone=self._zone).__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return an ``arrow_array_stream`` capsule, a batch for each target, read when it is asked for.

        Args:
            requested_schema: an ``arrow_schema`` capsule, to whose types the batches are cast.

        Raises:
            UsageError: pyarrow or nanoarrow is not installed (``hourlyclicks[parquet]``).
        """
        return self.reader().__arrow_c_stream__(requested_schema)

    def reader(self) -> pa.RecordBatchReader:
        """Return a ``pyarrow.RecordBatchReader``, a batch for each target, read when it is asked for.

        Raises:
            UsageError: pyarrow or nanoarrow is not installed (``hourlyclicks[parquet]``).
        """
        with needing("pyarrow", extra="parquet"):
            import pyarrow as pa  # noqa: PLC0415 - an extra

        return pa.RecordBatchReader.from_batches(
            pa.schema(self), (pa.record_batch(frame) for frame in self.frames())
        )

    def write_parquet(self, where: str | os.PathLike[str], *, partition_by: str | None = None) -> None:
        """Write all figures as Parquet; the memory does not grow with the number of targets.

        Args:
            where: a path, or an address that fsspec knows, such as ``"s3://bucket/clicks.parquet"``.
            partition_by: ``None``: one file, with a row group for each target. ``"month"``: `where` is a
                folder with a file for each month, ``month=2025-01/clicks.parquet``, as DuckDB, polars and
                others read them by the names of their folders. Files of other months stay.

        No file is there before it is complete, and all files are replaced at the end. A new local file can be
        read by its owner only.

        Raises:
            UsageError: `partition_by` is something else; pyarrow or nanoarrow is not installed
                (``hourlyclicks[parquet]``); fsspec does not know the address, or lacks a library for it; and
                as for iterating.
            StoreError: the store cannot be read.
            OSError: a file cannot be written; an old one is untouched.
        """
        if partition_by not in {None, "month"}:
            raise UsageError(f'partition_by is None or "month", not {partition_by!r}')
        from hourlyclicks.model.frames.parquet import (  # noqa: PLC0415 - pyarrow is an extra
            write_parquet,
            write_partitions,
        )

        layout = hourly_layout(self._zone)
        if partition_by is None:
            write_parquet(map(layout.table, self), layout.fields, where)
        else:
            parts = ((month, layout.table(part)) for series in self for month, part in by_month(series))
            write_partitions(parts, layout.fields, where)

    def close(self) -> None:
        """Close all readings that are under way."""
        self._closed = True
        for pull in tuple(self._pulls):
            pull.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Scan of {self._selection}>"
