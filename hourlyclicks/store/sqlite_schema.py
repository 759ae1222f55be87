"""The tables of a SQLite file: whether they belong to a store, and their version."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from hourlyclicks.errors import StoreError
from hourlyclicks.store.inspection import SALT, one
from hourlyclicks.store.schema import newer, scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

_APPLICATION = 0x68634C6B
"""Marks the header of the file, so that no other program's file is taken for a store."""

_OURS = {"properties", "accounts", "series", "days", "hours", "pacing"}
_BYTES = 32
"""Of a salt."""


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 when there are none.

    A store that was restored from SQL text (``.dump``) has no mark in its header; its tables tell the
    version.

    Raises:
        StoreError: the file belongs to another program, or to a newer version of this one.
    """
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = int(one(db, "PRAGMA user_version"))  # read after the tables: both appear at the same moment
    if tables and one(db, "PRAGMA application_id") != _APPLICATION:
        version = _version_inside(db, tables)
    known = len(scripts("sqlite"))
    if version > known:
        raise StoreError(newer(version, known))
    return version


def is_marked(db: sqlite3.Connection) -> bool:
    """Return whether the header marks the file as a store."""
    return bool(one(db, "PRAGMA application_id") == _APPLICATION)


def migrate(db: sqlite3.Connection) -> None:
    """Migrate the tables, within a transaction."""
    known = scripts("sqlite")
    for script in known[version_of(db) :]:
        for statement in _statements(script):
            db.execute(statement)
    db.execute("INSERT OR REPLACE INTO properties VALUES ('version', ?)", (len(known),))
    db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute(f"PRAGMA user_version = {len(known)}")


def _version_inside(db: sqlite3.Connection, tables: set[str]) -> int:
    if not tables >= _OURS or one(db, "PRAGMA application_id") != 0:
        raise StoreError("it is a SQLite file of another program")
    salt = one(db, SALT)
    if not isinstance(salt, bytes) or len(salt) != _BYTES:
        raise StoreError("it is only a part of a store: restore the whole backup again")
    return int(one(db, "SELECT value FROM properties WHERE name = 'version'") or 1)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
