"""Migrating the tables of a SQLite file; see `hourlyclicks.store.migration`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hourlyclicks.store.inspection import one
from hourlyclicks.store.migration import BATCH
from hourlyclicks.store.schema import LATEST, PACKED, scripts, unpacked_days
from hourlyclicks.store.sqlite_schema import statements, upgrade, version_of
from hourlyclicks.store.sqlite_transaction import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from hourlyclicks.store.migration import Migration

_PATIENCE = 20_000
"""Milliseconds to wait for another program that writes."""

_COPIED = "SELECT count(*) FROM packed_days"
_LAST_COPIED = "SELECT series_id, date FROM packed_days ORDER BY series_id DESC, date DESC LIMIT 1"
_COPY = f"""INSERT INTO packed_days SELECT * FROM ({unpacked_days("sqlite")})
    WHERE (series_id, date) > (?, ?) ORDER BY series_id, date LIMIT ?"""  # noqa: S608 - made of constants


def migrate(db: sqlite3.Connection, migration: Migration) -> None:
    """Migrate the tables, or create them.

    Args:
        db: a connection without a transaction.
        migration: told how many days are copied.

    Raises:
        StoreError: the migration was stopped.
    """
    if 0 < version_of(db) < PACKED:
        with _patient(db):
            with transaction(db):
                upgrade(db, PACKED - 1)
            _copy_days(db, migration)
            with transaction(db):
                upgrade(db, LATEST)
    else:
        with transaction(db):
            upgrade(db, LATEST)


@contextmanager
def _patient(db: sqlite3.Connection) -> Iterator[None]:
    """Wait longer for locks, and do not overwrite with zeros what is dropped, which would fill the log."""
    before = one(db, "PRAGMA busy_timeout"), one(db, "PRAGMA secure_delete")
    db.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
    db.execute("PRAGMA secure_delete = OFF")
    try:
        yield
    finally:
        db.execute(f"PRAGMA busy_timeout = {before[0]}")
        db.execute(f"PRAGMA secure_delete = {before[1]}")


def _copy_days(db: sqlite3.Connection, migration: Migration) -> None:
    """Copy the days into the table of version `PACKED`, one batch after the other."""
    (new_table, *_) = statements(scripts("sqlite")[PACKED - 1])
    total, done, number = one(db, "SELECT count(*) FROM days"), None, BATCH
    while number == BATCH:
        with transaction(db):
            if version_of(db) >= PACKED:  # another process was faster
                return
            db.execute(new_table)
            if done is None:
                done = one(db, _COPIED)
            last = db.execute(_LAST_COPIED).fetchone() or (0, "")
            number = db.execute(_COPY, (*last, BATCH)).rowcount
        done += number
        migration.copied(done, total)
