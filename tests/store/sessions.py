"""Connections to databases that are kept from one test to the next.

A connection belongs to an event loop, of which each test has its own. To make a connection takes the server
5 ms, and its first statements take as long again, since nothing of the catalog is known to it.
"""

from __future__ import annotations

import asyncio
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Background:
    """An event loop in a thread of its own, and the sessions that live there."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="sessions", daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the loop do something, and return what comes of it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self) -> None:
        """End all connections and the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        for session in self.sessions:
            session.terminate()
        await asyncio.sleep(0)  # then the transports are closed


class Session:
    """A connection to a database, made anew if a test has ended it or has stopped the server.

    Args:
        background: where it lives.
        dsn: the address of the database.
        settings: those of the session, such as its ``search_path``.
    """

    def __init__(self, background: Background, dsn: str, settings: dict[str, str] | None = None) -> None:
        self.dsn = dsn
        self._background = background
        self._settings = settings
        self._db: Any = None
        background.sessions.append(self)

    async def fetch(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows."""
        return await self._background.run(self._fetch(statement, values))

    async def run(self, *statements: str) -> None:
        """Run statements in one transaction and one message, without their rows."""
        await self._background.run(self._run(";".join(statements)))

    async def close(self) -> None:
        """Close the connection; the next statement makes another one."""
        await self._background.run(self._close())

    def terminate(self) -> None:
        """Close the connection without a word to the server; to be called in its own loop."""
        if self._db is not None:
            self._db.terminate()
            self._db = None

    async def _fetch(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        await self._connect()
        return [tuple(row) for row in await self._db.fetch(statement, *values)]

    async def _run(self, script: str) -> None:
        await self._connect()
        await self._db.execute(script)

    async def _connect(self) -> None:
        """Connect, if the connection is not usable: also if the loop has not yet heard of its end."""
        if self._db is not None:
            try:
                await self._db.execute("SELECT")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                self.terminate()
        if self._db is None:
            options: Any = {"statement_cache_size": 0, "server_settings": self._settings}
            self._db = await asyncpg.connect(self.dsn, **options)

    async def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            await db.close()
