"""Connections to a PostgreSQL server, directly or through a pooler such as PgBouncer.

A pooler in transaction mode may give each transaction to another connection of the server. What a client has
prepared before its transaction is missing, or a statement of another client has the same name. So through a
pooler no statement is prepared by name, and each statement is used within the transaction that prepared it.
This takes about twice as long, and is not done on a direct connection.

A pooler is detected by the process id: the pooler reports one of its own, the server another one.
"""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from hourlyclicks.store.postgres_address import has_application_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hourlyclicks.store.postgres_database import Connection

CONNECT = 5.0
"""Seconds in which a connection must be made, or closed."""
ANSWER = 20.0
"""Seconds in which each statement must be answered; after that, the connection is given up."""
_SAME_PROCESS = """SELECT CASE WHEN pg_backend_pid() <> {pid} THEN
    ('hourlyclicks is connected through a pooler, and adapts to it: ' || pg_backend_pid())::integer END"""
"""Fails on another process, since these words are no integer; to load PL/pgSQL for RAISE takes longer."""
_ENDED = {"57P01", "57P02", "57P03", "57014"}
"""Errors that do not show whether there is a pooler: a shutdown, or a timeout."""


class PooledConnection(asyncpg.Connection):
    """A connection through a pooler: each query is prepared and done within one transaction."""

    async def fetch(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - passed through
        """See `asyncpg.Connection.fetch`."""
        async with _at_once(self):
            return await super().fetch(*args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - passed through
        """See `asyncpg.Connection.fetchrow`."""
        async with _at_once(self):
            return await super().fetchrow(*args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - passed through
        """See `asyncpg.Connection.fetchval`."""
        async with _at_once(self):
            return await super().fetchval(*args, **options)


def is_pooled(db: Connection) -> bool:
    """Return whether there is a pooler; with asyncpg, `isinstance` is true of every connection."""
    return type(db) is PooledConnection


async def connect(dsn: str, *, name: str, pooled: bool) -> Connection:
    """Make a connection.

    Args:
        dsn: the address.
        name: the ``application_name``, unless the address has one.
        pooled: whether a pooler is known to be there; otherwise it is detected.
    """
    if pooled:
        return await _connect(dsn, name, statement_cache_size=0, connection_class=PooledConnection)
    db = await _connect(dsn, name)
    try:
        direct = await _is_direct(db)
    except BaseException:
        db.terminate()
        raise
    if direct:
        return db
    await db.close(timeout=CONNECT)
    return await connect(dsn, name=name, pooled=True)


def shut_down(db: Connection) -> None:
    """Shut down the socket of a connection; this needs no event loop."""
    transport: Any = getattr(db, "_transport", None)
    sock = None if transport is None else transport.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):  # the server has closed it already
            sock.shutdown(socket.SHUT_RDWR)


async def _connect(dsn: str, name: str, **options: Any) -> Connection:  # noqa: ANN401 - passed through
    settings = {} if has_application_name(dsn) else {"application_name": name}
    db: Connection = await asyncpg.connect(
        dsn, timeout=CONNECT, command_timeout=ANSWER, server_settings=settings, **options
    )
    return db


async def _is_direct(db: Connection) -> bool:
    """Return whether a connection leads to the server itself."""
    try:
        await db.execute(_SAME_PROCESS.format(pid=db.get_server_pid()))
    except asyncpg.PostgresConnectionError:
        raise
    except asyncpg.PostgresError as error:
        if error.sqlstate in _ENDED:
            raise
        return False  # also if it cannot be determined
    return True


@asynccontextmanager
async def _at_once(db: Connection) -> AsyncIterator[None]:
    """Put a query into a transaction, unless it is in one; when it fails the connection must be cut."""
    if db.is_in_transaction():
        yield
        return
    await db.execute("BEGIN")
    yield
    await db.execute("COMMIT")
