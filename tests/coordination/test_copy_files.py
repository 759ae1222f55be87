"""The files with copies of a state: two for each process, in the folder of the user."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.coordination import copy_files
from hourlyclicks.coordination.copy_files import CopyFiles, copies_of, folder_of_user

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


def texts(state: str = "state") -> list[str]:
    """Return what is in the copies."""
    return sorted(copy.text for copy in copies_of(state))


def test_the_last_two_copies_are_kept() -> None:
    """Whether the next is longer or shorter."""
    files = CopyFiles("state", "a")
    seen = []
    for text in ("1" * 9, "2" * 20, "3", "4" * 5000):
        files.write(text)
        seen.append(texts())
    assert seen == [["1" * 9], ["1" * 9, "2" * 20], ["2" * 20, "3"], ["3", "4" * 5000]]


@pytest.mark.parametrize("size", [4, 9, 12, 5000])
def test_a_copy_that_is_half_written_does_not_count(size: int) -> None:
    """Its process was killed meanwhile; the one before is complete."""
    files = CopyFiles("state", "a")
    for text in ("before", "1" * 9000):
        files.write(text)
    [path] = [copy.path for copy in copies_of("state") if copy.text != "before"]
    older = path.read_bytes()
    files.write("before")  # into the other one
    files.write("2" * 9000)
    path.write_bytes(path.read_bytes()[:size] + older[size:])
    assert texts() == ["before"]


def test_only_the_user_can_read_them(folder: Path, tmp_path: Path) -> None:
    """They name links and machines."""
    CopyFiles("state", "a").write("text")
    [copy] = copies_of("state")
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
    CopyFiles("state", "a").write("text")
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
    files = CopyFiles("in use", "a")
    for path in (old, in_use):
        path.mkdir()
        (path / "copy").touch()
        os.utime(path / "copy", (1e9, 1e9))
    files.write("text")
    for path in (old, in_use):
        os.utime(path, (1e9, 1e9))
    CopyFiles("new", "b").write("text")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["in use", "new", "state"]
    assert texts("in use") == ["text"]


@pytest.mark.parametrize("deleted", ["", ".."])
def test_a_folder_that_was_deleted_is_made_again(folder: Path, deleted: str) -> None:
    """Something may clean up the temporary files while a run lasts for days."""
    files = CopyFiles("state", "a")
    files.write("1")
    shutil.rmtree((folder / deleted).resolve())
    files.write("2")
    assert texts() == ["2"]


def test_a_folder_that_another_user_has_made_since_is_not_used(folder: Path) -> None:
    """It is looked at each time."""
    files = CopyFiles("state", "a")
    files.write("1")
    folder.parent.chmod(0o777)
    files.write("2")
    folder.parent.chmod(0o700)
    assert texts() == ["1"]


def test_a_file_that_is_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """What it leads to stays as it is."""
    files = CopyFiles("state", "a")
    folder.mkdir()
    (tmp_path / "mine").write_text("mine")
    for number in (1, 2):
        (folder / f"a-{number}").symlink_to(tmp_path / "mine")
    files.write("text")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_folder_with_the_set_group_bit_is_used(tmp_path: Path) -> None:
    """As it is below a folder that has it."""
    tmp_path.chmod(0o2777)
    CopyFiles("state", "a").write("text")
    assert texts() == ["text"]


def test_a_write_that_fails_spares_the_other_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk: the copy before stays, however often it is tried."""
    files = CopyFiles("state", "a")
    for text in ("before", "last"):
        files.write(text)
    whole = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, line: whole(descriptor, line[: len(line) // 2]))
        for text in ("1", "2", "3"):
            files.write(text)
    assert texts() == ["last"]
