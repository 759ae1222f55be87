"""Messages for errors of a SQLite file; each names what to do."""

from __future__ import annotations

import errno
import sqlite3

from hourlyclicks.errors import StoreError

FAILURES = (StoreError, sqlite3.Error, OSError, OverflowError, UnicodeEncodeError)
"""The exceptions of an operation on the tables."""

_DISK = (
    "the disk or its file system reports an error (disk I/O error): check the disk and its free space,"
    " then start again; what was kept stays"
)
CANNOT_WRITE = "it cannot be written: give this user the right to write to the file and to its folder"
_LOCKED = "another program keeps it locked: close that program, or end its transaction, then start again"
_CANNOT_OPEN = "it, or a file next to it, cannot be opened: check the rights to its folder"
_CHANGED = "another program has changed its tables: restore a backup"
_DAMAGED = "it is damaged: restore a backup"

_MESSAGES = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space, then start again; what was kept stays",
    sqlite3.SQLITE_READONLY: CANNOT_WRITE,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_OPEN,
    sqlite3.SQLITE_NOTADB: "it is damaged, or not a store: restore a backup, or name another file",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_PROTOCOL: "its file system does not support locks: put it on a disk of this machine",
}
"""By the primary result code."""

_EXTENDED_MESSAGES = {
    sqlite3.SQLITE_IOERR_SHORT_READ: "a part of it is missing: restore a backup",
    sqlite3.SQLITE_IOERR_LOCK: _MESSAGES[sqlite3.SQLITE_PROTOCOL],
    **dict.fromkeys(
        (sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_SHMSIZE),
        "its file system does not support shared memory (-shm), or is full: put it on a disk of this machine",
    ),
}
"""By the extended result code, where it is more precise."""

_SYSTEM_MESSAGES = {
    errno.ENOSPC: _MESSAGES[sqlite3.SQLITE_FULL],
    errno.EDQUOT: _MESSAGES[sqlite3.SQLITE_FULL],
    errno.EACCES: _CANNOT_OPEN,
    errno.EPERM: _CANNOT_OPEN,
    errno.EROFS: CANNOT_WRITE,
    errno.EIO: _DISK,
    errno.ENOTDIR: "a part of its path is a file, not a folder: name another file",
    errno.ENAMETOOLONG: "its name is too long: name another file",
    errno.ELOOP: "its path is a link that leads to itself: name another file",
}


def describe_error(error: Exception) -> str:
    """Return the message for an error of a file."""
    if isinstance(error, OSError):
        return _SYSTEM_MESSAGES.get(error.errno or 0) or error.strerror or type(error).__name__
    if isinstance(error, OverflowError | UnicodeEncodeError):
        return "it cannot store a number of more than 64 bits, or half of a surrogate pair"
    code = getattr(error, "sqlite_errorcode", 0)
    if str(error).startswith(("no such table", "no such column")):
        return _CHANGED
    return _EXTENDED_MESSAGES.get(code) or _MESSAGES.get(code & 0xFF) or str(error)


def named_error(name: str, error: Exception) -> StoreError:
    """Return one of the `FAILURES` as the error of a store, whose name it begins with."""
    said = str(error) if isinstance(error, StoreError) else describe_error(error)
    return StoreError(f"the store {name}: {said}")


def is_busy(error: Exception) -> bool:
    """Return whether the lock of another program is the cause."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
