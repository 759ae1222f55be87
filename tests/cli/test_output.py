"""Where the result goes."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from hourlyclicks.cli.exits import OUTPUT, Failure
from hourlyclicks.cli.output import check_writable, format_for, replacing, write
from tests.cli.examples import week_of_work

if TYPE_CHECKING:
    from hourlyclicks.cli.output import Format

SERIES = week_of_work()


def test_the_format_follows_the_name_of_the_file() -> None:
    """A chosen format holds; else the suffix decides, and stdout is for people."""
    assert format_for(None, None) == "table"
    assert format_for(None, Path("a.CSV")) == "csv"
    assert format_for(None, Path("a.jsonl")) == "jsonl"
    assert format_for(None, Path("a.txt")) == "table"
    assert format_for("jsonl", Path("a.csv")) == "jsonl"


@pytest.mark.parametrize("form", ["csv", "jsonl", "table"])
def test_a_file_is_private_and_complete(tmp_path: Path, form: Format) -> None:
    """Only its owner can read it, and no other file is left in the folder."""
    path = tmp_path / "out"
    write(SERIES, form, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text("utf-8").endswith("\n")
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_holds_every_hour(tmp_path: Path) -> None:
    """JSON Lines have an object for each hour of the range, fetched or not."""
    write(SERIES, "jsonl", tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert rows == SERIES.to_rows()


def write_and_fail(path: Path) -> None:
    """Write a part of a file, and be interrupted."""
    with replacing(path) as stream:
        stream.write("new, but not all of it")
        stream.flush()
        assert path.read_text() == "old"
        raise KeyboardInterrupt


def test_an_old_file_stays_until_the_new_one_is_there(tmp_path: Path) -> None:
    """Whatever goes wrong on the way, the old content is untouched and nothing else remains."""
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The file behind a symbolic link is replaced, not the link."""
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write(SERIES, "csv", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text().startswith("target,date")


@pytest.mark.skipif(os.name != "posix", reason="has no such device")
def test_a_device_is_written_to_and_not_replaced() -> None:
    """``-o /dev/null`` leaves a device behind, even for root."""
    check_writable(Path("/dev/null"))
    write(SERIES, "csv", Path("/dev/null"))
    assert not Path("/dev/null").is_file()


def test_a_file_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    """A folder, a file in no folder and one in a file are noticed before anything is fetched."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "no" / "out", tmp_path / "file" / "out"):
        with pytest.raises(Failure, match="cannot write") as caught:
            check_writable(path)
        assert caught.value.exit_code == OUTPUT
    check_writable(None)
    check_writable(tmp_path / "out")


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing is not allowed, nothing is fetched."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Failure, match="permission denied"):
        check_writable(tmp_path / "out")


def test_a_disk_that_is_full_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the operating system ends with the exit code for the output."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failure, match="No space left on device") as caught:
        write(SERIES, "csv", tmp_path / "out")
    assert caught.value.exit_code == OUTPUT
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "table"])
def test_stdout_of_any_encoding_will_do(monkeypatch: pytest.MonkeyPatch, form: Format) -> None:
    """Data is UTF-8 whatever the terminal speaks; a table shows what it can."""
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    write(week_of_work(Link("한글", "https://vvd.bz")), form, None)
    shown = buffer.getvalue().decode("utf-8" if form == "csv" else "ascii")
    assert {"csv": "한글", "jsonl": "\\ud55c", "table": "vvd.bz/??,"}[form] in shown


def test_a_closed_stdout_is_refused_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched for a stdout that is not there."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(Failure, match="it is closed") as caught:
        check_writable(None)
    assert caught.value.exit_code == OUTPUT
