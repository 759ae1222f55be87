"""In which order operations of a PostgreSQL store lock rows: in any other, two can wait for each other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import pytest

from hourlyclicks.store.fleets import KEPT, FleetEntry
from hourlyclicks.store.leases import LIFE, Fence, Holder
from hourlyclicks.store.postgres import PostgresStore
from tests.store.locations import SEARCH_PATH
from tests.store.test_postgres_pool import waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.store.locations import DatabaseLocation

    Operation: TypeAlias = Callable[[], Awaitable[object]]
    Prepare: TypeAlias = Callable[[PostgresStore, DatabaseLocation], Awaitable[Operation]]

ME = Holder("me", "host", "machine", 1, 2)
NAMES = ("b", "a")
"""Two names in the order in which they become known, which is not that of the names."""


async def known(store: PostgresStore) -> None:
    """Make two accounts, of which the first has the last name."""
    for name, number in zip(NAMES, (1, 2), strict=True):
        assert await store.account_numbers({name: f"key {number}"}) == {name: number}


async def new_keys(store: PostgresStore, _: DatabaseLocation) -> Operation:
    """Let both accounts have another key."""
    await known(store)
    return lambda: store.account_numbers(dict.fromkeys(NAMES, "another key"))


async def new_names(store: PostgresStore, database: DatabaseLocation) -> Operation:
    """Give names to accounts of which the keys alone were known."""
    for key in NAMES:
        await store.account(key)
    await database.sql("UPDATE accounts SET key_fingerprint = NULL WHERE id = 1")  # now it is the last row
    return lambda: store.account_numbers({"x": NAMES[1], "y": NAMES[0]})


async def taken(store: PostgresStore, *, life: float) -> list[Fence]:
    """Take the leases of two accounts, the second one first, so that its row is the first in the table."""
    fences = []
    for account in (2, 1):
        (lease,) = (await store.take_leases({account: "name"}, ME, life)).values()
        fences.append(Fence(account, lease.token, "name", fingerprint="f", salt=b"salt"))
    return fences


async def taking(store: PostgresStore, _: DatabaseLocation) -> Operation:
    """Take leases that would be held for longer than any, as after a clock was wrong."""
    await known(store)
    await taken(store, life=86_400.0)
    other = Holder("other", "host", "machine", 3, 4)
    return lambda: store.take_leases({1: "one", 2: "two"}, other, LIFE)


async def renewing(store: PostgresStore, _: DatabaseLocation) -> Operation:
    """Renew leases."""
    await known(store)
    fences = await taken(store, life=LIFE)
    return lambda: store.renew_leases(fences, LIFE)


async def releasing(store: PostgresStore, _: DatabaseLocation) -> Operation:
    """Give leases back."""
    await known(store)
    fences = await taken(store, life=LIFE)
    return lambda: store.release_leases(fences)


async def stopping(store: PostgresStore, _: DatabaseLocation) -> Operation:
    """Ask runs to stop."""
    await reported(store)
    return lambda: store.stop_fleets(list(NAMES))


async def forgetting(store: PostgresStore, database: DatabaseLocation) -> Operation:
    """End a run, and forget those that were last seen long ago."""
    await reported(store)
    await database.sql(f"UPDATE fleets SET seen = seen - interval '{2 * KEPT} seconds'")  # noqa: S608 - ours
    return lambda: store.end_fleet("c")


async def reported(store: PostgresStore) -> None:
    """Let runs be known in another order than that of their names."""
    for run in NAMES:
        await store.report_fleet(FleetEntry(run, "", Holder(run, "host", "machine", 1, 2), 0.0, 1, 1, 1))


@pytest.mark.parametrize(
    ("prepare", "table", "key"),
    [
        (new_keys, "accounts", "id"),
        (new_names, "accounts", "id"),
        (taking, "leases", "account_id"),
        (renewing, "leases", "account_id"),
        (releasing, "leases", "account_id"),
        (stopping, "fleets", "run"),
        (forgetting, "fleets", "run"),
    ],
)
async def test_rows_are_locked_in_order(
    database: DatabaseLocation, prepare: Prepare, table: str, key: str
) -> None:
    """While an operation waits for the first of two rows, the second is free for others."""
    store = PostgresStore(database.dsn)
    operation = await prepare(store, database)
    row = f"SELECT {key} FROM {table} WHERE {key} = (SELECT %s({key}) FROM {table}) FOR UPDATE"  # noqa: S608 - ours
    other: Any = await asyncpg.connect(database.dsn, server_settings=SEARCH_PATH)
    try:
        await other.execute("BEGIN")
        await other.execute(row % "min")
        task = asyncio.ensure_future(operation())
        await waiting(database, 1)
        await other.execute(f"{row % 'max'} NOWAIT")
        await other.execute("COMMIT")
        await task
    finally:
        await other.close()
        await store.close()
