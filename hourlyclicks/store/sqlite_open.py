"""Opening a SQLite file to write: it is created if necessary, and its tables are migrated."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from typing import TYPE_CHECKING

from hourlyclicks.errors import StoreError
from hourlyclicks.store.file_guard import FileGuard, close_without_checkpoint, identity_of
from hourlyclicks.store.inspection import check_log
from hourlyclicks.store.schema import LATEST
from hourlyclicks.store.sqlite_messages import CANNOT_WRITE
from hourlyclicks.store.sqlite_migration import migrate
from hourlyclicks.store.sqlite_schema import is_marked, version_of

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.store.migration import Migration

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_making = threading.Lock()
"""Held while a new file is open: when it is closed, this process loses its locks on it."""


def open_to_write(path: Path, timeout: float, migration: Migration) -> FileGuard:
    """Open a file, which is created if necessary, readable by its owner only.

    Args:
        path: the file.
        timeout: the seconds to wait for a lock, at each statement.
        migration: told how far a migration of its tables is.
    """
    _make(path)
    identity = identity_of(path)
    check_log(path)
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        _prepare(db, migration)
        return FileGuard(path, identity, db)
    except BaseException:
        close_without_checkpoint(db, os.path.realpath(path))
        raise


def check_kind(path: Path) -> os.stat_result:
    """Return the status of a file, or raise `StoreError` if it is not a regular file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError("there is no such file") from None
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise StoreError(f"it is {kind}, not a file: name a file")
    return found


def _make(path: Path) -> None:
    with _making:
        if not path.exists():
            real = os.path.realpath(path)  # a link may lead to a file that does not exist yet
            try:
                os.close(os.open(real, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            except FileNotFoundError:
                raise StoreError("there is no such folder: make it, or name another file") from None
            except FileExistsError:
                pass  # another process was faster
    check_kind(path)
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise StoreError(CANNOT_WRITE)


def _prepare(db: sqlite3.Connection, migration: Migration) -> None:
    """Migrate the tables, or raise `StoreError`."""
    version = version_of(db)
    outdated = version < LATEST or not is_marked(db)
    if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise StoreError(
            "its file system does not support SQLite's log (-wal): put it on a disk of this machine"
        )
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    if outdated:
        migrate(db, migration)
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # `FileGuard` reads the main file
    version_of(db)  # the log is open from now on
