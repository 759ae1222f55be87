"""A store in memory, for tests: the tables of a SQLite store, without a file and without a thread."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING, TypeVar

from hourlyclicks.store.schema import LATEST
from hourlyclicks.store.shared_clock import SharedClock
from hourlyclicks.store.sqlite_file import SqliteFile
from hourlyclicks.store.sqlite_messages import FAILURES, named_error
from hourlyclicks.store.sqlite_operations import SqliteOperations
from hourlyclicks.store.sqlite_schema import upgrade
from hourlyclicks.store.sqlite_transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.model.day import DayClicks

T = TypeVar("T")


class MemoryStore(SqliteOperations):
    """Keep days in memory, as long as the object exists.

    It is meant for tests, follows the same rules as a store on disk, and touches no disk. Any number of
    clients can use it, one after the other or at the same time; those with the same key share one rate limit.
    It may be used on several event loops and in several threads. Closing it deletes nothing.

    Args:
        clock: the clock of the shared limiter; that of the client by default.

    Attributes:
        kind: what `hourlyclicks.Client.state` calls it.
        shared_clock: the clock of the shared limiter.
    """

    kind = "memory"

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__()
        tables = _MemoryTables()
        weakref.finalize(self, tables.close)  # Python warns of a connection that is not closed
        self.shared_clock = SharedClock(clock)
        self._file = SqliteFile(lambda: tables, now=self.shared_clock.now)
        self._in_use = threading.Lock()

    def __repr__(self) -> str:
        return "<MemoryStore>"

    async def close(self) -> None:
        """Complete the operations under way; nothing is deleted, and the store can be used again."""
        await self._changes.drain()

    async def _run(self, work: Callable[[SqliteFile], T]) -> T:
        await asyncio.sleep(0)  # so that other tasks run meanwhile, as they do while a disk works
        with self._in_use:
            try:
                return self._file.do(work)
            except FAILURES as error:
                raise named_error("in memory", error) from None


class _MemoryTables:
    """A connection to new tables, which nothing else can change."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA foreign_keys = ON")
        with transaction(self._db):
            upgrade(self._db, LATEST)

    def ready(self) -> sqlite3.Connection:
        """Return the connection."""
        return self._db

    def holds(self) -> bool:
        """Return whether the tables are still those that were opened."""
        return True

    def within_transaction(self) -> None:
        """Do nothing: there is no file to check."""

    def before_commit(self) -> None:
        """Do nothing: there is no file to check."""

    def remember(self, series: int, day: DayClicks) -> None:
        """Do nothing: there is no file to check."""

    def close(self) -> None:
        """Delete the tables."""
        self._db.close()
