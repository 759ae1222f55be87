"""Locations of stores, of all kinds."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.store.sqlite import SqliteStore
from tests.store.locations import DatabaseLocation, MemoryLocation, SqliteLocation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.store.locations import Location
    from tests.store.server import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
async def new_location(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[], Awaitable[Location]]]:
    """Make locations for stores: files for one round of the tests, databases on a server for another.

    The tests of what all stores have in common have a third round, in memory.
    """
    made: list[Location] = []
    numbers = count()

    async def new() -> Location:
        if request.param == "sqlite":
            made.append(SqliteLocation(tmp_path / f"clicks{next(numbers)}.db"))
        elif request.param == "memory":
            made.append(MemoryLocation())
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            made.append(DatabaseLocation(await server.swept_database(next(numbers))))
        return made[-1]

    yield new
    for location in made:
        await location.close()


@pytest.fixture
async def location(new_location: Callable[[], Awaitable[Location]]) -> Location:
    """Make one location."""
    return await new_location()


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[DatabaseLocation]:
    """Make an empty database."""
    location = DatabaseLocation(await postgres_server.new_database())
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
