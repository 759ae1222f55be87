"""How a file is replaced, and that complete data is never deleted."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hourlyclicks.cli.exits import OUTPUT, CommandError
from hourlyclicks.cli.output.files import check_writable, writing
from hourlyclicks.files.devices import descriptor_of
from hourlyclicks.files.replace import KeptError, check_replaceable, replacing, replacing_bytes
from tests.cli.serving import ENVIRONMENT, ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links are different there")
REFUSALS = [errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV, errno.EROFS]
NEW = "new, and all of it: é"


def put(path: Path) -> None:
    """Replace a file."""
    with replacing(path) as stream:
        stream.write(NEW)


def refuse_to_rename(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make each rename fail."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", fail)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o640, 0o444])
def test_the_mode_of_what_is_replaced_is_kept(tmp_path: Path, mode: int) -> None:
    """The permissions of the new file are those of the old one."""
    path = tmp_path / "out"
    path.write_text("old")
    path.chmod(mode)
    put(path)
    assert path.read_text("utf-8") == NEW
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_of_what_is_replaced_is_kept(tmp_path: Path) -> None:
    """A file of another user still belongs to them."""
    path = tmp_path / "out"
    path.write_text("old")
    os.chown(path, 12345, 54321)
    put(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_another_group_gets_no_more_than_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the group cannot be kept, its permissions are not given to another one."""
    path = tmp_path / "out"
    path.write_text("old")
    path.chmod(0o664)

    def fail(*_: object) -> None:
        raise PermissionError(errno.EPERM, "not yours")

    monkeypatch.setattr(os, "fchown", fail)
    put(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("number", REFUSALS)
def test_a_file_that_cannot_be_renamed_over_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A mounted file, or one in a sticky folder, gets the whole content, shorter or longer than before."""
    refuse_to_rename(monkeypatch, number)
    for old in ("", "o" * 1000):
        path = tmp_path / "out"
        path.write_text(old)
        inode = path.stat().st_ino
        put(path)
        assert (path.read_text("utf-8"), path.stat().st_ino) == (NEW, inode)
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", REFUSALS)
def test_what_can_take_no_place_is_kept_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """If nothing else works, the complete content stays where it is, and the error says where."""
    refuse_to_rename(monkeypatch, number)
    with (
        pytest.raises(CommandError, match=r"cannot write .*; the data is in ") as caught,
        writing("csv", tmp_path / "out") as stream,
    ):
        stream.write(NEW)
    kept = Path(caught.value.message.partition("; the data is in ")[2])
    assert (caught.value.exit_code, kept.read_text("utf-8")) == (OUTPUT, NEW)


def test_a_full_disk_leaves_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a file is overwritten in place, space for all of it is reserved."""
    path = tmp_path / "out"
    path.write_text("old")
    refuse_to_rename(monkeypatch, errno.EBUSY)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(KeptError, match="No space left") as caught:
        put(path)
    assert (path.read_text(), caught.value.kept.read_text("utf-8")) == ("old", NEW)


def test_no_space_need_be_reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where space cannot be reserved, the file is written all the same."""
    path = tmp_path / "out"
    path.write_text("old")
    refuse_to_rename(monkeypatch, errno.EBUSY)

    def unable(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unable)
    put(path)
    assert path.read_text("utf-8") == NEW


def test_a_folder_that_takes_no_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writable file in a folder that is not writable is written in place."""
    path, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    path.write_text("old")
    elsewhere.mkdir()
    mkstemp = tempfile.mkstemp

    def make(suffix: str = "", prefix: str = "", dir: Path | None = None) -> tuple[int, str]:  # noqa: A002 - its name
        if dir is not None:
            raise PermissionError(errno.EACCES, "Permission denied")
        return mkstemp(suffix, prefix, elsewhere)

    monkeypatch.setattr(tempfile, "mkstemp", make)
    refuse_to_rename(monkeypatch, errno.EXDEV)
    put(path)
    assert path.read_text("utf-8") == NEW
    assert list(elsewhere.iterdir()) == []
    with pytest.raises(PermissionError):
        put(tmp_path / "another")


def test_what_cannot_be_replaced_is_refused_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sticky folder, or one without permission, the file itself must be writable."""
    path = tmp_path / "out"
    path.touch()
    folder = tmp_path / "sticky"
    folder.mkdir()
    (folder / "out").touch()
    folder.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "access", lambda place, _: Path(place).is_dir())
    check_replaceable(path)
    check_replaceable(folder / "another")
    with pytest.raises(PermissionError):
        check_replaceable(folder / "out")
    monkeypatch.setattr(os, "access", lambda place, _: Path(place).is_file())
    check_replaceable(path)
    check_replaceable(folder / "out")
    with pytest.raises(PermissionError):
        check_replaceable(folder / "another")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 250, "loop"])
def test_a_name_that_cannot_be_is_refused_beforehand(tmp_path: Path, name: str) -> None:
    """A name that is too long, also for an incomplete file, and a link to itself are errors at once."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(CommandError, match="cannot write"):
        check_writable(tmp_path / name)


def test_a_descriptor_is_written_to_where_it_stands(tmp_path: Path) -> None:
    """``-o /dev/fd/N`` appends to the file that the shell opened, also behind a link."""
    path, link = tmp_path / "log", tmp_path / "link"
    path.write_text("old ")
    with path.open("a") as stream:
        link.symlink_to(f"/dev/fd/{stream.fileno()}")
        for name in (f"/dev/fd/{stream.fileno()}", f"/proc/self/fd/{stream.fileno()}", str(link)):
            check_writable(Path(name))
            put(Path(name))
    assert path.read_text("utf-8") == "old " + 3 * NEW
    assert descriptor_of(Path("/dev/stdout")) == 1
    assert descriptor_of(Path(f"/proc/{os.getppid()}/fd/1")) is None
    with pytest.raises(CommandError, match="cannot write"):
        check_writable(Path("/dev/fd/999999"))


IN_PLACE = """
mount --bind host out || exit 77
"$0" -c '
from pathlib import Path
from hourlyclicks.cli.output.files import check_writable, writing
check_writable(Path("out"))
with writing("csv", Path("out")) as stream: stream.write("new")
'
code=$?
mount -o remount,bind,ro out
"$0" -c '
from pathlib import Path
from hourlyclicks.cli.output.files import check_writable
check_writable(Path("out"))
' 2>&1 | tail -n 1
exit $code
"""


def test_a_mounted_file_is_written(tmp_path: Path) -> None:
    """A file mounted into a container gets the data; a read-only one is an error."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare")
    (tmp_path / "host").write_text("old")
    (tmp_path / "out").touch()
    command = [unshare, "-m", "sh", "-c", IN_PLACE, sys.executable]
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)  # noqa: S603 - ours
    if done.returncode in {1, 77} and "permitted" in done.stderr:
        pytest.skip("must be root")
    assert (done.returncode, (tmp_path / "host").read_text()) == (0, "new")
    assert "cannot write out: permission denied" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["host", "out"]


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    """Not the one beside it, of which the user knows nothing."""
    path = tmp_path / "none" / "out"
    with pytest.raises(FileNotFoundError) as caught:
        put(path)
    assert caught.value.filename == str(path)


def test_bytes_are_replaced_as_text_is(tmp_path: Path) -> None:
    """A file of bytes has its content unchanged, keeps its mode, and stays after an error."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with replacing_bytes(path) as stream:
        stream.write(b"\r\n\xff")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"\r\n\xff"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(KeyboardInterrupt), replacing_bytes(path) as stream:
        raise KeyboardInterrupt
    assert path.read_bytes() == b"\r\n\xff"
    assert list(tmp_path.iterdir()) == [path]
