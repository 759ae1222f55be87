"""The files with copies of a state: small, in the user's temporary folder, and readable by the user only.

Each process has two and overwrites the older one. If it is killed meanwhile, or another process reads that
file, the other one is complete. A check sum tells which are.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEPT_FOR = 7 * 86_400.0
"""Seconds after which the files of a state that is not used any more are deleted."""

_OWNER_ONLY = 0o700
_OTHERS = 0o077

_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)

_cleared: set[Path] = set()
"""The folders in which this process has deleted what is too old."""


class Copy(NamedTuple):
    """A copy that was found.

    Args:
        path: its file.
        age: seconds since it was written, by the wall clock.
        text: the state.
    """

    path: Path
    age: float
    text: str


class CopyFiles:
    """The two files into which one process writes.

    Args:
        state: the name of the state; its folder is made when it is needed.
        name: how the names of both files begin.
    """

    def __init__(self, state: str, name: str) -> None:
        self._state = state
        self._paths: list[Path] = []
        self._name = name

    def owns(self, path: Path) -> bool:
        """Return whether a file is one of the two."""
        return path.name.startswith(self._name)

    def write(self, text: str) -> bool:
        """Overwrite the older one, and return whether that was possible."""
        above = folder_of_user()
        if above is None:
            return False
        if not self._paths:
            self._paths = [above / self._state / f"{self._name}-{number}" for number in (1, 2)]
        content = text.encode()
        line = b"%08x %b\n" % (crc32(content), content)
        with suppress(OSError):
            try:
                complete = _overwrite(self._paths[0], line)
            except FileNotFoundError:
                _make(above / self._state)
                complete = _overwrite(self._paths[0], line)
            if complete:  # else the other one stays
                self._paths.reverse()
                return True
        return False


def copies_of(state: str) -> Iterator[Copy]:
    """Return the complete copies of a state; they may be deleted meanwhile."""
    above, now = folder_of_user(), time.time()
    if above is None:
        return
    with suppress(OSError):
        for path in (above / state).iterdir():
            with suppress(OSError, ValueError):
                check, _, content = path.read_bytes().partition(b"\n")[0].partition(b" ")
                if int(check, 16) == crc32(content):
                    yield Copy(path, now - path.stat().st_mtime, content.decode())


def folder_of_user() -> Path | None:
    """Return the folder in which each state has one of its own; ``None``: there is no safe place for it."""
    user = f"-{os.getuid()}" if os.name == "posix" else ""
    folder = _temporary_folder() / f"hourlyclicks{user}"
    try:
        found = folder.lstat()
    except FileNotFoundError:
        try:
            folder.mkdir(mode=_OWNER_ONLY)
            found = folder.lstat()
        except OSError:
            return None
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    if os.name == "posix" and (found.st_uid != os.getuid() or found.st_mode & _OTHERS):
        return None  # another user may have made it
    return folder


def _temporary_folder() -> Path:
    """Return the folder for temporary files; never the current one, which `tempfile` falls back on."""
    if os.name == "posix":
        return Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - what is made in it is the user's own
    return Path(tempfile.gettempdir())


def _overwrite(path: Path, line: bytes) -> bool:
    """Write into a file, and return whether all of it is written.

    What is left of a longer line before does not count.
    """
    # In place: to replace it by a new file takes ten times as long on some file systems.
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        return os.write(descriptor, line) == len(line)
    finally:
        os.close(descriptor)


def _make(folder: Path) -> None:
    """Make the folder of a state; the first time, delete those that have not been used for long."""
    folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)
    if folder.parent not in _cleared:
        _cleared.add(folder.parent)
        oldest = time.time() - _KEPT_FOR
        for other in folder.parent.iterdir():
            with suppress(OSError):
                if all(path.stat().st_mtime < oldest for path in (other, *other.iterdir())):
                    shutil.rmtree(other, ignore_errors=True)
