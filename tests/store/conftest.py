"""Locations of stores, of all kinds."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import count
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.store.sqlite import SqliteStore
from tests.store.locations import DatabaseLocation, MemoryLocation, SqliteLocation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.store.databases import PreparedDatabases
    from tests.store.locations import Location, NewLocation
    from tests.store.server import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
async def new_location(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewLocation]:
    """Make locations for stores: files for one round of the tests, databases with tables for another.

    The tests of what all stores have in common have a third round, in memory.
    """
    numbers = count()
    async with AsyncExitStack() as ends:

        async def new(*, bare: bool = False) -> Location:
            if request.param == "postgres":
                databases: PreparedDatabases = request.getfixturevalue("prepared_databases")
                return await ends.enter_async_context(databases.lend_bare() if bare else databases.lend())
            file = request.param == "sqlite"
            made = SqliteLocation(tmp_path / f"clicks{next(numbers)}.db") if file else MemoryLocation()
            ends.push_async_callback(made.close)
            return made

        yield new


@pytest.fixture
async def location(new_location: NewLocation) -> Location:
    """Make one location."""
    return await new_location()


@pytest.fixture
async def database(prepared_databases: PreparedDatabases) -> AsyncIterator[DatabaseLocation]:
    """Lend a database that has the tables already."""
    async with prepared_databases.lend() as location:
        yield location


@pytest.fixture
async def empty_database(prepared_databases: PreparedDatabases) -> AsyncIterator[DatabaseLocation]:
    """Lend a database with nothing in it."""
    async with prepared_databases.lend_bare() as location:
        yield location


@pytest.fixture
async def pooled_database(
    postgres_server: PostgresServer, prepared_databases: PreparedDatabases
) -> AsyncIterator[DatabaseLocation]:
    """Make a database that has the tables already, and a name of which no pooler knows connections."""
    location = DatabaseLocation(await prepared_databases.new())
    yield location
    await location.close()
    await postgres_server.drop_database(location.dsn)


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """Open a new file with a short patience."""
    store = SqliteStore(path, patience=0.05)
    await store.open()
    yield store
    await store.close()
