"""What a run does to PostgreSQL: commits, statements, connections, WAL, processor time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg
import attrs

from benchmarks.scale import processor
from tests.store.server import PostgresServer, binaries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_SETTINGS = (
    "fsync=on",  # that of the tests loses a crash's last days, which is no way to run a store
    "max_wal_size=1GB",
    "shared_buffers=128MB",
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.max=10000",
)
_EVERY = 0.1
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'"
_STATEMENTS = """
    SELECT coalesce(sum(calls), 0)::bigint
    FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1
"""
_COMMITS = """
    SELECT coalesce(sum(count), 0)::bigint FROM pg_get_wal_stats($1, $2, true)
    WHERE "resource_manager/record_type" = 'Transaction/COMMIT'
"""


@attrs.define
class Load:
    """What a run did to the server.

    Attributes:
        commits: the transactions that were written to the disk.
        statements: the statements of the clients, ``BEGIN`` and ``COMMIT`` included.
        connections: the most that were open at a time.
        wal: the bytes of the write-ahead log.
        processor: the processor time of the server, in seconds.
    """

    commits: int = 0
    statements: int = 0
    connections: int = 0
    wal: int = 0
    processor: float = 0.0


@contextmanager
def server(connections: int = 100) -> Iterator[PostgresServer | None]:
    """Run a server with so many connections; ``None`` where none is installed."""
    programs = binaries()
    if programs is None:
        yield None
        return
    running = PostgresServer(programs, *_SETTINGS, f"max_connections={connections}")
    try:
        running.start()
        asyncio.run(_prepare(running))
        yield running
    finally:
        running.remove()


async def _prepare(running: PostgresServer) -> None:
    db = await asyncpg.connect(running.dsn())
    for extension in ("pg_stat_statements", "pg_walinspect"):
        await db.execute(f"CREATE EXTENSION {extension}")
    await db.close()


@asynccontextmanager
async def watched(running: PostgresServer, database: str) -> AsyncIterator[Load]:
    """Measure what is done to a database; the result is complete at the end."""
    load, db = Load(), await asyncpg.connect(running.dsn())
    before = processor.seconds_with_children(running.pid)
    first = await db.fetchval("SELECT pg_current_wal_insert_lsn()")
    watching = asyncio.create_task(_watch(db, database, load))
    try:
        yield load
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        load.processor = processor.seconds_with_children(running.pid) - before
        await db.close()
    db = await asyncpg.connect(running.dsn())  # the other may have been cancelled within a statement
    last = await db.fetchval("SELECT pg_current_wal_flush_lsn()")
    load.wal = last - first
    load.commits = await db.fetchval(_COMMITS, first, last)
    load.statements = await db.fetchval(_STATEMENTS, database)
    await db.close()


async def _watch(db: asyncpg.Connection, database: str, load: Load) -> None:
    while True:
        load.connections = max(load.connections, await db.fetchval(_CONNECTIONS, database))
        await asyncio.sleep(_EVERY)
