"""The connections of a PostgreSQL store: how many there are, what runs in parallel, and their name."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from hourlyclicks import Client, Limits, Link, UsageError, __version__
from hourlyclicks.simulator import Simulator
from hourlyclicks.store.postgres import PostgresStore
from tests.model.strategies import FIRST, a_day
from tests.store.answers import ALL, ME, count_one
from tests.store.older_stores import older_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.store.locations import DatabaseLocation

OURS = f"hourlyclicks {__version__}"
NAMES = """SELECT application_name, wait_event_type = 'Lock' FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


@asynccontextmanager
async def locked(database: DatabaseLocation, statement: str) -> AsyncIterator[None]:
    """Hold what a statement locks, as another program does."""
    other: Any = await asyncpg.connect(database.dsn, server_settings={"search_path": "hourlyclicks"})
    try:
        await other.execute("BEGIN")
        await other.execute(statement)
        yield
        await other.execute("COMMIT")
    finally:
        await other.close()


async def waiting(database: DatabaseLocation, number: int) -> None:
    """Wait until a number of connections of stores wait for a lock."""
    async with asyncio.timeout(60):
        while sum(bool(waits) for name, waits in await database.sql(NAMES) if name.startswith(OURS)) < number:
            pass


async def ended(database: DatabaseLocation) -> None:
    """Wait until the server has ended the connections that were closed."""
    async with asyncio.timeout(60):
        while await database.sql(NAMES):
            pass


async def test_operations_share_a_number_of_connections(database: DatabaseLocation) -> None:
    """As many reads run in parallel, and the others wait for their turn."""
    store = PostgresStore(database.dsn, connections=2)
    account = await store.account("me")
    await store.put(account, ME, a_day(FIRST), requests=1)
    assert [name for name, _ in await database.sql(NAMES)] == [OURS]  # made when they are needed
    async with locked(database, "LOCK TABLE days IN ACCESS EXCLUSIVE MODE"):
        reads = [asyncio.create_task(store.read(account, ME, ALL)) for _ in range(7)]
        await waiting(database, 2)
        assert [name for name, _ in await database.sql(NAMES)].count(OURS) == 2
    assert await asyncio.gather(*reads) == [[a_day(FIRST)]] * 7
    await store.close()
    await ended(database)


async def test_an_account_does_not_wait_for_another_one(database: DatabaseLocation) -> None:
    """While another process holds the limiter of one account, days of the other are written."""
    store = await database.open()
    mine, yours = await store.account("me"), await store.account("you")
    await store.pace(mine, count_one)
    async with locked(database, f"SELECT * FROM pacing WHERE account_id = {mine} FOR UPDATE"):  # noqa: S608 - ours
        step = asyncio.create_task(store.pace(mine, count_one))
        await waiting(database, 1)
        await store.put(yours, ME, a_day(FIRST), requests=1)
        await store.pace(yours, count_one)
        assert not step.done()
    assert (await step)[0] == 2


async def test_one_store_serves_any_number_of_clients(database: DatabaseLocation) -> None:
    """Closing a client leaves the store open for the others; the code that made the store closes it."""
    links = [Link(f"link{number}", "https://vvd.bz") for number in range(4)]
    store = PostgresStore(database.dsn, connections=3)
    upstream = Simulator(limits=(), concurrency=0, latency=(0.0, 0.0))

    def client(number: int) -> Client:
        return Client(
            upstream.key,
            base_url="http://localhost",
            limits=Limits(concurrency=2),
            store=store,
            account=f"account {number % 2}",
            transport=upstream.transport(),
        )

    async def backfill(number: int) -> bool:
        async with client(number) as one:
            return (await one.backfill("2024-03-01", "2024-03-07", [links[number]])).complete

    assert all(await asyncio.gather(*map(backfill, range(4))))
    made = [name for name, _ in await database.sql(NAMES)].count(OURS)
    assert 1 <= made <= 3 + 1  # one may listen for changes
    async with client(0) as again:
        assert (await again.fetch("2024-03-01", "2024-03-07", links[0])).missing_days == ()
    assert set(upstream.counters.asked.values()) == {1}
    assert upstream.counters.requests == 4 * 7
    await store.close()
    await ended(database)


async def test_a_connection_made_during_a_close_is_closed_by_the_next(database: DatabaseLocation) -> None:
    """The next call of `close` may come while the first is under way."""
    store = PostgresStore(database.dsn)
    account = await store.account("me")
    first = asyncio.create_task(store.close())
    while store._pool._idle:  # noqa: ASYNC110 - a few turns
        await asyncio.sleep(0)
    assert not first.done()
    write = asyncio.create_task(store.put(account, ME, a_day(FIRST), requests=1))
    await asyncio.sleep(0)
    await asyncio.gather(store.close(), write)
    await ended(database)


@pytest.mark.parametrize(
    ("name", "query", "shown"),
    [
        (None, "", OURS),
        ("nightly", "", f"{OURS} nightly"),
        ("nightly", "?application_name=clicks", "clicks"),
    ],
)
async def test_an_operator_sees_the_name(
    database: DatabaseLocation, name: str | None, query: str, shown: str
) -> None:
    """With the version, and that of the job, unless the address says something else."""
    store = PostgresStore(database.dsn + query, name=name)
    await store.open()
    assert [name for name, _ in await database.sql(NAMES)] == [shown]
    await store.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"connections": 0}, "connections must be a whole number from 1"),
        ({"name": " "}, "name is empty"),
        ({"name": "a\0b"}, "name must not hold the character NUL"),
    ],
)
def test_arguments_are_checked(options: dict[str, Any], said: str) -> None:
    """Before anything is connected."""
    with pytest.raises(UsageError, match=said):
        PostgresStore("postgresql://host/clicks", **options)


async def test_older_tables_are_migrated_once(empty_database: DatabaseLocation) -> None:
    """However many tasks open the store at the same time."""
    await older_database(empty_database.dsn, 2)
    steps: list[tuple[int, int]] = []
    store = PostgresStore(empty_database.dsn, on_migration=lambda *step: steps.append(step))
    await asyncio.gather(*[store.open() for _ in range(4)])
    await store.close()
    assert len(steps) == 1
