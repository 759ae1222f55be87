import datetime as dt
import gc
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from hourlyclicks.errors import UsageError
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.grid import Grid
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.targets import Account, Link
from tests.model.frames.sample import AT, BERLIN, DAYS, a_series
from tests.model.strategies import FIRST, NOON, a_day, series
from tests.sizes import examples

COLUMNS = {
    "target": "string",
    "date": "date32",
    "hour": "int8",
    "time": ("timestamp", "s", BERLIN),
    "clicks": "int64",
    "unique_users": "int64",
    "status": "string",
    "final": "bool_",
    "fetched_at": ("timestamp", "us", "UTC"),
}
"""The columns, with the functions of pyarrow that make their types."""
WITHOUT_TIME = {name: kind for name, kind in COLUMNS.items() if name != "time"}
LARGE = WITHOUT_TIME | {"target": "large_string", "status": "large_string"}


@pytest.fixture
def pa() -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return pyarrow, which takes long to import."""
    return pytest.importorskip("pyarrow")


def schema_of(columns: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Return a schema of pyarrow."""
    pa = pytest.importorskip("pyarrow")
    kinds = {name: (kind,) if isinstance(kind, str) else kind for name, kind in columns.items()}
    return pa.schema({name: getattr(pa, kind[0])(*kind[1:]) for name, kind in kinds.items()})


def rows(known: HourlySeries) -> list[dict[str, object]]:
    """Return what the rows of a table should be, from the rows and the days of the series."""
    answers = {day.date: day for day in known.days()}
    found = []
    for row in known.to_rows():
        date = dt.date.fromisoformat(row["date"])
        answer = answers.get(date)
        found.append(
            dict(row, date=date)
            | {"final": answer and answer.final, "fetched_at": answer and answer.fetched_at}
        )
    return found


def address(counts: Grid) -> int:
    """Return where the memory of counts is."""
    np = pytest.importorskip("numpy")
    found: int = np.asarray(counts.zero_filled).ctypes.data
    return found


@settings(max_examples=examples(100))
@given(series())
def test_a_table_has_the_rows_of_the_series(known: HourlySeries) -> None:
    """A table is valid, and equal to `to_rows` cell by cell, with the state of the day."""
    pa = pytest.importorskip("pyarrow")
    table = pa.table(known)
    table.validate(full=True)
    assert table.to_pylist() == rows(known)


def test_a_long_series_has_its_rows(pa: Any) -> None:  # noqa: ANN401 - as above
    """The same for a year with gaps and both changes of the clock."""
    known = a_series()
    table = pa.table(known)
    table.validate(full=True)
    assert table.to_pylist() == rows(known)
    assert table.schema == schema_of(WITHOUT_TIME)
    assert set(table["status"].to_pylist()) == {"reported", "not_reported", "not_fetched"}


def test_counts_are_not_copied(pa: Any) -> None:  # noqa: ANN401 - as above
    """The buffers of both counts are at the addresses of the series' own, with a column `time` as well."""
    known = a_series()
    for source in (known, known.frame(timezone=BERLIN)):
        table = pa.table(source)
        for name in ("clicks", "unique_users"):
            assert table[name].chunk(0).buffers()[1].address == address(getattr(known, name))


@pytest.mark.usefixtures("own_garbage")
def test_a_table_outlives_its_series(pa: Any) -> None:  # noqa: ANN401 - as above
    """The memory is kept as long as a table refers to it."""
    known = a_series()
    expected = rows(known)
    table = pa.table(known.frame())
    del known
    gc.collect()
    assert table.to_pylist() == expected


def test_a_slice_is_a_table_of_its_days(pa: Any) -> None:  # noqa: ANN401 - as above
    """Slices share nothing with the rest of a series."""
    part = a_series()["2025-04-01":"2025-04-02"]
    assert pa.table(part).to_pylist() == rows(part)


def test_time_is_null_where_the_clock_skipped_the_hour(pa: Any) -> None:  # noqa: ANN401 - as above
    """A frame has 24 rows a day, in the order of the columns; `time` reads back as date and hour."""
    table = pa.table(a_series().frame(timezone=BERLIN))
    assert table.schema == schema_of(COLUMNS)
    assert len(table) == len(DAYS) * 24
    skipped = [row for row in table.to_pylist() if row["time"] is None]
    assert [(row["date"], row["hour"]) for row in skipped] == [(dt.date(2025, 3, 30), 2)]
    assert [
        row
        for row in table.to_pylist()
        if row["time"] is not None and (row["time"].date(), row["time"].hour) != (row["date"], row["hour"])
    ] == []


def test_a_frame_without_a_zone_is_the_series(pa: Any) -> None:  # noqa: ANN401 - as above
    """Without a zone there is no column `time`, and a zone that does not exist is refused."""
    known = a_series()
    assert pa.table(known.frame()) == pa.table(known)
    with pytest.raises(UsageError, match="no such time zone"):
        known.frame(timezone="Europe/Atlantis")
    assert "Europe/Berlin" in repr(known.frame(timezone=BERLIN))


def test_the_schema_is_known_without_the_figures(pa: Any) -> None:  # noqa: ANN401 - as above
    """The schema is that of the table, of an array and of a stream."""
    known = a_series().frame(timezone=BERLIN)
    assert pa.schema(known) == schema_of(COLUMNS)
    assert pa.record_batch(known).schema == schema_of(COLUMNS)
    assert pa.RecordBatchReader.from_stream(known).schema == schema_of(COLUMNS)


def test_text_can_be_requested_as_large_strings(pa: Any) -> None:  # noqa: ANN401 - as above
    """A requested schema is met where that is possible, with the same values."""
    known = a_series()
    wanted = schema_of(LARGE)
    for table in (pa.table(known, schema=wanted), pa.record_batch(known, schema=wanted)):
        assert table.schema == wanted
        assert table.to_pylist() == rows(known)


class Native:
    """A value whose `requested_schema` was dropped, to see what ours answers to it.

    Args:
        source: the value.
        wanted: the schema that is requested.
    """

    def __init__(self, source: HourlySeries, wanted: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self._source = source
        self._wanted = wanted

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Request the schema."""
        return self._source.__arrow_c_stream__(self._wanted.__arrow_c_schema__())


@pytest.mark.parametrize(
    "other",
    [
        {"clicks": "int32"},
        {"target": "string_view"},
        {"fetched_at": ("timestamp", "ns", "UTC")},
        {"hour": "uint16"},
    ],
)
def test_other_representations_are_answered_with_ours(pa: Any, other: dict[str, Any]) -> None:  # noqa: ANN401 - as above
    """A schema of the same values in another form gets our own schema, as the interface permits."""
    known = a_series()
    assert pa.table(Native(known, schema_of(WITHOUT_TIME | other))) == pa.table(known)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (COLUMNS, "must have the columns target, date, hour, clicks"),
        ({"clicks": "int64"}, "must have the columns"),
        (WITHOUT_TIME | {"clicks": "string"}, "clicks cannot be of the Arrow type 'u'"),
        (WITHOUT_TIME | {"date": "int32"}, "date cannot be"),
        (WITHOUT_TIME | {"target": "binary"}, "target cannot be"),
    ],
)
def test_another_table_cannot_be_requested(wanted: dict[str, Any], message: str) -> None:
    """A schema of other columns or other values is an error."""
    requested = schema_of(wanted)
    with pytest.raises(UsageError, match=message):
        a_series().__arrow_c_stream__(requested.__arrow_c_schema__())
    with pytest.raises(UsageError, match=message):
        a_series().__arrow_c_array__(requested.__arrow_c_schema__())


def test_a_day_is_a_table_without_a_target(pa: Any) -> None:  # noqa: ANN401 - as above
    """A day has 24 rows, which are those of a series of that day."""
    day = a_day(FIRST)
    whole = pa.table(day)
    whole.validate(full=True)
    assert whole.column_names == list(WITHOUT_TIME)[1:]
    assert whole["clicks"].to_pylist() == list(day.clicks)
    assert set(whole["fetched_at"].to_pylist()) == {NOON}
    assert pa.table(day.frame(timezone="UTC"))["time"][23].as_py().hour == 23


def test_days_are_a_table_of_their_sums(pa: Any) -> None:  # noqa: ANN401 - as above
    """A series of days has one row a day, with its state and when it was requested."""
    days = DateRange.of("2025-01-01", "2025-01-03")
    known = [
        DailyClicks(dt.date(2025, 1, 1), 5, 3, AT, final=True),
        DailyClicks(dt.date(2025, 1, 2), None, None, AT, final=False),
    ]
    table = pa.table(DailySeries.of(Account(), days, known))
    table.validate(full=True)
    expected = [
        (dt.date(2025, 1, 1), 5, 3, "reported", True, AT),
        (dt.date(2025, 1, 2), None, None, "not_reported", False, AT),
        (dt.date(2025, 1, 3), None, None, "not_fetched", None, None),
    ]
    names = [name for name in WITHOUT_TIME if name != "hour"]
    assert table.to_pylist() == [dict(zip(names, ("account", *row), strict=True)) for row in expected]
    assert table.schema == schema_of({name: COLUMNS[name] for name in names})


def test_text_beyond_arrow_is_refused(pa: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401 - as above
    """A column of more text than a column can have is an error that names the column."""
    monkeypatch.setattr("hourlyclicks.model.frames.arrow._LARGE", 1_000)
    long = a_series(Link("x" * 100, "https://vvd.bz"))
    with pytest.raises(UsageError, match="target is too long for Arrow: take a slice of the days"):
        pa.table(long)
    assert pa.table(long, schema=schema_of(LARGE)).num_rows == len(long)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without nanoarrow or pyarrow, one sentence names the extra."""
    known = a_series()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"^this needs pyarrow: pip install 'hourlyclicks\[parquet\]'$"):
        known.to_arrow()
    monkeypatch.setitem(sys.modules, "nanoarrow", None)
    monkeypatch.delitem(sys.modules, "hourlyclicks.model.frames.arrow", raising=False)
    for export in (known.__arrow_c_stream__, known.__arrow_c_array__, known.__arrow_c_schema__):
        with pytest.raises(UsageError, match=r"^this needs nanoarrow: pip install 'hourlyclicks\[arrow\]'$"):
            export()


def test_a_day_of_another_type_is_a_usage_error(pa: Any) -> None:  # noqa: ANN401 - as above
    """Counts that are no integers are refused when a day becomes a table."""
    day = DayClicks(FIRST, ("1", *[None] * 23), (1, *[None] * 23), NOON, final=True)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(UsageError, match="no integer of 64 bits"):
        pa.table(day)
