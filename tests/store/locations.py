"""Locations of stores: a file or a database, which any number of stores may use, or the memory."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import asyncpg

from hourlyclicks.store.memory import MemoryStore
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.sqlite import SqliteStore
from tests.store.server import PASSWORD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from hourlyclicks.store.protocol import Store
    from tests.store.sessions import Session

T = TypeVar("T")

SEARCH_PATH = {"search_path": "hourlyclicks"}
_GUESTS = count(1)
"""A user belongs to a server, not to a database."""


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
    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as a tool of the database does."""

    @abstractmethod
    def _store(self) -> Store: ...


async def with_accounts(location: Location, cases: Iterable[T]) -> AsyncIterator[tuple[Store, int, T]]:
    """Yield one store, for each case with another account: to open a store takes longer than most cases."""
    store = await location.open()
    for number, case in enumerate(cases):
        yield store, await store.account(f"account {number}"), case


class NewLocation(Protocol):
    """Makes a location."""

    async def __call__(self, *, bare: bool = False) -> Location:
        """Make one, which has no tables if it is to be bare; a file has none in any case."""


class SqliteLocation(Location):
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

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

    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """See `Location.sql`."""
        return self._memory._file._db.execute(statement).fetchall()

    def _store(self) -> Store:
        return self._memory


class DatabaseLocation(Location):
    """A PostgreSQL database.

    Args:
        dsn: its address.
        session: a connection to it, for statements; otherwise each has a connection of its own.
    """

    def __init__(self, dsn: str, session: Session | None = None) -> None:
        super().__init__()
        self.dsn = dsn
        self._session = session

    async def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """See `Location.sql`."""
        if self._session is not None:
            return await self._session.fetch(statement)
        db = await asyncpg.connect(self.dsn, server_settings=SEARCH_PATH)
        try:
            return [tuple(row) for row in await db.fetch(statement)]
        finally:
            await db.close()

    async def new_user(self) -> str:
        """Make a user who has no rights, and the password of all users; return the name."""
        name = f"guest_{next(_GUESTS)}"
        await self.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        return name

    def _store(self) -> Store:
        return PostgresStore(self.dsn)
