"""A PostgreSQL store that is opened to be read only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.store.postgres import PostgresStore
from tests.model.strategies import FIRST, a_day
from tests.store.answers import ALL, ME, count_one, failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.store.bouncer import Bouncer
    from tests.store.locations import DatabaseLocation


@pytest.fixture
async def reader(database: DatabaseLocation) -> AsyncIterator[PostgresStore]:
    """Make a store in which there is a day, and another one that reads it with the right to select only."""
    store, account = await database.account()
    await store.put(account, ME, a_day(FIRST), requests=1)
    name = await database.new_user()
    await database.sql(f"GRANT USAGE ON SCHEMA hourlyclicks TO {name}")
    await database.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA hourlyclicks TO {name}")
    await database.sql(f"ALTER ROLE {name} SET default_transaction_read_only = on")
    reader = PostgresStore(database.dsn.replace("clicker:", f"{name}:"), read_only=True)
    yield reader
    await reader.close()


async def test_everything_can_be_read_with_the_right_to_select(reader: PostgresStore) -> None:
    """Also where every transaction is read only, as on a hot standby."""
    account = await reader.account("me")
    assert await reader.accounts() == {"me": account}
    assert len(await reader.salt()) == 32
    assert await reader.targets(account) == [ME]
    assert await reader.read(account, ME, ALL) == [a_day(FIRST)]
    assert len(await reader.entries(account, ME, ALL)) == 1
    assert (await reader.count_by_state(account, ME, ALL)).total() == 1


async def test_nothing_is_changed(database: DatabaseLocation, reader: PostgresStore) -> None:
    """Not even by a user who may."""
    store = PostgresStore(database.dsn, read_only=True)
    account = await store.account("me")
    for change in (
        store.put(account, ME, a_day(FIRST), requests=1),
        store.record_failure(account, ME, failure()),
        store.pace(account, count_one),
        store.account("somebody else"),
    ):
        with pytest.raises(StoreError, match="it was opened read-only"):
            await change
    assert list(await reader.accounts()) == ["me"]
    await store.close()


async def test_no_schema_is_made(empty_database: DatabaseLocation) -> None:
    """An empty database stays empty, and is called so."""
    store = PostgresStore(empty_database.dsn, read_only=True)
    with pytest.raises(StoreError, match="there is no store in this database"):
        await store.accounts()
    await store.close()
    assert await empty_database.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'hourlyclicks'") == []


async def test_a_pooler_makes_no_difference(
    bouncer: Bouncer, database: DatabaseLocation, reader: PostgresStore
) -> None:
    """It is read through PgBouncer, too."""
    store = PostgresStore(bouncer.dsn(database.dsn), read_only=True)
    assert await store.accounts() == await reader.accounts()
    await store.close()
