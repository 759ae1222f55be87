"""Databases with the tables of a new store, or without tables, which are used by one test after another."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.schema import LATEST
from tests.store.locations import SEARCH_PATH, DatabaseLocation
from tests.store.sessions import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.store.server import PostgresServer

_FIRST_OF_USERS = 16_384
"""The number of the first object that a user has made; those below come with the server."""
_DISCONNECT = """SELECT pg_terminate_backend(pid) FROM pg_stat_get_activity(NULL)
    WHERE datid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
"""Without the view ``pg_stat_activity``, whose plan takes longer than the statement."""
_DEFINITIONS = f"""SELECT array_agg(entry ORDER BY entry) FROM (
    SELECT format('%s %s', oid, xmin) AS entry FROM pg_class
    WHERE oid >= {_FIRST_OF_USERS} AND relpersistence <> 't'
    UNION ALL SELECT format('%s %s', oid, xmin) FROM pg_proc WHERE oid >= {_FIRST_OF_USERS}
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS entries"""  # noqa: S608 - a number
"""What is defined, and which transaction has changed it last: also a permission or a trigger of a table."""
_RELATIONS = """SELECT relname, relkind::text FROM pg_class
    WHERE relnamespace = 'hourlyclicks'::regnamespace AND relkind IN ('r', 'S')"""
_EMPTY = {"r": "DELETE FROM hourlyclicks.{}", "S": "SELECT setval('hourlyclicks.{}', 1, false)"}
"""What makes a table or a sequence as it was in the beginning."""
_PROPERTIES = "INSERT INTO hourlyclicks.properties VALUES ('version', '{}'), ('salt', '\\x{}')"
_REMOVE = "DROP SCHEMA IF EXISTS hourlyclicks CASCADE"


class PreparedDatabases:
    """Lends databases in which a store has made its tables and has stored nothing, and some without tables.

    To make the tables takes the server five times as long as to remove what a test has stored. Where a test
    has changed more than rows, the tables are removed; what has tables is a copy of a database that is never
    used. One that a test has changed in other ways is dropped.

    Args:
        server: where they are.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._used: list[Session] = []
        self._unchanged: list[Session] = []
        self._bare: list[Session] = []
        self._template = ""
        self._empty: list[str] = []
        self._definitions: object = None

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[DatabaseLocation]:
        """Lend one with tables that no other test uses."""
        session = await self._with_tables()
        async with self._lent(session) as location:
            yield location

    @asynccontextmanager
    async def lend_bare(self) -> AsyncIterator[DatabaseLocation]:
        """Lend one without tables that no other test uses."""
        await self._sort()
        session = self._bare.pop() if self._bare else self._session(await self._server.new_database())
        async with self._lent(session) as location:
            yield location

    async def new(self) -> str:
        """Make one with tables, and with a name that no other has had, and return its address."""
        if not self._template:
            await self._prepare()
        return await self._server.new_database(self._template)

    @asynccontextmanager
    async def _lent(self, session: Session) -> AsyncIterator[DatabaseLocation]:
        location = DatabaseLocation(session.dsn, session)
        yield location
        await location.close()
        self._used.append(session)

    async def _prepare(self) -> None:
        """Make the one that is copied."""
        session = self._session(await self._server.new_database())
        async with PostgresStore(session.dsn):
            pass
        self._definitions = await session.fetch(_DEFINITIONS)
        triggers = "SET LOCAL session_replication_role = replica"  # none runs, and no key is checked
        relations = await session.fetch(_RELATIONS)
        self._empty = [triggers, *(_EMPTY[kind].format(name) for name, kind in relations)]
        await session.close()
        self._template = session.dsn.rpartition("/")[2]

    async def _with_tables(self) -> Session:
        """Return one that has the tables of a new store, and no rows but those."""
        await self._sort()
        session = self._unchanged.pop() if self._unchanged else self._session(await self.new())
        await session.run(*self._empty, _PROPERTIES.format(LATEST, os.urandom(32).hex()))
        return session

    async def _sort(self) -> None:
        """Look what tests have changed, and remove the tables where they are not those of a new store."""
        while self._used:
            session = self._used.pop()
            await session.run(_DISCONNECT)
            if await session.fetch(_DEFINITIONS) == self._definitions:
                self._unchanged.append(session)
            else:
                await self._remove_tables(session)

    async def _remove_tables(self, session: Session) -> None:
        """Remove the tables of a store; drop a database in which there is more."""
        await session.run(_REMOVE, f"ALTER DATABASE {session.dsn.rpartition('/')[2]} RESET ALL")
        if await session.fetch(_DEFINITIONS) == [(None,)]:
            self._bare.append(session)
        else:
            await session.close()
            await self._server.drop_database(session.dsn)

    def _session(self, dsn: str) -> Session:
        return Session(self._server.background, dsn, SEARCH_PATH)
