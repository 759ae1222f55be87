"""The tables of a SQLite file: whether they belong to a store, and their version."""

from __future__ import annotations

import sqlite3
from functools import cache

from hourlyclicks.errors import StoreError
from hourlyclicks.store.inspection import SALT, one
from hourlyclicks.store.schema import (
    DAILY,
    FLEETS,
    LATEST,
    LEASES,
    PACKED,
    RANGES,
    newer,
    scripts,
    tables,
    unpacked_days,
)

_APPLICATION = 0x68634C6B
"""Marks the header of the file, so that no other program's file is taken for a store."""

_OURS = {"properties", "accounts", "series", "days", "pacing"}
_BYTES = 32
"""Of a salt."""

_NO_REVISIONS = """CREATE TEMP VIEW revisions AS SELECT NULL AS series_id, NULL AS date, NULL AS revision,
    NULL AS state, NULL AS fetched_at, NULL AS clicks, NULL AS unique_users WHERE FALSE"""
_NO_SUMS = """CREATE TEMP VIEW daily_sums AS SELECT NULL AS series_id, NULL AS date, NULL AS state,
    NULL AS fetched_at, NULL AS clicks, NULL AS unique_users WHERE FALSE"""
_NO_RANGES = """CREATE TEMP VIEW range_endpoints AS SELECT NULL AS account_id, NULL AS endpoint,
    NULL AS cap_days, NULL AS refused_at, NULL AS from_first, NULL AS to_last, NULL AS first_included,
    NULL AS last_included, NULL AS proved_at, NULL AS witness, NULL AS witness_first, NULL AS witness_last,
    NULL AS compared_at, NULL AS unusable_at WHERE FALSE"""

_NO_LEASES = """CREATE TEMP VIEW leases AS SELECT NULL AS account_id, NULL AS label, NULL AS token,
    NULL AS until, NULL AS asked, NULL AS holder, NULL AS host, NULL AS machine, NULL AS pid,
    NULL AS started WHERE FALSE"""
_NO_FLEETS = """CREATE TEMP VIEW fleets AS SELECT NULL AS run, NULL AS name, NULL AS host, NULL AS machine,
    NULL AS pid, NULL AS started, NULL AS began, NULL AS seen, NULL AS active, NULL AS waiting,
    NULL AS requests, NULL AS stop WHERE FALSE"""


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 when there are none.

    A store that was restored from SQL text (``.dump``) has no mark in its header; its tables tell the
    version.

    Raises:
        StoreError: the file belongs to another program, or to a newer version of this one.
    """
    names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = int(one(db, "PRAGMA user_version"))  # read after the tables: both appear at the same moment
    if names and one(db, "PRAGMA application_id") != _APPLICATION:
        version = _version_inside(db, names)
    if version > LATEST:
        raise StoreError(newer(version, LATEST))
    return version


def is_marked(db: sqlite3.Connection) -> bool:
    """Return whether the header marks the file as a store."""
    return bool(one(db, "PRAGMA application_id") == _APPLICATION)


def upgrade(db: sqlite3.Connection, version: int) -> None:
    """Make the tables of a version, or change older ones into them, within a transaction.

    Args:
        db: the connection.
        version: the version that the tables have in the end, unless they have a later one.
    """
    now = version_of(db)
    new = now == 0 and version == LATEST
    for script in [tables("sqlite")] if new else scripts("sqlite")[now:version]:
        for statement in statements(script):
            db.execute(statement)
    version = max(now, version)
    db.execute("INSERT OR REPLACE INTO properties VALUES ('version', ?)", (version,))
    db.execute(f"PRAGMA application_id = {_APPLICATION}")
    db.execute(f"PRAGMA user_version = {version}")


def read_as_current(db: sqlite3.Connection) -> None:
    """Let a connection read older tables as those of this version, without changing the file.

    SQLite prefers temporary views to tables of the same name.
    """
    version, days = version_of(db), unpacked_days("sqlite")
    if version >= FLEETS:
        return
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(_NO_FLEETS)
    if version >= LEASES:
        return
    db.execute(_NO_LEASES)
    if version >= RANGES:
        return
    db.execute(_NO_RANGES)
    if version >= DAILY:
        return
    db.execute(_NO_SUMS)
    if version >= PACKED:
        return
    if version == 1:
        days = days.replace("doubted_at", "NULL AS doubted_at")
        db.execute(_NO_REVISIONS)
    db.execute(f"CREATE TEMP VIEW days AS {days}")


def _version_inside(db: sqlite3.Connection, names: set[str]) -> int:
    if not names >= _OURS or one(db, "PRAGMA application_id") != 0:
        raise StoreError("it is a SQLite file of another program")
    salt = one(db, SALT)
    if not isinstance(salt, bytes) or len(salt) != _BYTES:
        raise StoreError("it is only a part of a store: restore the whole backup again")
    return int(one(db, "SELECT value FROM properties WHERE name = 'version'") or 1)


@cache
def statements(script: str) -> tuple[str, ...]:
    """Return the statements of a script."""
    found, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return tuple(found)
