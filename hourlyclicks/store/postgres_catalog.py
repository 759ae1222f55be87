"""What the catalog of a PostgreSQL database says of the store's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourlyclicks.store.postgres_days import Connection

_THERE = """SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = $1 AND relkind = 'r' AND
    relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'hourlyclicks'))"""
"""Not `to_regclass`, whose result may be outdated within a transaction, nor `pg_tables`, which is slower."""


async def has_table(db: Connection, name: str) -> bool:
    """Return whether the store has a table; no permission on it is needed."""
    return bool(await db.fetchval(_THERE, name))
