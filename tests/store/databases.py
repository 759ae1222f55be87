"""Databases with the tables of a new store, each of which is used by one test after the other."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from hourlyclicks.store.postgres import PostgresStore
from tests.store.locations import SEARCH_PATH, DatabaseLocation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.store.server import PostgresServer

_DISCONNECT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
_DEFINITIONS = """SELECT array_agg(entry ORDER BY entry) FROM (
    SELECT format('%s %s', oid, xmin) AS entry FROM pg_class
    WHERE relnamespace IN (to_regnamespace('hourlyclicks'), to_regnamespace('public'))
    UNION ALL SELECT format('%s %s', oid, xmin) FROM pg_proc
    WHERE pronamespace IN (to_regnamespace('hourlyclicks'), to_regnamespace('public'))
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS entries"""
"""What is defined, and which transaction has changed it last: also a permission or a trigger of a table."""
_EMPTY = """DO $$
DECLARE
    relation RECORD;
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);  -- no trigger runs or checks a key
    FOR relation IN
        SELECT oid::regclass AS name, oid, relkind FROM pg_class
        WHERE relnamespace = 'hourlyclicks'::regnamespace AND relkind IN ('r', 'S')
    LOOP
        IF relation.relkind = 'r' THEN
            EXECUTE format('DELETE FROM %s', relation.name);
        ELSE
            PERFORM setval(relation.oid, 1, false);
        END IF;
    END LOOP;
END
$$"""
_PROPERTIES = "INSERT INTO hourlyclicks.properties VALUES ('version', $1), ('salt', $2)"


class PreparedDatabases:
    """Lends databases in which a store has made its tables, and has stored nothing.

    To make the tables takes the server five times as long as to remove what a test has stored. A database in
    which a test has changed more than rows is dropped, and another one is a copy of one that is never used.

    Args:
        server: where they are.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._idle: list[str] = []
        self._template = ""
        self._version = b""
        self._definitions: list[str] = []

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[DatabaseLocation]:
        """Lend one that no other test uses."""
        if not self._template:
            await self._prepare()
        location = None
        while location is None:
            dsn = self._idle.pop() if self._idle else await self._server.new_database(self._template)
            location = await self._emptied(dsn)
        yield location
        await location.close()
        self._idle.append(location.dsn)

    async def _prepare(self) -> None:
        """Make the one that is copied."""
        dsn = await self._server.new_database()
        async with PostgresStore(dsn):
            pass
        db: Any = await asyncpg.connect(dsn)
        try:
            self._definitions = await db.fetchval(_DEFINITIONS)
            query = "SELECT value FROM hourlyclicks.properties WHERE name = 'version'"
            self._version = await db.fetchval(query)
        finally:
            await db.close()
        self._template = dsn.rpartition("/")[2]

    async def _emptied(self, dsn: str) -> DatabaseLocation | None:
        """Remove all rows from one; if more than rows was changed, drop it and return ``None``."""
        db: Any = await asyncpg.connect(dsn, statement_cache_size=0, server_settings=SEARCH_PATH)
        await db.execute(_DISCONNECT)
        if await db.fetchval(_DEFINITIONS) == self._definitions:
            await db.execute(_EMPTY)
            await db.execute(_PROPERTIES, self._version, os.urandom(32))
            return DatabaseLocation(dsn, db)
        await db.close()
        await self._server.drop_database(dsn)
        return None
