"""Opening a SQLite file read-only: nothing is created, changed or left behind.

SQLite itself needs ``-wal`` and ``-shm`` to read a file in WAL mode, and creates them. So a file without a
log is opened as immutable (``immutable=1``), and checked for changes: a changed file is opened and read
again. A file with a log is opened together with it (``mode=ro``).

Tables of an older version are read through temporary views.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from hourlyclicks.errors import StoreError
from hourlyclicks.store.inspection import check_log, uri_of
from hourlyclicks.store.sqlite_open import check_kind
from hourlyclicks.store.sqlite_schema import read_as_current, version_of

if TYPE_CHECKING:
    from hourlyclicks.model.day import DayClicks

_UNREADABLE_LOG = (
    "its latest days are in the file {log}, which SQLite cannot read here: give this user the right to write"
    " to the folder, or copy the store with its -wal to another folder"
)


class ReadOnlyFile:
    """A read-only connection to a SQLite file.

    Args:
        path: the file.
        timeout: the seconds to wait for a lock, at each statement.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._seen: tuple[object, ...] | None = None
        self._db: sqlite3.Connection | None = None
        self._open()

    def ready(self) -> sqlite3.Connection:
        """Return the connection; a new one if the file has changed."""
        if self._db is None or not self.holds():
            self.close()
            return self._open()
        return self._db

    def holds(self) -> bool:
        """Return whether the file is unchanged since it was opened."""
        return self._seen is None or self._seen == self._state()

    def close(self) -> None:
        """Close the connection."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def within_transaction(self) -> None:
        """Refuse to write."""
        raise StoreError("it was opened read-only")

    def before_commit(self) -> None:
        """Do nothing: nothing is written."""

    def remember(self, series: int, day: DayClicks) -> None:
        """Do nothing: nothing is written."""

    def _open(self) -> sqlite3.Connection:
        if check_kind(self._path).st_size == 0:
            raise StoreError("the file is empty and not a store")
        self._seen = self._state()
        self._db = self._connect()
        return self._db

    def _state(self) -> tuple[object, ...]:
        found = self._path.stat()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, self._log_size()

    def _log_size(self) -> int | None:
        """Return the size of the log, or ``None`` if there is no log of any kind."""
        sizes = [path.stat().st_size for path in self._logs() if path.exists()]
        return sum(sizes) if sizes else None

    def _logs(self) -> list[Path]:
        return [Path(os.path.realpath(self._path) + suffix) for suffix in ("-wal", "-journal")]

    def _connect(self) -> sqlite3.Connection:
        size = self._log_size()
        if size is None:
            return self._try("immutable=1")
        check_log(self._path)
        try:
            db = self._try("mode=ro")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
                raise
            if size:
                raise StoreError(_UNREADABLE_LOG.format(log=self._logs()[0].name)) from None
            return self._try("immutable=1")
        self._seen = None  # SQLite notices changes itself
        return db

    def _try(self, how: str) -> sqlite3.Connection:
        uri = uri_of(os.path.realpath(self._path), how)
        db = sqlite3.connect(uri, uri=True, timeout=self._timeout, isolation_level=None)
        try:
            _check_tables(db)
            read_as_current(db)
        except BaseException:
            db.close()
            raise
        return db


def _check_tables(db: sqlite3.Connection) -> None:
    if version_of(db) == 0:
        raise StoreError("it has no tables and is not a store")
