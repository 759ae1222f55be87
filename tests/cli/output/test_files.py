"""Where and how the result is written."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from hourlyclicks.cli.exits import OUTPUT, USAGE, CommandError
from hourlyclicks.cli.output.files import check_writable, partial_name, write
from hourlyclicks.cli.output.formats import format_for
from hourlyclicks.cli.output.rows import Shape
from hourlyclicks.files.replace import replacing
from hourlyclicks.model.frames.layouts import hourly_layout
from tests.cli.examples import week_of_work
from tests.cli.filled_stores import stock
from tests.cli.serving import APRIL, invoke

if TYPE_CHECKING:
    from hourlyclicks.cli.output.formats import Format

SERIES = week_of_work()


def hours(form: Format) -> Shape:
    """Return the shape of an output with a row for each hour."""
    return Shape(form, hourly_layout())


def test_the_format_follows_the_name_of_the_file() -> None:
    """--format decides, else the suffix; stdout gets a table."""
    assert format_for(None, None) == "table"
    assert format_for(None, Path("a.CSV")) == "csv"
    assert format_for(None, Path("a.jsonl")) == "jsonl"
    assert format_for(None, Path("a.txt")) == "table"
    assert format_for(None, Path("a.parquet")) == "parquet"
    assert format_for(None, Path("a.XLSX")) == "xlsx"
    assert format_for("jsonl", Path("a.dat")) == "jsonl"
    assert format_for("jsonl", Path("a.json")) == "jsonl"
    assert format_for("csv", Path("a")) == "csv"
    assert format_for(None, Path("a"), otherwise="csv") == "csv"
    assert format_for(None, Path(os.devnull)) == "table"


@pytest.mark.skipif(os.name != "posix", reason="has no such pipes")
def test_a_pipe_has_its_format_from_its_name_too(tmp_path: Path) -> None:
    """A special file is like stdout, unless it has a suffix."""
    for name, expected in (("a.csv", "csv"), ("a.jsonl", "jsonl"), ("a", "table"), ("a.xlsx", "xlsx")):
        os.mkfifo(tmp_path / name)
        assert format_for(None, tmp_path / name) == expected


@pytest.mark.parametrize(
    "name", ["a.xls", "a.arrow", "a.tsv", "a.csv.gz", "a.json", "a.what", "a", ".csv", "a.csv.partial"]
)
def test_a_name_that_says_nothing_we_write_is_refused(name: str) -> None:
    """The error names the formats that can be written."""
    with pytest.raises(
        CommandError, match=r"\.csv, \.jsonl for JSON Lines, \.parquet or \.xlsx, or \.txt"
    ) as caught:
        format_for(None, Path(name))
    assert caught.value.exit_code == USAGE
    if name != "a":
        with pytest.raises(CommandError, match=r"\.parquet or \.xlsx(; |$)"):
            format_for(None, Path("a.txt" if name == ".csv" else name), otherwise="csv")


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("csv", "a.jsonl"),
        ("jsonl", "a.CSV"),
        ("table", "a.csv"),
        ("csv", "a.xlsx"),
        ("parquet", "a.xlsx"),
        ("xlsx", "a.xls"),
        ("csv", "a.csv.gz"),
    ],
)
def test_a_name_that_contradicts_the_format_is_refused(form: str, name: str) -> None:
    """A file always has the content of its suffix, whatever --format says."""
    with pytest.raises(CommandError, match="does not go with") as caught:
        format_for(form, Path(name))
    assert caught.value.exit_code == USAGE


@pytest.mark.parametrize("form", ["csv", "jsonl", "table"])
def test_a_file_is_private_and_complete(tmp_path: Path, form: Format) -> None:
    """Only its owner can read it, and no other file is left in the folder."""
    path = tmp_path / "out"
    write(SERIES, hours(form), path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text("utf-8").endswith("\n")
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_holds_every_hour(tmp_path: Path) -> None:
    """JSON Lines have an object for each hour of the range, fetched or not."""
    write(SERIES, hours("jsonl"), tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert rows == SERIES.to_rows()


def write_and_fail(path: Path) -> None:
    """Write a part of a file, and interrupt."""
    with replacing(path) as stream:
        stream.write("new, but not all of it")
        stream.flush()
        assert path.read_text() == "old"
        raise KeyboardInterrupt


def test_an_old_file_stays_until_the_new_one_is_there(tmp_path: Path) -> None:
    """After any error the old content is untouched and no other file remains."""
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The file behind a symbolic link is replaced, not the link."""
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write(SERIES, hours("csv"), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text().startswith("target,date")


@pytest.mark.skipif(os.name != "posix", reason="has no such device")
def test_a_device_is_written_to_and_not_replaced() -> None:
    """``-o /dev/null`` leaves the device, even for root."""
    check_writable(Path("/dev/null"))
    write(SERIES, hours("csv"), Path("/dev/null"))
    assert not Path("/dev/null").is_file()


def test_a_file_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    """A folder, a file in a missing folder and one in a file are errors before anything is fetched."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "no" / "out", tmp_path / "file" / "out"):
        with pytest.raises(CommandError, match="cannot write") as caught:
            check_writable(path)
        assert caught.value.exit_code == OUTPUT
    check_writable(None)
    check_writable(tmp_path / "out")


@pytest.mark.parametrize("output", ["", ".", "..", "/", "x" * 300 + ".csv", "no/such/x.csv", "/dev/fd/77"])
def test_no_name_of_an_output_is_an_accident(output: str) -> None:
    """Any -o is written or is a sentence and an exit code, before anything is fetched."""
    for command in ("fetch", "export"):
        where = ("--store", "none.db") if command == "export" else ()
        result = invoke(command, "--link", "x", "--domain", "https://vvd.bz", *APRIL, *where, "-o", output)
        assert result.exit_code in {2, 11}
        assert "Error: " in result.stderr
        assert isinstance(result.exception, SystemExit)


def test_a_database_is_not_replaced(tmp_path: Path) -> None:
    """A store that this command does not use is not overwritten either."""
    stock(tmp_path / "clicks.db")
    (tmp_path / "clicks.csv").symlink_to(tmp_path / "clicks.db")
    with pytest.raises(CommandError, match="is a SQLite database") as caught:
        check_writable(tmp_path / "clicks.csv")
    assert caught.value.exit_code == USAGE


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the folder cannot be written, nothing is fetched."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(CommandError, match="permission denied"):
        check_writable(tmp_path / "out")


def test_an_incomplete_result_replaces_no_other(tmp_path: Path) -> None:
    """Each incomplete file has a name of its own."""
    path = tmp_path / "out.csv"
    for expected in ("out.csv.partial", "out.csv.partial-2", "out.csv.partial-3"):
        assert partial_name(path) == tmp_path / expected
        partial_name(path).touch()


@pytest.mark.parametrize("output", [True, False], ids=["file", "stdout"])
def test_what_is_nowhere_else_goes_into_a_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, output: bool
) -> None:
    """If the output cannot be written after all, the data is kept, and the error says where."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdout", Full())
    gone = tmp_path / "gone" / "clicks.csv"
    with pytest.raises(CommandError, match=r"cannot write .*; the data is in .*\.csv$") as caught:
        write(SERIES, hours("csv" if output else "table"), gone if output else None, last_resort=True)
    assert caught.value.exit_code == OUTPUT
    kept = Path(caught.value.message.partition("; the data is in ")[2])
    assert kept.read_text("utf-8").startswith("target,date")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


class Full(io.StringIO):
    """A stdout on a full disk."""

    def write(self, _: str) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_an_error_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the operating system ends with the exit code for the output."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match="No space left on device") as caught:
        write(SERIES, hours("csv"), tmp_path / "out")
    assert caught.value.exit_code == OUTPUT
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "table"])
def test_stdout_of_any_encoding_will_do(monkeypatch: pytest.MonkeyPatch, form: Format) -> None:
    """Data is UTF-8 in any terminal; a table has the characters that it can show."""
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    write(week_of_work(Link("한글", "https://vvd.bz")), hours(form), None)
    shown = buffer.getvalue().decode("utf-8" if form == "csv" else "ascii")
    assert {"csv": "한글", "jsonl": "\\ud55c", "table": "vvd.bz/??,"}[form] in shown


def test_a_closed_stdout_is_refused_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched without a stdout."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(CommandError, match="it is closed") as caught:
        check_writable(None)
    assert caught.value.exit_code == OUTPUT
