"""A bounded number of connections to a PostgreSQL server, which the operations of a store take in turn.

A connection on which anything failed is closed and never used again: the server then rolls back what was not
committed. So the client sends no ROLLBACK, and no incomplete change can remain.
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hourlyclicks.errors import StoreError
from hourlyclicks.store import postgres_connection
from hourlyclicks.store.postgres_messages import FAILURES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hourlyclicks.store.postgres_days import Connection


class ConnectionPool:
    """Connections that are made when they are needed, and kept until the pool is closed.

    Args:
        dsn: the address.
        size: the most connections there are at a time.
        name: what the server calls them.

    Attributes:
        reached: whether there ever was a connection: then the address is right.
    """

    def __init__(self, dsn: str, size: int, name: str) -> None:
        self.reached = False
        self._dsn = dsn
        self._size = size
        self._name = name
        self._pooled = False
        self._idle: list[Connection] = []
        self._made: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._free = asyncio.Semaphore(size)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Provide a connection, as soon as one is free, and close it after any failure."""
        async with self._free:
            while self._idle and self._idle[-1].is_closed():
                self._idle.pop()
            db = self._idle.pop() if self._idle else await self._connect()
            self._made.add(db)
            try:
                yield db
            except BaseException:
                db.terminate()
                raise
            self._idle.append(db)

    async def close(self) -> None:
        """Close the connections, none of which is in use; the pool may then be used on another event loop."""
        while self._idle:
            db = self._idle.pop()
            try:
                await db.close(timeout=postgres_connection.CONNECT)
            except FAILURES:
                db.terminate()
        self._free = asyncio.Semaphore(self._size)

    def abandon(self) -> None:
        """Shut down the sockets of an event loop that has ended; nothing else of it can be used."""
        for db in self._made:
            postgres_connection.shut_down(db)
        self._idle.clear()

    async def _connect(self) -> Connection:
        try:
            db = await postgres_connection.connect(self._dsn, name=self._name, pooled=self._pooled)
        except (ValueError, RuntimeError) as error:  # asyncpg raises ValueErrors as well
            # Only those texts of asyncpg are repeated that name an option and no value.
            said = str(error) if str(error).startswith("`") else "its address cannot be read"
            raise StoreError(said) from None
        except LookupError:
            raise StoreError("its address names no user, and this process has no name to take") from None
        self.reached = True
        self._pooled = postgres_connection.is_pooled(db)
        return db
