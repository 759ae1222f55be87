"""Detecting that the file of a store is no longer the one that was opened.

SQLite continues with a file that was deleted, renamed or overwritten: its commits succeed, but the file at
the path does not contain them. So there is a check before and after each operation, and a commit counts only
after the second check.

- The path, its ``-wal`` and its ``-shm`` must lead to the files that are open (device and inode).
- The log (``-wal``) must not become shorter, and must not have a gap: both mean that it was truncated. SQLite
  itself truncates it only when everything is in the main file.
- ``-shm`` must not become shorter. SQLite maps it into memory, and access to a missing part kills the
  process (SIGBUS). So it is extended to its old length with zeros; SQLite finds them and reads the log
  again. All other processes must notice this as well: with zeros in this index, a transaction that has begun
  reads old pages. So the file is made one byte too long, which SQLite never does, and the length is also
  checked before each commit.
- The main file changes only when a part of the log is copied into it (a checkpoint). Whenever it has changed,
  it is opened a second time, without the log, and must have this store's salt and a *generation* that is not
  too old: see `hourlyclicks.store.inspection`. A copy of this very store that was made before
  the last checkpoint has an older one.
- A copy can also be restored through SQLite (``.restore``), like any other change. This raises the schema
  version, as VACUUM does. Then the salt, the generation and the day that was written last are checked: if
  that day is there, everything written before it is there as well.

No file is opened here that SQLite has locks on: when a process closes any descriptor of a file, it loses all
its locks on it. SQLite avoids this for its own connections, and has no locks on the log.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import StoreError
from hourlyclicks.store.inspection import (
    GENERATION,
    NEW_GENERATION,
    SALT,
    SCHEMA,
    holds_day,
    inspect_file,
    one,
    uri_of,
)
from hourlyclicks.store.sqlite_messages import describe_error, is_busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.store.inspection import FileContent

_LOG_HEADER, _FRAME_HEADER = 32, 24
_MAGIC = {b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"}
_NO_PAGE = bytes(4)
_SETTLING = 1.0
"""Seconds in which a checkpoint of another process may leave the main file unreadable to others."""
_PAUSE = 0.02

_INDEX_HEADER = 96
"""Bytes at the beginning of ``-shm``; if they are zero, SQLite reads the log again."""
_left_open: list[int] = []
"""Descriptors of ``-shm``: closing one would cost this process its locks."""

_AGAIN = "while it was in use: start again to request the missing days"


@attrs.frozen
class _TroubleError(Exception):
    """The way in which the file was changed.

    Args:
        text: the message.
        rescue: whether to copy the log into the file that was opened, wherever that is now.
        discard: whether the log must be deleted, because it belongs to another content of the file.
        untouched: whether the file must not be changed any more.
    """

    text: str
    rescue: bool = False
    discard: bool = False
    untouched: bool = False


class FileGuard:
    """Watch the file of an open connection.

    Args:
        path: the path that was opened.
        identity: its device and inode.
        db: the connection, which has read from the file.
    """

    def __init__(self, path: Path, identity: tuple[int, int], db: sqlite3.Connection) -> None:
        self._db = db
        self._path = str(path.absolute())
        main = os.path.realpath(path)  # SQLite puts the others there
        self._real = main
        self._log_path, self._shm_path = main + "-wal", main + "-shm"
        self._frame = _FRAME_HEADER + int(one(db, "PRAGMA page_size"))
        self._salt = one(db, SALT)
        self._schema = one(db, SCHEMA)
        self._latest = one(db, GENERATION) or 0
        self._main = identity
        self._shm = identity_of(Path(self._shm_path))
        self._log_file = Path(self._log_path).open("rb", buffering=0)  # noqa: SIM115 - closed with the rest
        self._log = _identity(os.fstat(self._log_file.fileno()))
        self._log_size = self._shm_size = 0
        self._log_seen = (0, 0)
        self._header = b""
        self._seen: tuple[int, int, int] = (0, 0, 0)
        self._generation: int | None = None
        self._outdated = False
        self._kept: tuple[int, DayClicks] | None = None
        self._trouble: _TroubleError | None = None

    def ready(self) -> sqlite3.Connection:
        """Return the connection, after a check; raises `StoreError` if the file is no longer the same."""
        self._check()
        return self._db

    def holds(self) -> bool:
        """Return true if the operations on the connection count, or raise `StoreError`."""
        try:
            self._check()
        except sqlite3.Error as error:  # the operation must not be repeated, whatever the error
            raise StoreError(describe_error(error)) from None
        return True

    def within_transaction(self) -> None:
        """Check the content of the file, and raise the generation if there was a checkpoint in between."""
        schema = one(self._db, SCHEMA)
        if schema != self._schema:
            self._recording_trouble(self._check_last_day)
            self._schema = schema
        if self._outdated:
            generation = one(self._db, GENERATION) or 0
            if generation == self._generation:  # else another process was faster
                generation += 1
                self._db.execute(NEW_GENERATION, (generation,))
            self._latest = generation
            self._outdated = False

    def before_commit(self) -> None:
        """Raise `StoreError` if the transaction may have read old pages."""
        self._recording_trouble(self._check_index)

    def remember(self, series: int, day: DayClicks) -> None:
        """Remember the day that was written last."""
        self._kept = series, day

    def close(self) -> None:
        """Close the connection, in the way that preserves most of the data."""
        with self._log_file, suppress(StoreError, sqlite3.Error, OSError):
            self._check()
        trouble = self._trouble or _TroubleError("")
        ours = self._log_is_ours()
        done = trouble.discard
        if trouble.untouched:
            close_without_checkpoint(self._db, self._real)
        else:
            if trouble.rescue and ours:
                done = self._empty_log()
            self._db.close()
        if done and ours:
            for path in (self._log_path, self._shm_path):
                with suppress(OSError):
                    Path(path).unlink()

    # -- checks -----------------------------------------------------------------------------------------

    def _check(self) -> None:
        self._recording_trouble(self._check_all)

    def _recording_trouble(self, look: Callable[[], None]) -> None:
        if self._trouble is None:
            try:
                look()
            except _TroubleError as trouble:
                self._trouble = trouble
            except sqlite3.Error as error:
                if is_busy(error):
                    raise
                self._trouble = _TroubleError(describe_error(error), untouched=True)
        if self._trouble is not None:
            raise StoreError(self._trouble.text)

    def _check_all(self) -> None:
        main = self._stat(self._path, self._main, "", rescue=True)
        seen = (main.st_ctime_ns, main.st_size, getattr(main, "st_blocks", 0))
        try:
            self._check_others()
        except _TroubleError:
            with suppress(sqlite3.Error):  # of an incomplete log
                self._check_content(seen)  # other content is worse: then the log must not be copied into it
            raise
        if seen != self._seen:
            self._check_content(seen)

    def _check_others(self) -> None:
        log = self._stat(self._log_path, self._log, "-wal")
        shm = self._stat(self._shm_path, self._shm, "-shm")
        self._check_shm(shm.st_size)
        if (log.st_ctime_ns, log.st_size) != self._log_seen:
            self._check_log_file(log.st_size)
            self._log_seen = (log.st_ctime_ns, log.st_size)

    def _stat(
        self, path: str, identity: tuple[int, int], which: str, *, rescue: bool = False
    ) -> os.stat_result:
        try:
            found = os.stat(path)  # noqa: PTH116 - a third of the time, several times for each request
        except (FileNotFoundError, NotADirectoryError):
            raise _TroubleError(f"{_name(which)} was removed or renamed {_AGAIN}", rescue=rescue) from None
        if (found.st_dev, found.st_ino) != identity:
            raise _TroubleError(f"{_name(which)} was replaced by another one {_AGAIN}", rescue=rescue)
        return found

    def _check_index(self) -> None:
        self._check_shm(self._stat(self._shm_path, self._shm, "-shm").st_size)

    def _check_shm(self, size: int) -> None:
        if size < self._shm_size or size & 1:
            self._void_index()  # at once, see the module's docstring
            raise _TroubleError(
                "its file -shm was truncated while it was in use: end all programs that use the store, then"
                " start again to request the missing days"
            )
        self._shm_size = size

    def _void_index(self) -> None:
        """Make ``-shm`` one byte longer than it was, and invalid."""
        descriptor = os.open(self._shm_path, os.O_RDWR | os.O_CLOEXEC)
        _left_open.append(descriptor)
        os.ftruncate(descriptor, max(os.fstat(descriptor).st_size, self._shm_size) | 1)
        os.pwrite(descriptor, bytes(_INDEX_HEADER), 0)

    def _check_log_file(self, size: int) -> None:
        header = os.pread(self._log_file.fileno(), _LOG_HEADER, 0)
        if not self._is_continued(header, size) or self._has_hole(size):
            raise _TroubleError(f"its file -wal was truncated {_AGAIN}", untouched=True)
        self._header, self._log_size = header, size

    def _is_continued(self, header: bytes, size: int) -> bool:
        """Return whether the log has grown, or was restarted by SQLite."""
        if size < self._log_size:
            if header == self._header if size else not self._all_is_in_main():
                return False
            self._log_size = 0
        return len(header) < _LOG_HEADER or header[:4] in _MAGIC

    def _has_hole(self, size: int) -> bool:
        """Return whether the last known frame, or one after it, has no page number."""
        log, frame = self._log_file.fileno(), self._frame
        last = max(0, (self._log_size - _LOG_HEADER) // frame - 1)
        return any(
            os.pread(log, 4, at) == _NO_PAGE
            for at in range(_LOG_HEADER + last * frame, size - frame + 1, frame)
        )

    def _all_is_in_main(self) -> bool:
        """Return whether SQLite emptied the log: a checkpoint then finds no unreadable frame."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            return False
        return True

    # -- content of the main file -----------------------------------------------------------------------

    def _check_content(self, seen: tuple[int, int, int]) -> None:
        shrunk = seen[1] < self._seen[1] or seen[2] < self._seen[2]
        generation = one(self._db, GENERATION) or 0  # read first: it may be raised at any time
        inside = self._inside(thoroughly=shrunk)
        if inside is not None:
            latest = max(self._generation or 0, generation - 1)
            schema = one(self._db, SCHEMA)
            if inside.salt != self._salt or inside.generation < latest or inside.schema > schema:
                raise _TroubleError(f"the file was overwritten {_AGAIN}", discard=True, untouched=True)
            self._generation = inside.generation
            self._latest = max(self._latest, generation)
            self._outdated = inside.generation == generation
        self._seen = seen

    def _inside(self, *, thoroughly: bool) -> FileContent | None:
        """Return the properties of the main file; ``None`` while everything is in the log."""
        until = time.monotonic() + _SETTLING
        while True:
            try:
                return inspect_file(self._real, "immutable=1", thoroughly=thoroughly)
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code == sqlite3.SQLITE_ERROR and self._generation is None:
                    return None  # there is no such table yet
                if code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB} or time.monotonic() > until:
                    text = "the file was overwritten or truncated while it was in use: restore a backup"
                    raise _TroubleError(text, untouched=True) from None
            time.sleep(_PAUSE)

    def _check_last_day(self) -> None:
        """Check whether a change of the schema has removed days that were written."""
        older = one(self._db, SALT) != self._salt or (one(self._db, GENERATION) or 0) < self._latest
        if older or (self._kept is not None and not holds_day(self._db, *self._kept)):
            raise _TroubleError(f"a copy was restored into it {_AGAIN}")

    # -- closing ----------------------------------------------------------------------------------------

    def _log_is_ours(self) -> bool:
        for path, identity in ((self._log_path, self._log), (self._shm_path, self._shm)):
            try:
                if identity_of(Path(path)) != identity:
                    return False
            except OSError:
                return False
        return True

    def _empty_log(self) -> bool:
        """Copy the whole log into its file, and return whether that was possible."""
        try:
            busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            return False
        return not busy


def close_without_checkpoint(db: sqlite3.Connection, path: str | os.PathLike[str]) -> None:
    """Close a connection without a checkpoint: SQLite makes one only if no other connection is left.

    Args:
        db: the connection.
        path: the main file.
    """
    uri = uri_of(path, "mode=ro")  # a read-only connection makes no checkpoint either
    try:
        another = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0.1)
    except sqlite3.Error:  # the file was renamed: a checkpoint can only change what is not the store any more
        db.close()
        return
    with closing(another):
        with suppress(sqlite3.Error):
            another.execute("BEGIN")
            one(another, "SELECT count(*) FROM sqlite_master")
        db.close()


def _name(which: str) -> str:
    return f"its file {which}" if which else "the file"


def identity_of(path: Path) -> tuple[int, int]:
    """Return the device and the inode of a file."""
    return _identity(path.stat())


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
