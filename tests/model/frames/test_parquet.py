"""Parquet files."""

from __future__ import annotations

import gc
import io
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.frames.layouts import hourly_layout
from hourlyclicks.model.targets import Account, Link
from tests.model.frames.sample import AT, BERLIN, DAYS, a_series

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = """
import sys
sys.modules["{library}"] = None
from hourlyclicks import UsageError
from tests.model.frames.sample import a_series
try:
    a_series().write_parquet("{where}")
except UsageError as error:
    print(error)
"""


@pytest.fixture
def pq() -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return the Parquet of pyarrow, which takes long to import."""
    return pytest.importorskip("pyarrow.parquet")


@pytest.mark.parametrize("zone", [None, BERLIN])
def test_a_file_has_the_table_of_the_series(tmp_path: Path, pq: Any, zone: str | None) -> None:  # noqa: ANN401 - as above
    """All columns, types and nulls survive; only moments of hours are in milliseconds."""
    path = tmp_path / "clicks.parquet"
    known = a_series()
    known.write_parquet(path, timezone=zone)
    found, expected = pq.read_table(path), known.to_arrow(timezone=zone)
    assert found.column_names == expected.column_names
    assert found.to_pydict() == expected.to_pydict()
    differing = [
        name for name in found.column_names if found.schema.field(name) != expected.schema.field(name)
    ]
    assert differing == ([] if zone is None else ["time"])
    assert list(tmp_path.iterdir()) == [path]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["=1+1", "</script><img>", "한글", "a\nb", "\x01", '"', "_x0041_"])
def test_a_target_is_text(tmp_path: Path, pq: Any, name: str) -> None:  # noqa: ANN401 - as above
    """Whatever the name of a link is, it is read as it was."""
    link = Link(name, "https://vvd.bz")
    a_series(link, DateRange(DAYS.start, DAYS.start)).write_parquet(tmp_path / "x")
    assert set(pq.read_table(tmp_path / "x")["target"].to_pylist()) == {str(link)}


def test_sums_of_days_can_be_written(tmp_path: Path, pq: Any) -> None:  # noqa: ANN401 - as above
    """A series of days has a row a day."""
    day = DailyClicks(DAYS.start, 7, 5, AT, final=True)
    DailySeries.of(Account(), DateRange(DAYS.start, DAYS.start), [day]).write_parquet(str(tmp_path / "x"))
    [row] = pq.read_table(tmp_path / "x").to_pylist()
    assert (row["clicks"], row["unique_users"], row["status"]) == (7, 5, "reported")


@pytest.mark.usefixtures("own_garbage")
def test_an_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    """An error while rows are made leaves the old content, and no other file."""
    from hourlyclicks.model.frames.parquet import write_parquet  # noqa: PLC0415 - pyarrow takes long

    path = tmp_path / "clicks.parquet"
    path.write_text("old")
    layout, known = hourly_layout(), a_series()

    def tables() -> Any:  # noqa: ANN401 - a generator that fails
        yield layout.table(known)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(tables(), layout.fields, path)
    gc.collect()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("own_garbage")
def test_after_an_error_a_stream_gets_no_end(pq: Any) -> None:  # noqa: ANN401 - as above
    """What was written until then cannot be taken for a complete file."""
    from hourlyclicks.model.frames.parquet import ParquetFile  # noqa: PLC0415 - pyarrow takes long

    layout, stream = hourly_layout(), io.BytesIO()

    def fail() -> None:
        with ParquetFile(stream, layout.fields) as file:
            file.add(layout.table(a_series()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    gc.collect()
    with pytest.raises(Exception, match="magic bytes"):
        pq.read_table(io.BytesIO(stream.getvalue()))


def test_a_full_disk_is_an_error_of_the_system() -> None:
    """It is not one of pyarrow."""
    from hourlyclicks.model.frames.parquet import ParquetFile  # noqa: PLC0415 - pyarrow takes long

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    layout = hourly_layout()
    with (
        pytest.raises(OSError, match="No space left") as caught,
        ParquetFile(Full(), layout.fields) as file,
    ):
        file.add(layout.table(a_series()))
    assert caught.value.errno == 28


def test_small_tables_share_a_row_group(pq: Any) -> None:  # noqa: ANN401 - as above
    """Where a least number of rows is named, also the last ones are written, in order."""
    from hourlyclicks.model.frames.parquet import ParquetFile  # noqa: PLC0415 - pyarrow takes long

    layout, stream = hourly_layout(), io.BytesIO()
    tables = [layout.table(a_series(days=DateRange(date, date))) for date in list(DAYS)[:5]]
    with ParquetFile(stream, layout.fields, least=48) as file:
        for table in tables:
            file.add(table)
    found = pq.ParquetFile(stream)
    assert [found.metadata.row_group(number).num_rows for number in range(found.num_row_groups)] == [
        48,
        48,
        24,
    ]
    assert found.read().column("date").unique().to_pylist() == list(DAYS)[:5]


def test_an_address_is_for_fsspec(pq: Any, tmp_path: Path) -> None:  # noqa: ANN401 - as above
    """A file of another system appears at the end, and an address of a local file is one with its mode."""
    fsspec = pytest.importorskip("fsspec")
    known = a_series()
    known.write_parquet("memory://test-parquet/clicks.parquet", timezone=BERLIN)
    with fsspec.open("memory://test-parquet/clicks.parquet") as file:
        assert pq.read_table(file).num_rows == len(known)
    known.write_parquet(f"file://{tmp_path}/clicks.parquet")
    assert pq.read_table(tmp_path / "clicks.parquet").num_rows == len(known)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "clicks.parquet").stat().st_mode) == 0o600


def test_an_error_leaves_no_file_at_an_address() -> None:
    """The transaction is not committed."""
    fsspec = pytest.importorskip("fsspec")
    from hourlyclicks.model.frames.destinations import place_of  # noqa: PLC0415 - needs fsspec

    def fail() -> None:
        folder, name = place_of("memory://test-transaction/x")
        with folder.transaction(), folder.writing(name) as stream:
            stream.write(b"a part")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not fsspec.filesystem("memory").exists("/test-transaction/x")


@pytest.mark.parametrize(
    ("where", "message"),
    [("no-such-protocol://a", "cannot write to no-such-protocol://"), (b"x", "text or a path")],
)
def test_an_address_that_cannot_be_used_is_a_sentence(where: Any, message: str) -> None:  # noqa: ANN401 - as above
    """The error names the protocol, and not the rest, which may hold a password."""
    pytest.importorskip("fsspec")
    with pytest.raises(UsageError, match=message):
        a_series().write_parquet(where)


@pytest.mark.parametrize(
    ("library", "where"), [("pyarrow", "x.parquet"), ("nanoarrow", "x.parquet"), ("fsspec", "memory://x")]
)
def test_a_missing_library_names_its_extra(tmp_path: Path, library: str, where: str) -> None:
    """The sentence tells what to install, and nothing is written."""
    script = WITHOUT.format(library=library, where=where if "://" in where else tmp_path / where)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    extra = "arrow" if library == "nanoarrow" else "parquet"
    assert done.stdout == f"this needs {library}: pip install 'hourlyclicks[{extra}]'\n"
    assert list(tmp_path.iterdir()) == []
