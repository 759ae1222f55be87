"""A store whose PostgreSQL server is behind PgBouncer in transaction mode."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import asyncpg
import pytest

from hourlyclicks import Client, Limits, Link, __version__
from hourlyclicks.errors import StoreError
from hourlyclicks.simulator import Simulator
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.postgres_connection import is_pooled
from tests.model.strategies import FIRST, a_day
from tests.sizes import sized
from tests.store.answers import ALL, ME, count_one

if TYPE_CHECKING:
    from tests.store.bouncer import Bouncer
    from tests.store.locations import DatabaseLocation
    from tests.store.server import PostgresServer


async def test_two_stores_do_all_their_work_through_a_pooler(
    bouncer: Bouncer, pooled_database: DatabaseLocation
) -> None:
    """Days, entries and steps are the same as on a direct connection, in any order of connections."""
    stores = [PostgresStore(bouncer.dsn(pooled_database.dsn)) for _ in range(2)]
    accounts = {await store.account("me") for store in stores}
    (account,) = accounts
    number_of_days = sized(16, 40)

    async def work(store: PostgresStore, number: int) -> None:
        for date in list(ALL)[number : number_of_days + number : 2]:
            await store.put(account, ME, a_day(date, number), requests=1)
            await store.pace(account, count_one)
            assert await store.read(account, ME, ALL)

    await asyncio.gather(*[work(store, number) for number, store in enumerate(stores) for _ in range(2)])
    found = [await store.entries(account, ME, ALL) for store in (*stores, await pooled_database.open())]
    assert len(found[0]) == number_of_days
    assert found[0] == found[1] == found[2]
    assert (await stores[0].pace(account, count_one))[0] == 2 * number_of_days + 1
    assert await stores[1].targets(account) == [ME]
    assert all(is_pooled(db) for store in stores for db in store._pool._idle)
    for store in stores:
        await store.close()


async def test_a_store_may_have_more_connections_than_the_pooler(
    bouncer: Bouncer, pooled_database: DatabaseLocation
) -> None:
    """Reads and the transactions of several accounts run in parallel, and an operator sees the name."""
    store = PostgresStore(bouncer.dsn(pooled_database.dsn), connections=6, name="nightly")
    accounts = [await store.account(f"account {number}") for number in range(6)]

    async def work(account: int) -> int:
        for date in list(ALL)[:8]:
            await asyncio.gather(
                store.put(account, ME, a_day(date, account), requests=1), store.pace(account, count_one)
            )
            assert a_day(date, account) in await store.read(account, ME, ALL)
        return (await store.pace(account, count_one))[0]

    assert await asyncio.gather(*map(work, accounts)) == [9] * 6
    assert 1 < len(store._pool._idle) <= 6
    assert all(is_pooled(db) for db in store._pool._idle)
    shown = await pooled_database.sql("SELECT DISTINCT application_name FROM pg_stat_activity")
    assert (f"hourlyclicks {__version__} nightly",) in shown
    await store.close()


async def test_a_direct_connection_is_told_from_a_pooled_one(pooled_database: DatabaseLocation) -> None:
    """Statements are prepared for good where that is possible, which takes half the time."""
    store = await pooled_database.open()
    assert isinstance(store, PostgresStore)
    assert not any(is_pooled(db) for db in store._pool._idle)


async def test_what_others_have_prepared_is_never_run(
    bouncer: Bouncer, pooled_database: DatabaseLocation
) -> None:
    """Prepared statements of another client with the same names are on the connections of the server."""
    others = [await asyncpg.connect(bouncer.dsn(pooled_database.dsn)) for _ in range(3)]
    for other in others:
        await other.execute("BEGIN")
    for other in others:
        for number in range(40):
            await other.execute(f"PREPARE __asyncpg_stmt_{number:x}__ AS SELECT 666")
    for other in others:
        await other.execute("COMMIT")
    store = PostgresStore(bouncer.dsn(pooled_database.dsn))
    account = await store.account("me")
    for date in list(ALL)[:5]:
        await store.put(account, ME, a_day(date), requests=1)
    assert len(await store.read(account, ME, ALL)) == 5
    await store.close()
    for other in others:
        await other.close()


async def test_two_clients_share_a_backfill_through_a_pooler(
    bouncer: Bouncer, pooled_database: DatabaseLocation
) -> None:
    """Each day is asked for once, connections that the pooler drops are made anew."""
    link = Link("kYdr", "https://vvd.bz")
    async with Simulator(limits=(), concurrency=0) as upstream:
        clients = [
            Client(
                upstream.key,
                base_url=upstream.url,
                store=bouncer.dsn(pooled_database.dsn),
                limits=Limits(concurrency=2),
            )
            for _ in range(2)
        ]
        runs = [
            asyncio.create_task(client.backfill("2024-03-01", "2024-03-20", [link])) for client in clients
        ]
        await asyncio.wait(runs, timeout=0.1)
        await pooled_database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
        reports = await asyncio.gather(*runs)
        assert all(report.complete for report in reports)
        assert upstream.counters.requests == 20
        for client in clients:
            await client.close()


async def test_a_crash_behind_a_pooler_is_survived(
    postgres_server: PostgresServer, bouncer: Bouncer, pooled_database: DatabaseLocation
) -> None:
    """The pooler stays, and reports in words of its own that its server is away; each day counts once."""
    days = list(ALL)[: sized(60, 90)]
    dates, begun = iter(days), asyncio.Event()
    async with PostgresStore(bouncer.dsn(pooled_database.dsn)) as store:
        account = await store.account("me")

        async def work() -> None:
            for date in dates:
                await store.put(account, ME, a_day(date), requests=1)
                if date == ALL[30]:
                    begun.set()

        workers = [asyncio.create_task(work()) for _ in range(6)]
        await begun.wait()
        await asyncio.to_thread(postgres_server.stop, signal.SIGQUIT)
        await asyncio.to_thread(postgres_server.start)
        await asyncio.gather(*workers)
        entries = await store.entries(account, ME, ALL)
    assert [(entry.date, entry.attempts) for entry in entries] == [(date, 1) for date in days]


async def test_what_a_pooler_refuses_is_said_at_once(
    bouncer: Bouncer, pooled_database: DatabaseLocation
) -> None:
    """The error names the setting that it does not pass on; it is not retried for a minute."""
    store = PostgresStore(bouncer.dsn(pooled_database.dsn) + "?work_mem=5MB")
    with pytest.raises(StoreError, match="unsupported startup parameter: work_mem"):
        await store.open()
    await store.close()


async def test_tables_are_made_through_a_pooler_once(
    bouncer: Bouncer, empty_database: DatabaseLocation
) -> None:
    """However many stores are opened at once in an empty database."""
    stores = [PostgresStore(bouncer.dsn(empty_database.dsn)) for _ in range(4)]
    await asyncio.gather(*[store.open() for store in stores])
    assert await stores[0].account("me") == await stores[1].account("me")
    await stores[0].put(await stores[0].account("me"), ME, a_day(FIRST), requests=1)
    for store in stores:
        await store.close()
