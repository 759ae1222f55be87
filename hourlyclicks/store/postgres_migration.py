"""Migrating the tables of a PostgreSQL database; see `hourlyclicks.store.migration`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.errors import StoreError
from hourlyclicks.store.migration import BATCH
from hourlyclicks.store.postgres_catalog import has_table
from hourlyclicks.store.postgres_transaction import transaction
from hourlyclicks.store.protocol import NoStoreError
from hourlyclicks.store.schema import LATEST, PACKED, newer, scripts, unpacked_days

if TYPE_CHECKING:
    from hourlyclicks.store.migration import Migration
    from hourlyclicks.store.postgres_days import Connection

_ADVISORY_LOCK = 0x68634C6B
_NO_LIMIT = 86_400.0
"""Seconds for a statement that works on all days."""

_LOCK = f"SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"
_VERSION = "SELECT convert_from(value, 'UTF8') FROM hourlyclicks.properties WHERE name = 'version'"
_SET_VERSION = "UPDATE hourlyclicks.properties SET value = convert_to($1, 'UTF8') WHERE name = 'version'"

_COUNT = "SELECT count(*) FROM hourlyclicks.days"
_COPIED = "SELECT count(*) FROM hourlyclicks.packed_days"
_LAST_COPIED = """SELECT series_id, date FROM hourlyclicks.packed_days
    ORDER BY series_id DESC, date DESC LIMIT 1"""
_COPY = f"""INSERT INTO hourlyclicks.packed_days SELECT * FROM ({unpacked_days("postgres")}) AS days
    WHERE (series_id, date) > ($1, $2) ORDER BY series_id, date LIMIT $3"""  # noqa: S608 - made of constants


async def migrate(db: Connection, migration: Migration) -> None:
    """Migrate the tables, or create them, or raise `StoreError`."""
    version = await version_of(db)
    if version == LATEST:
        return
    if 0 < version < PACKED:
        await _upgrade(db, PACKED - 1)
        await _copy_days(db, migration)
    await _upgrade(db, LATEST)


async def check_readable(db: Connection) -> int:
    """Return the version of the tables, or raise `StoreError` if they cannot be read."""
    version = await version_of(db)
    if not version:
        raise NoStoreError("there is no store in this database")
    return version


async def version_of(db: Connection) -> int:
    """Return the version of the tables; 0 when there are none.

    Raises:
        StoreError: they are of a newer version.
    """
    version = int(await db.fetchval(_VERSION)) if await has_table(db, "properties") else 0
    if version > LATEST:
        raise StoreError(newer(version, LATEST))
    return version


async def _upgrade(db: Connection, version: int) -> None:
    """Run the scripts up to a version, all or none."""
    async with transaction(db):
        await db.execute(_LOCK, timeout=_NO_LIMIT)
        now = await version_of(db)
        for script in scripts("postgres")[now:version]:
            await db.execute(script, timeout=_NO_LIMIT)
        if now < version:
            await db.execute(_SET_VERSION, str(version))


async def _copy_days(db: Connection, migration: Migration) -> None:
    """Copy the days into the table of version `PACKED`, one batch after the other."""
    new_table, _, _ = scripts("postgres")[PACKED - 1].partition("LOCK TABLE")
    total, done, number = await db.fetchval(_COUNT, timeout=_NO_LIMIT), None, BATCH
    while number == BATCH:
        async with transaction(db):
            await db.execute(_LOCK, timeout=_NO_LIMIT)
            if await version_of(db) >= PACKED:  # another process was faster
                return
            await db.execute(new_table)
            if done is None:
                done = await db.fetchval(_COPIED, timeout=_NO_LIMIT)
            last = await db.fetchrow(_LAST_COPIED) or (0, dt.date.min)
            copied = await db.execute(_COPY, *last, BATCH, timeout=_NO_LIMIT)
            number = int(copied.rpartition(" ")[2])
        done += number
        migration.copied(done, total)
