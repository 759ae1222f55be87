"""Locations of stores: a file or a database, which any number of stores may use, or the memory."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from typing import TYPE_CHECKING, Any

import asyncpg

from hourlyclicks.store.memory import MemoryStore
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.store.protocol import Store

SEARCH_PATH = {"search_path": "hourlyclicks"}


class Location(ABC):
    """A location that is empty at first."""

    def __init__(self) -> None:
        self._stores: list[Store] = []

    async def open(self) -> Store:
        """Open another store."""
        store = self._store()
        self._stores.append(store)
        await store.open()
        return store

    async def account(self, name: str = "me") -> tuple[Store, int]:
        """Open another store, and return it with an account."""
        store = await self.open()
        return store, await store.account(name)

    async def close(self) -> None:
        """Close every store."""
        for store in self._stores:
            await store.close()

    @abstractmethod
    async def remove_tables(self) -> None:
        """Let the next store make its tables, if they are there already."""

    @abstractmethod
    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as a tool of the database does."""

    @abstractmethod
    def _store(self) -> Store: ...


class SqliteLocation(Location):
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    async def remove_tables(self) -> None:
        """Do nothing: there are none before a store has made them."""

    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """See `Location.sql`."""
        with closing(sqlite3.connect(self.path)) as db, db:
            return db.execute(statement).fetchall()

    def _store(self) -> Store:
        return SqliteStore(self.path)


class MemoryLocation(Location):
    """A place in memory, where the store itself is the location."""

    def __init__(self) -> None:
        super().__init__()
        self._memory = MemoryStore()

    async def remove_tables(self) -> None:
        """Do nothing: there are none before a store has made them."""

    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """See `Location.sql`."""
        return self._memory._file._db.execute(statement).fetchall()

    def _store(self) -> Store:
        return self._memory


class DatabaseLocation(Location):
    """A PostgreSQL database.

    Args:
        dsn: its address.
        connection: a connection to it, for statements; it is closed with the location.
    """

    def __init__(self, dsn: str, connection: Any = None) -> None:  # noqa: ANN401 - asyncpg has no types
        super().__init__()
        self.dsn = dsn
        self._connection = connection

    async def close(self) -> None:
        """See `Location.close`."""
        await super().close()
        if self._connection is not None:
            await self._connection.close()

    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """See `Location.sql`."""
        if self._connection is not None and not self._connection.is_closed():
            return [tuple(row) for row in await self._connection.fetch(statement)]
        db = await asyncpg.connect(self.dsn, server_settings=SEARCH_PATH)
        try:
            return [tuple(row) for row in await db.fetch(statement)]
        finally:
            await db.close()

    async def remove_tables(self) -> None:
        """See `Location.remove_tables`."""
        await self.sql("DROP SCHEMA IF EXISTS hourlyclicks CASCADE")

    def _store(self) -> Store:
        return PostgresStore(self.dsn)
