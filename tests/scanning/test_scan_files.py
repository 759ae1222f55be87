"""Scans as Parquet files."""

from __future__ import annotations

import datetime as dt
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hourlyclicks import Link, UsageError, scan
from tests.cli.filled_stores import HANGUL, LINK, TEAM, answer, days, fill, stock, trouble
from tests.forkserver.starting import forked_python
from tests.model.frames.sample import BERLIN

pq: Any = pytest.importorskip("pyarrow.parquet")

ROOT = Path(__file__).parents[2]
EXPORT = """
import sys
from hourlyclicks import scan
print("ready", flush=True)
while True:
    scan(sys.argv[1]).write_parquet(sys.argv[2])
"""
HALF_AN_EXPORT = """
import os
import signal
import sys
from hourlyclicks import scan
from hourlyclicks.model.frames import parquet

written = 0
add = parquet.ParquetFile.add

def add_and_die(self, table):
    global written
    add(self, table)
    written += 1
    if written == 2:
        os.kill(os.getpid(), signal.SIGKILL)

parquet.ParquetFile.add = add_and_die
scan(sys.argv[1]).write_parquet(sys.argv[2], partition_by=sys.argv[3] or None)
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with days in every state."""
    return stock(tmp_path / "clicks.db")


def files(folder: Path) -> list[str]:
    """Return the files of a folder, without the temporary ones."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if "/." not in f"/{name}")


def test_a_target_is_a_row_group(store: Path, tmp_path: Path) -> None:
    """Each has its hours in order, and a reader can skip the others."""
    path = tmp_path / "clicks.parquet"
    scan(store, timezone=BERLIN).write_parquet(path)
    file = pq.ParquetFile(path)
    assert file.schema_arrow.names == [field.name for field in scan(store, timezone=BERLIN).reader().schema]
    groups = [file.read_row_group(number)["target"].unique().to_pylist() for number in range(2)]
    assert file.num_row_groups == 2
    assert groups == [[str(series.target)] for series in scan(store)]
    assert file.read().to_pydict() == scan(store, timezone=BERLIN).reader().read_all().to_pydict()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_months_have_files_of_their_own(tmp_path: Path) -> None:
    """Readers find the month in the name of the folder, and together the files have all rows."""
    store = tmp_path / "clicks.db"
    fill(store, LINK, map(answer, days("2025-01-30", 40)))
    fill(store, HANGUL, map(answer, days("2025-03-01", 3)))
    folder = tmp_path / "clicks"
    scan(store).write_parquet(folder, partition_by="month")
    assert files(folder) == [f"month=2025-0{month}/clicks.parquet" for month in (1, 2, 3)]
    rows = [pq.ParquetFile(folder / name).read().num_rows for name in files(folder)]
    assert rows == [2 * 24, 28 * 24, (10 + 3) * 24]
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(
        f"SELECT month, sum(clicks) FROM read_parquet('{folder}/*/*.parquet', hive_partitioning=true)"  # noqa: S608 - our own folder
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    sums = [sum(day.day for day in days("2025-01-30", 40) if day.month == month) for month in (1, 2, 3)]
    assert found == [
        ("2025-01", sums[0]),
        ("2025-02", sums[1]),
        ("2025-03", sums[2] + 1 + 2 + 3),
    ]


def test_only_the_months_of_a_scan_are_replaced(store: Path, tmp_path: Path) -> None:
    """A later scan of one month leaves the others."""
    folder = tmp_path / "clicks"
    (folder / "month=2024-12").mkdir(parents=True)
    (folder / "month=2024-12" / "clicks.parquet").write_text("old")
    scan(store).write_parquet(folder, partition_by="month")
    assert (folder / "month=2024-12" / "clicks.parquet").read_text() == "old"
    assert files(folder) == ["month=2024-12/clicks.parquet", "month=2025-04/clicks.parquet"]


def test_months_can_be_at_an_address(store: Path) -> None:
    """The files are there after the last one is complete."""
    fsspec = pytest.importorskip("fsspec")
    scan(store).write_parquet("memory://test-months", partition_by="month")
    system = fsspec.filesystem("memory")
    assert system.find("/test-months") == ["/test-months/month=2025-04/clicks.parquet"]
    with system.open("/test-months/month=2025-04/clicks.parquet") as file:
        assert pq.read_table(file).num_rows == 32 * 24


def test_an_empty_store_is_an_empty_file(tmp_path: Path) -> None:
    """It has the columns, so that a query does not fail."""
    store = tmp_path / "clicks.db"
    fill(store, TEAM, [trouble(dt.date(2025, 4, 1))])
    scan(store).write_parquet(tmp_path / "x.parquet")
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 0
    assert pq.read_schema(tmp_path / "x.parquet").names == scan(store).reader().schema.names


def test_other_partitions_are_refused(store: Path, tmp_path: Path) -> None:
    """Only months are."""
    with pytest.raises(UsageError, match="partition_by"):
        scan(store).write_parquet(tmp_path / "x", partition_by="week")
    assert not (tmp_path / "x").exists()


def test_an_error_of_the_store_leaves_no_file(tmp_path: Path) -> None:
    """The error is that of the store."""
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    before = files(tmp_path)
    with pytest.raises(Exception, match=r"broken\.db"):
        scan(tmp_path / "broken.db").write_parquet(tmp_path / "x.parquet")
    assert files(tmp_path) == before


@pytest.mark.skipif(os.name != "posix", reason="kills a process in the middle")
@pytest.mark.parametrize("partition_by", ["", "month"])
def test_a_process_that_is_killed_leaves_no_file(tmp_path: Path, partition_by: str) -> None:
    """After ``kill -9`` between two targets there is no file of that name."""
    store, place = tmp_path / "clicks.db", tmp_path / "out"
    for number in range(4):
        fill(store, Link(f"k{number}", "https://vvd.bz"), map(answer, days("2025-01-01", 40)))
    command = [*forked_python(), "-c", HALF_AN_EXPORT, str(store), str(place), partition_by]
    done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)  # noqa: S603 - ours
    assert (done.returncode, done.stderr) == (-9, b"")
    assert not place.is_file()
    assert files(place) == []


@pytest.mark.skipif(os.name != "posix", reason="kills a process at any moment")
def test_a_file_is_complete_whenever_its_writer_is_killed(store: Path, tmp_path: Path) -> None:
    """A process that writes it again and again is killed; what is there is all of it."""
    path = tmp_path / "x.parquet"
    command = [sys.executable, "-c", EXPORT, str(store), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        while not path.exists():
            assert process.poll() is None
        process.kill()
    assert pq.read_table(path).num_rows == 32 * 24
