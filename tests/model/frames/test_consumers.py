"""What other libraries read in a frame: the same sums and the same nulls, in each of seven."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.frames.tabular import Tabular
from tests.model.frames.sample import BERLIN, a_series

Sums = tuple[int, ...]
"""Clicks, unique users, hours without clicks, hours without a time, rows."""

QUERY = (
    "SELECT sum(clicks), sum(unique_users), count(*) - count(clicks), count(*) - count(time), count(*) FROM"
)


def in_pyarrow(source: Tabular) -> Sums:
    """Add up with pyarrow."""
    pc = pytest.importorskip("pyarrow.compute")
    table = pytest.importorskip("pyarrow").table(source)
    clicks, users = (pc.sum(table[name]).as_py() for name in ("clicks", "unique_users"))
    return clicks, users, table["clicks"].null_count, table["time"].null_count, table.num_rows


def in_polars(source: Tabular) -> Sums:
    """Add up with polars."""
    frame = pytest.importorskip("polars").DataFrame(source)
    nulls = frame.null_count().row(0, named=True)
    sums = frame.select("clicks", "unique_users").sum().row(0)
    return *sums, nulls["clicks"], nulls["time"], len(frame)


def in_pandas(source: Tabular) -> Sums:
    """Add up with pandas."""
    pytest.importorskip("pandas")
    frame = source.to_pandas()
    sums = (int(frame[name].sum()) for name in ("clicks", "unique_users"))
    nulls = (int(frame[name].isna().sum()) for name in ("clicks", "time"))
    return (*sums, *nulls, len(frame))


def in_duckdb(source: Tabular) -> Sums:
    """Add up with DuckDB."""
    duckdb = pytest.importorskip("duckdb")
    with closing(duckdb.connect()) as db:
        db.register("hours", source)
        return tuple(*db.execute(f"{QUERY} hours").fetchall())


def in_narwhals(source: Tabular) -> Sums:
    """Add up with narwhals, which asks polars."""
    nw, pl = pytest.importorskip("narwhals"), pytest.importorskip("polars")
    frame = nw.from_arrow(source, backend=pl)
    sums = frame.select(nw.col("clicks", "unique_users").sum()).row(0)
    nulls = frame.select(nw.col("clicks", "time").null_count()).row(0)
    return (*sums, *nulls, len(frame))


def in_ibis(source: Tabular) -> Sums:
    """Add up with ibis, which asks DuckDB."""
    ibis = pytest.importorskip("ibis")
    table, db = ibis.memtable(source), ibis.duckdb.connect()
    try:
        sums = [int(db.execute(table[name].sum())) for name in ("clicks", "unique_users")]
        nulls = [int(db.execute(table[name].isnull().sum())) for name in ("clicks", "time")]
        return (*sums, *nulls, int(db.execute(table.count())))
    finally:
        db.disconnect()


def in_adbc(source: Tabular, path: Path) -> Sums:
    """Add up in a database of SQLite that an ADBC driver has filled."""
    dbapi = pytest.importorskip("adbc_driver_sqlite.dbapi")
    with dbapi.connect(str(path)) as db, db.cursor() as cursor:
        cursor.adbc_ingest("hours", source)
        db.commit()
    with closing(sqlite3.connect(path)) as db:
        return tuple(db.execute(f"{QUERY} hours").fetchone())


def expected() -> Sums:
    """Add up the series itself."""
    hours = list(a_series())
    users = sum(hour.unique_users or 0 for hour in hours)
    nulls = sum(hour.clicks is None for hour in hours)
    return a_series().total_clicks, users, nulls, 1, len(hours)


IBIS_READS_PANDAS = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option is deprecated")


@pytest.mark.parametrize(
    "read",
    [
        in_pyarrow,
        in_polars,
        in_pandas,
        in_duckdb,
        in_narwhals,
        pytest.param(in_ibis, marks=IBIS_READS_PANDAS),
    ],
)
def test_every_library_reads_the_same(read: Callable[[Tabular], Sums]) -> None:
    """Sums and nulls are those of the series."""
    assert read(a_series().frame(timezone=BERLIN)) == expected()


def test_an_adbc_driver_reads_the_same(tmp_path: Path) -> None:
    """A table can be ingested as it is."""
    assert in_adbc(a_series().frame(timezone=BERLIN), tmp_path / "hours.db") == expected()


def test_the_methods_return_the_frames_of_their_libraries() -> None:
    """`to_polars` and `to_arrow` return what these libraries make of the value, with `time` on request."""
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    known = a_series()
    assert known.to_arrow(timezone=BERLIN) == pa.table(known.frame(timezone=BERLIN))
    assert known.to_polars(timezone=BERLIN).equals(pl.DataFrame(known.frame(timezone=BERLIN)))
    assert known.to_polars().columns == pa.table(known).column_names
    assert known.to_polars().schema["clicks"] == pl.Int64


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without polars, one sentence names the extra."""
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match=r"^this needs polars: pip install 'hourlyclicks\[polars\]'$"):
        a_series().to_polars()
