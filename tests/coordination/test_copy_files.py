"""The files with copies of a state: two for each process, in the folder of the user."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.coordination import copy_files
from hourlyclicks.coordination.copy_files import CopyFiles, copies_in, folder_of_user

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no modes elsewhere")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test have a folder for temporary files of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def folder() -> Path:
    """Return the folder of a state."""
    above = folder_of_user()
    assert above is not None
    return above / "state"


def texts(folder: Path) -> list[str]:
    """Return what is in the copies."""
    return sorted(copy.text for copy in copies_in(folder))


def test_the_last_two_copies_are_kept(folder: Path) -> None:
    """Whether the next is longer or shorter."""
    files = CopyFiles(folder, "a")
    seen = []
    for text in ("1" * 9, "2" * 20, "3", "4" * 5000):
        files.write(text)
        seen.append(texts(folder))
    assert seen == [["1" * 9], ["1" * 9, "2" * 20], ["2" * 20, "3"], ["3", "4" * 5000]]


@pytest.mark.parametrize("size", [4, 9, 12, 5000])
def test_a_copy_that_is_half_written_does_not_count(folder: Path, size: int) -> None:
    """Its process was killed meanwhile; the one before is complete."""
    files = CopyFiles(folder, "a")
    for text in ("before", "1" * 9000):
        files.write(text)
    [path] = [copy.path for copy in copies_in(folder) if copy.text != "before"]
    older = path.read_bytes()
    files.write("before")  # into the other one
    files.write("2" * 9000)
    path.write_bytes(path.read_bytes()[:size] + older[size:])
    assert texts(folder) == ["before"]


def test_only_the_user_can_read_them(folder: Path, tmp_path: Path) -> None:
    """They name links and machines."""
    CopyFiles(folder, "a").write("text")
    [copy] = copies_in(folder)
    assert folder.parent == tmp_path / f"hourlyclicks-{os.getuid()}"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, copy.path)]
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_a_folder_that_others_can_open_is_not_used(tmp_path: Path, mode: int) -> None:
    """Another user may have made it before."""
    (tmp_path / f"hourlyclicks-{os.getuid()}").mkdir()
    (tmp_path / f"hourlyclicks-{os.getuid()}").chmod(mode)
    assert folder_of_user() is None


def test_a_folder_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could write into it."""
    CopyFiles(folder, "a").write("text")
    owner = os.getuid()
    folder.parent.rename(folder.parent.with_name(f"hourlyclicks-{owner + 1}"))
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert folder_of_user() is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """It could lead anywhere."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"hourlyclicks-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert folder_of_user() is None


def test_a_missing_folder_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the current one taken, as `tempfile` does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    assert folder_of_user() is None
    assert list(tmp_path.iterdir()) == []


def test_what_no_process_has_used_for_a_day_is_deleted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies are small, but there may be thousands of accounts."""
    monkeypatch.setattr(copy_files, "_cleared", set())
    folder.mkdir()
    old, in_use = folder.with_name("old"), folder.with_name("in use")
    files = CopyFiles(in_use, "a")
    for path in (old, in_use):
        path.mkdir()
        (path / "copy").touch()
        os.utime(path / "copy", (1e9, 1e9))
    files.write("text")
    for path in (old, in_use):
        os.utime(path, (1e9, 1e9))
    CopyFiles(folder.with_name("new"), "b").write("text")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["in use", "new", "state"]
    assert texts(in_use) == ["text"]


def test_a_folder_that_was_deleted_is_made_again(folder: Path) -> None:
    """Something may clean up the temporary files while a run lasts for days."""
    files = CopyFiles(folder, "a")
    files.write("1")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    files.write("2")
    assert texts(folder) == ["2"]
