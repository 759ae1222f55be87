"""``hourlyclicks export`` in its formats and layouts."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import stat
import subprocess
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Link, scan
from hourlyclicks.model.frames import excel
from hourlyclicks.store import stored_account
from tests.cli.filled_stores import LINK, answer, days, fill, stock
from tests.cli.serving import ENVIRONMENT, invoke
from tests.forkserver.starting import forked_python
from tests.sizes import sample

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}
FORMATS = ("csv", "jsonl", "parquet", "xlsx")
LAYOUTS: tuple[tuple[str, ...], ...] = (("--by", "day"), ("--by", "week"), ("--by", "month"), ("--wide",), ())
KILLED = """
import os
import signal
import sys
from hourlyclicks.cli import main
from hourlyclicks.model.frames.{module} import {name}

add = {name}.add
written = []

def add_and_die(self, table):
    add(self, table)
    written.append(table)
    if len(written) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

{name}.add = add_and_die
main()
"""

TO_A_TERMINAL = """
import os
import sys
from hourlyclicks.cli import main

command = sys.argv
for words in ([], ["-o", os.ttyname(1)], ["-o", "/dev/stdout"]):
    sys.argv = [*command, *words]
    try:
        main()
    except SystemExit as ended:
        print(ended.code, file=sys.stderr)
"""


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with days in every state."""
    return str(stock(tmp_path / "clicks.db"))


def exported(store: str, *words: str) -> Result:
    """Export from a store, without a key."""
    return invoke("export", "--store", store, *words, env=KEYLESS)


def lines(result: Result) -> list[dict[str, str]]:
    """Return the rows of a CSV on stdout."""
    assert result.exit_code == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout)))


def sheet(path: Path) -> list[tuple[Any, ...]]:
    """Return the cells of a workbook."""
    openpyxl = pytest.importorskip("openpyxl")
    return [tuple(row) for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]


def test_parquet_is_that_of_a_scan(store: str, tmp_path: Path) -> None:
    """Each target is a row group, also if it has more days than are read at a time."""
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "clicks.parquet"
    result = exported(store, "-o", str(path), "--timezone", "Europe/Berlin")
    assert (result.exit_code, result.stdout) == (0, "")
    scan(store, timezone="Europe/Berlin").write_parquet(tmp_path / "scan.parquet")
    assert pq.read_table(path).to_pydict() == pq.read_table(tmp_path / "scan.parquet").to_pydict()
    assert pq.ParquetFile(path).num_row_groups == 2
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_row_group_is_a_whole_target(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many days of text are written at a time."""
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(stored_account, "_CHUNK", 7)
    exported(store, "-o", str(tmp_path / "x.parquet"))
    assert pq.ParquetFile(tmp_path / "x.parquet").num_row_groups == 2


def test_excel_has_all_hours(store: str, tmp_path: Path) -> None:
    """Of all targets, on one sheet."""
    path = tmp_path / "clicks.xlsx"
    assert exported(store, "-o", str(path)).exit_code == 0
    header, *rows = sheet(path)
    assert header[:6] == ("target", "date", "hour", "clicks", "unique_users", "status")
    text = lines(exported(store))
    assert [(row[0], str(row[1].date()), str(row[2]), row[5]) for row in rows] == [
        (row["target"], row["date"], row["hour"], row["status"]) for row in text
    ]
    assert ["" if row[3] is None else str(row[3]) for row in rows] == [row["clicks"] for row in text]


@pytest.mark.parametrize(("layout", "form"), sample(list(product(LAYOUTS, FORMATS)), 5))
def test_each_layout_is_the_same_in_each_format(
    store: str, tmp_path: Path, form: str, layout: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The columns that CSV has are in every format, with the same values, and there is no other sum."""
    monkeypatch.setattr(stored_account, "_CHUNK", 4)  # a week is in two parts
    expected = lines(exported(store, *layout))
    assert ("unique_users" in expected[0]) == (not layout)
    path = tmp_path / f"out.{form}"
    assert exported(store, *layout, "-o", str(path)).exit_code == 0
    names = list(expected[0])
    assert [[text(row[name]) for name in names] for row in rows_of(path)] == [
        [row[name] for name in names] for row in expected
    ]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file."""
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".xlsx":
        header, *cells = sheet(path)
        return [dict(zip(header, row, strict=True)) for row in cells]
    rows: list[dict[str, Any]] = pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    return rows


def text(value: object) -> str:
    """Return what a CSV has for a value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).removesuffix(" 00:00:00")


def test_sums_tell_how_much_is_in_them(store: str) -> None:
    """A month with missing days and hours has the numbers of those that are there."""
    link = ("--link", "kYdr", "--domain", "https://vvd.bz")
    [month] = lines(exported(store, *link, "--by", "month"))
    assert month == {
        "target": str(LINK),
        "date": "2025-04-01",
        "clicks": str(sum(day.day for day in days("2025-04-01", 29)) - 10 - 11 - 12 - 13 - 14),
        "days": "30",
        "fetched_days": "25",
        "reported_hours": str(24 * 2),
        "final": "false",
    }


def test_a_time_zone_adds_the_moments(tmp_path: Path) -> None:
    """In CSV and JSON Lines with the offset, and none for an hour that the clock skipped."""
    store = tmp_path / "clicks.db"
    fill(store, LINK, map(answer, days("2025-03-30", 1)))
    rows = lines(exported(str(store), "--timezone", "Europe/Berlin"))
    assert [*rows[0]] == ["target", "date", "hour", "time", "clicks", "unique_users", "status"]
    assert [row["time"] for row in rows[1:4]] == [
        "2025-03-30T01:00:00+01:00",
        "",
        "2025-03-30T03:00:00+02:00",
    ]
    result = exported(str(store), "--timezone", "Europe/Berlin", "--format", "jsonl")
    assert [json.loads(line)["time"] for line in result.stdout.splitlines()] == [
        row["time"] or None for row in rows
    ]


def test_a_byte_order_mark_is_at_the_beginning_only(store: str, tmp_path: Path) -> None:
    """With several targets there is one mark, and the rest is the same."""
    exported(store, "--bom", "-o", str(tmp_path / "x.csv"))
    exported(store, "-o", str(tmp_path / "y.csv"))
    assert (tmp_path / "x.csv").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "y.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "x.parquet", "--format", "csv"), "does not go with .parquet"),
        (("-o", "x.csv", "--format", "xlsx"), "does not go with .csv"),
        (("-o", "x.xlsx", "--format", "parquet"), "does not go with .xlsx"),
        (("-o", "x.xlsx", "--timezone", "Asia/Seoul"), "Excel has no time zones"),
        (("-o", "x.xlsx", "--bom"), "--bom is for CSV, not for xlsx"),
        (("-o", "x.jsonl", "--bom"), "--bom is for CSV, not for jsonl"),
        (("-o", "x.csv", "--timezone", "Asia/Seoul", "--by", "day"), "not with --wide or --by"),
        (("-o", "x.csv", "--timezone", "Asia/Seoul", "--wide"), "not with --wide or --by"),
        (("-o", "x.csv", "--wide", "--by", "week"), "use --wide or --by, not both"),
        (("-o", "x.csv", "--timezone", "Asia/Soul"), "Asia/Soul"),
        (("-o", "x.xls"), "cannot write .xls files"),
    ],
)
def test_what_a_format_cannot_have_is_refused(
    tmp_path: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit code 2, before the store is opened; there is none here."""
    monkeypatch.chdir(tmp_path)
    result = exported(str(tmp_path / "none.db"), *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("library", "form"),
    [
        ("pyarrow", "parquet"),
        ("nanoarrow", "parquet"),
        ("pyarrow nanoarrow", "parquet"),  # one extra installs both
        ("xlsxwriter", "xlsx"),
    ],
)
def test_a_missing_library_is_told_before_the_store_is_opened(
    tmp_path: Path, library: str, form: str
) -> None:
    """One sentence names the extra."""
    gone = "".join(f"sys.modules[{name!r}] = None; " for name in library.split())
    script = f"import sys; {gone}\nfrom hourlyclicks.cli import main; main()"
    command = [*forked_python(), "-c", script, "export", "--store", "none.db", "-o", f"x.{form}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=ENVIRONMENT)  # noqa: S603 - ours
    assert done.returncode == 2
    named = library.split(maxsplit=1)[0]
    extra = {"pyarrow": "parquet", "nanoarrow": "arrow", "xlsxwriter": "excel"}[named]
    assert f"this needs {named}: pip install 'hourlyclicks[{extra}]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_a_sheet_has_are_refused(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the file is made; fewer rows of longer periods fit."""
    path = tmp_path / "x.xlsx"
    monkeypatch.setattr(excel, "MOST_ROWS", 32 * 24 - 1)
    result = exported(store, "-o", str(path))
    assert (result.exit_code, path.exists()) == (2, False)
    assert "has 767 rows, not 768: use Parquet or CSV" in result.stderr
    assert exported(store, "-o", str(path), "--by", "day").exit_code == 0
    assert len(sheet(path)) == 1 + 32


@pytest.mark.skipif(os.name != "posix", reason="has no such terminals")
@pytest.mark.parametrize("form", ["parquet", "xlsx"])
def test_a_terminal_is_not_sent_bytes(store: str, form: str) -> None:
    """A pipe is: it gets the same bytes as a file."""
    words = ["export", "--store", store, "--format", form]
    ours, theirs = pty.openpty()
    done = subprocess.run(  # noqa: S603 - ours
        [*forked_python(), "-c", TO_A_TERMINAL, *words],
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        env=ENVIRONMENT,
    )
    os.close(ours)
    os.close(theirs)
    said = f"a terminal cannot show {form}: use -o FILE"
    assert [line for line in done.stderr.splitlines() if line == "2" or said in line][1::2] == ["2"] * 3
    assert done.stderr.count(said) == 3
    command = [*forked_python(), "-m", "hourlyclicks", *words]
    piped = subprocess.run(command, capture_output=True, check=True, env=ENVIRONMENT)  # noqa: S603 - ours
    assert piped.stdout[:4] == {"parquet": b"PAR1", "xlsx": b"PK\x03\x04"}[form]
    assert len(piped.stdout) > 2_000


def test_a_reader_that_ends_early_ends_the_export(tmp_path: Path) -> None:
    """The pipe, which is shorter than the file, breaks without a traceback."""
    store = tmp_path / "clicks.db"
    for number in range(4):
        fill(store, Link(f"k{number}", "https://vvd.bz"), map(answer, days("2024-01-01", 366)))
    command = [*forked_python(), "-m", "hourlyclicks", "export", "--store", str(store), "--format", "parquet"]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "pipesize": 4_096}
    with subprocess.Popen(command, env=ENVIRONMENT, **streams) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(4)
        process.stdout.close()
        said = process.stderr.read().decode()
    assert "Traceback" not in said
    assert process.returncode != 0


@pytest.mark.skipif(os.name != "posix", reason="kills a process in the middle")
@pytest.mark.parametrize(
    ("form", "module", "name"), [("parquet", "parquet", "ParquetFile"), ("xlsx", "excel", "Sheet")]
)
def test_a_command_that_is_killed_leaves_no_file(
    store: str, tmp_path: Path, form: str, module: str, name: str
) -> None:
    """After ``kill -9`` in the middle there is no file of that name, and an old one is as it was."""
    folder = tmp_path / "out"
    folder.mkdir()
    for old in (None, b"old"):
        path = folder / f"clicks.{form}"
        if old is not None:
            path.write_bytes(old)
        script = KILLED.format(module=module, name=name)
        command = [*forked_python(), "-c", script, "export", "--store", store, "-o", str(path)]
        done = subprocess.run(command, capture_output=True, check=False, env=ENVIRONMENT)  # noqa: S603 - ours
        assert done.returncode == -9
        assert (path.read_bytes() if path.exists() else None) == old


@pytest.mark.parametrize("form", ["parquet", "xlsx"])
def test_a_mounted_file_is_written_in_place(
    store: str, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no file can be renamed over it, the content is copied, as for text."""
    path = tmp_path / f"clicks.{form}"
    path.write_bytes(b"old")
    number = path.stat().st_ino

    def refuse(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "replace", refuse)
    assert exported(store, "-o", str(path)).exit_code == 0
    assert path.stat().st_ino == number
    assert len(rows_of(path)) == 32 * 24
