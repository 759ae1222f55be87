"""The messages about a SQLite file."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from hourlyclicks.store.sqlite_messages import describe_error, is_busy


def failure(code: int, words: str = "as SQLite says it") -> sqlite3.OperationalError:
    """Make an error of SQLite."""
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_FULL, "free some space"),
        (sqlite3.SQLITE_READONLY, "give this user the right to write"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "give this user the right to write"),
        (sqlite3.SQLITE_CANTOPEN, "check the rights to its folder"),
        (sqlite3.SQLITE_NOTADB, "restore a backup, or name another"),
        (sqlite3.SQLITE_CORRUPT, "restore a backup"),
        (sqlite3.SQLITE_BUSY, "close that program"),
        (sqlite3.SQLITE_BUSY_RECOVERY, "close that program"),
        (sqlite3.SQLITE_LOCKED, "close that program"),
        (sqlite3.SQLITE_IOERR, "check the disk and its free space"),
        (sqlite3.SQLITE_IOERR_WRITE, "check the disk and its free space"),
        (sqlite3.SQLITE_IOERR_SHORT_READ, "restore a backup"),
        (sqlite3.SQLITE_IOERR_SHMMAP, "put it on a disk of this machine"),
        (sqlite3.SQLITE_IOERR_LOCK, "put it on a disk of this machine"),
        (sqlite3.SQLITE_PROTOCOL, "put it on a disk of this machine"),
    ],
)
def test_each_error_says_what_to_do(code: int, advice: str) -> None:
    """In one line, whatever SQLite calls it."""
    said = describe_error(failure(code))
    assert advice in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EACCES, "check the rights to its folder"),
        (errno.EPERM, "check the rights to its folder"),
        (errno.EROFS, "give this user the right to write"),
        (errno.ENOSPC, "free some space"),
        (errno.EIO, "check the disk"),
        (errno.ENOTDIR, "name another file"),
        (errno.ENAMETOOLONG, "name another file"),
        (errno.ELOOP, "name another file"),
    ],
)
def test_each_error_of_the_system_says_what_to_do(code: int, advice: str) -> None:
    """As those of SQLite do."""
    assert advice in describe_error(OSError(code, os.strerror(code)))


def test_tables_that_are_gone_are_another_program_s_work() -> None:
    """SQLite calls that an error of the statement."""
    assert "restore a backup" in describe_error(failure(sqlite3.SQLITE_ERROR, "no such table: days"))


def test_other_errors_are_in_the_words_they_have() -> None:
    """Those of SQLite, of the operating system, and of invalid text or numbers."""
    assert describe_error(failure(sqlite3.SQLITE_ERROR)) == "as SQLite says it"
    assert describe_error(sqlite3.ProgrammingError("closed")) == "closed"
    assert "free some space" in describe_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert describe_error(OSError(errno.EDOM, "as the system says it")) == "as the system says it"
    assert describe_error(OSError()) == "OSError"
    assert "64 bits" in describe_error(OverflowError())


def test_a_lock_is_told_from_other_errors() -> None:
    """It is worth another try."""
    assert is_busy(failure(sqlite3.SQLITE_BUSY_RECOVERY))
    assert not is_busy(failure(sqlite3.SQLITE_IOERR))
    assert not is_busy(OSError())
