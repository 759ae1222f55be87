"""Places where stores are, of both kinds."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.store.sqlite import SqliteStore
from tests.store.places import FilePlace, ServerPlace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.store.places import Place
    from tests.store.server import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
async def new_place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[], Awaitable[Place]]]:
    """Make places for stores: files for one round of the tests, databases on a server for the other."""
    made: list[Place] = []
    numbers = count()

    async def new() -> Place:
        if request.param == "sqlite":
            made.append(FilePlace(tmp_path / f"clicks{next(numbers)}.db"))
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            made.append(ServerPlace(await server.swept_database(next(numbers))))
        return made[-1]

    yield new
    for place in made:
        await place.close()


@pytest.fixture
async def place(new_place: Callable[[], Awaitable[Place]]) -> Place:
    """Make one place."""
    return await new_place()


@pytest.fixture
async def server_place(postgres_server: PostgresServer) -> AsyncIterator[ServerPlace]:
    """Make an empty database."""
    place = ServerPlace(await postgres_server.new_database())
    yield place
    await place.close()


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """Open a new file that nobody waits long for."""
    store = SqliteStore(path, patience=0.05)
    await store.open()
    yield store
    await store.close()
