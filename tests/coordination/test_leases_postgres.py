"""Leases in a PostgreSQL database: behind a pooler, after a crash, and with a holder that is stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Client, LeaseLostError, Limits, Link
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.coordination.leases import Leases
from hourlyclicks.events import DayDone
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.simulator import Simulator
from hourlyclicks.store.leases import StoredLease
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.postgres_connection import is_pooled
from hourlyclicks.store.postgres_transaction import transaction
from hourlyclicks.wire.key import ApiKey

if TYPE_CHECKING:
    from hourlyclicks.events import Hook
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.store.postgres_days import Connection
    from tests.store.bouncer import Bouncer
    from tests.store.databases import PreparedDatabases
    from tests.store.server import PostgresServer

LINK = Link("kYdr", "https://vvd.bz")
_LOOK = "SHOW idle_in_transaction_session_timeout"
LIMITS = Limits(rates=(Rate(1, 0.01),), guard=0.0, concurrency=1)


def server() -> Simulator:
    """Return a server that answers at once."""
    return Simulator(limits=(), concurrency=1, latency=(0.0, 0.0))


async def held(leases: Leases, upstream: Simulator) -> AccountLease:
    """Take the lease of the account, which must be free."""
    lease = await leases.take(ApiKey(upstream.key).fingerprint, "acme")
    assert isinstance(lease, AccountLease)
    return lease


async def backfill(
    upstream: Simulator, lease: AccountLease, end: str, on_event: Hook | None = None
) -> BackfillReport:
    """Fetch days within a lease."""
    async with Client(
        upstream.key,
        limits=LIMITS,
        transport=upstream.transport(),
        base_url="http://localhost",
        store=lease.store,
        on_event=on_event,
    ) as client:
        return await client.backfill("2020-01-01", end, [LINK])


async def test_leases_work_through_a_pooler(bouncer: Bouncer, prepared_databases: PreparedDatabases) -> None:
    """Taking, renewing, writing, asking, losing and giving back are the same as on a direct connection."""
    upstream, dsn = server(), bouncer.dsn(await prepared_databases.new())
    async with (
        PostgresStore(dsn) as store,
        PostgresStore(dsn) as other,
        Leases(store) as leases,
        Leases(other) as others,
    ):
        lease = await held(leases, upstream)
        running = asyncio.ensure_future(backfill(upstream, lease, "2020-02-20"))
        assert isinstance(await others.take(ApiKey(upstream.key).fingerprint, "mine"), StoredLease)
        await leases.renewal._renew()
        assert (await running).complete
        assert all(is_pooled(db) for db in store._pool._idle)
        await other.end_lease(lease.account)
        with pytest.raises(LeaseLostError):
            await backfill(upstream, lease, "2020-03-20")
    assert upstream.counters.over_concurrency == 0


async def test_a_holder_outlives_a_crash_of_the_server(
    postgres_server: PostgresServer, prepared_databases: PreparedDatabases
) -> None:
    """It waits until it can renew its lease, which no other process has taken, and goes on."""
    upstream = server()
    async with (
        PostgresStore(await prepared_databases.new()) as store,
        Leases(store, life=0.3) as leases,
    ):
        lease = await held(leases, upstream)
        begun = asyncio.Event()

        def hear(event: object) -> None:
            if isinstance(event, DayDone):
                begun.set()

        running = asyncio.ensure_future(backfill(upstream, lease, "2020-04-09", hear))
        await begun.wait()
        postgres_server.crash()
        await asyncio.to_thread(postgres_server.start)
        assert (await running).complete
        assert lease.error is None
    assert len(upstream.counters.asked) == 100
    assert upstream.counters.requests == 100


async def test_a_process_that_is_stopped_amid_a_transaction(prepared_databases: PreparedDatabases) -> None:
    """It keeps the locks of its rows from others for ten seconds at most."""

    async def look(db: Connection) -> list[str]:
        async with transaction(db):
            within = await db.fetchval(_LOOK)
        return [within, await db.fetchval(_LOOK)]

    async with PostgresStore(await prepared_databases.new()) as store:
        assert await store._run(look) == ["10s", "0"]
