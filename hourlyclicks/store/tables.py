"""The tables of a SQLite file: whether they are a store's, and which version of it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import StoreError
from hourlyclicks.store.schema import newer, scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

_APPLICATION = 0x68634C6B
"""Marks the header of the file, so that no other program's file is taken for a store."""

_OURS = {"properties", "accounts", "series", "days", "hours", "pacing"}
_SALT = 32
"""Bytes of a salt."""


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 when there are none.

    A store that was restored from SQL text (``.dump``) has lost what its header said; what it holds tells it.

    Raises:
        StoreError: the file belongs to another program, or to a newer version of this one.
    """
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = int(_one(db, "PRAGMA user_version"))  # asked for after them: both appear at one moment
    if tables and _one(db, "PRAGMA application_id") != _APPLICATION:
        version = _version_inside(db, tables)
    known = len(scripts("sqlite"))
    if version > known:
        raise StoreError(newer(version, known))
    return version


def is_marked(db: sqlite3.Connection) -> bool:
    """Return whether the header tells that this is a store."""
    return bool(_one(db, "PRAGMA application_id") == _APPLICATION)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables up to date, within a transaction."""
    known = scripts("sqlite")
    for script in known[version_of(db) :]:
        for statement in _statements(script):
            db.execute(statement)
    db.execute("INSERT OR REPLACE INTO properties VALUES ('version', ?)", (len(known),))
    db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute(f"PRAGMA user_version = {len(known)}")


def _version_inside(db: sqlite3.Connection, tables: set[str]) -> int:
    if not tables >= _OURS or _one(db, "PRAGMA application_id") != 0:
        raise StoreError("it is a SQLite file of another program")
    salt = _one(db, "SELECT value FROM properties WHERE name = 'salt'")
    if not isinstance(salt, bytes) or len(salt) != _SALT:
        raise StoreError("it is a part of a store only: restore it again, as a whole")
    return int(_one(db, "SELECT value FROM properties WHERE name = 'version'") or 1)


def _one(db: sqlite3.Connection, query: str) -> Any:  # noqa: ANN401 - of whatever type the cell is
    row = db.execute(query).fetchone()
    return None if row is None else row[0]


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
