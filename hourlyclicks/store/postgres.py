"""The shared store: a PostgreSQL database, reached through asyncpg.

Errors of a busy or restarted server are retried, with growing pauses, until the patience is over. An
operation that has begun is completed, even if its caller is cancelled.

Reads run in parallel, each on a connection of its own. The changes of an account lock one row of it, so they
share transactions (group commit); those of different accounts run in parallel.

The shared clock is the server's clock.
"""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from hourlyclicks import forks
from hourlyclicks.errors import StoreError
from hourlyclicks.model.checks import check_whole
from hourlyclicks.store import (
    postgres_connection,
    postgres_daily,
    postgres_database,
    postgres_migration,
    postgres_ranges,
)
from hourlyclicks.store.closing import Closing
from hourlyclicks.store.group_commit import GroupCommit
from hourlyclicks.store.migration import Migration
from hourlyclicks.store.postgres_address import application_name, check_address, place_of
from hourlyclicks.store.postgres_database import LimiterStep
from hourlyclicks.store.postgres_days import stored_days
from hourlyclicks.store.postgres_listener import StateListener
from hourlyclicks.store.postgres_messages import FAILURES, describe_error, is_temporary
from hourlyclicks.store.postgres_operations import PostgresOperations
from hourlyclicks.store.postgres_pool import ConnectionPool
from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Sequence

    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.leases import Fence
    from hourlyclicks.store.migration import OnMigration
    from hourlyclicks.store.postgres_database import DatabaseChange
    from hourlyclicks.store.postgres_days import Connection
    from hourlyclicks.store.protocol import Change

FencedChange: TypeAlias = "tuple[Fence, DatabaseChange]"

T = TypeVar("T")
R = TypeVar("R")

_FIRST_PATIENCE = 5.0
"""Seconds to wait for a server that was never reached: its address may be wrong."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class PostgresStore(PostgresOperations):
    """Keep days in a PostgreSQL database, in the schema ``hourlyclicks``.

    Any number of clients and tasks of one event loop can use it at the same time. The code that made it
    closes it, with ``async with`` or `close`: a client does not close a store that it was given.

    Args:
        dsn: the address, such as ``"postgresql://user:password@host:5432/database"``.
        connections: the most connections it has at a time; they are made when they are needed.
        name: what ``pg_stat_activity`` shows in ``application_name`` after ``hourlyclicks`` and the version,
            unless the address has another ``application_name``.
        patience: the seconds to wait for a server that is unreachable or too busy.
        read_only: whether the tables are neither created nor changed; older ones are read as they are.
        on_migration: called with the number of days that are copied, and that of all days, while older tables
            are migrated.

    Raises:
        UsageError: an argument is invalid.
    """

    kind = "postgresql"
    """What `hourlyclicks.Client.state` calls it."""

    def __init__(
        self,
        dsn: str,
        *,
        connections: int = 4,
        name: str | None = None,
        patience: float = 60.0,
        read_only: bool = False,
        on_migration: OnMigration | None = None,
    ) -> None:
        super().__init__()
        check_address(dsn)
        check_whole("connections", connections, least=1)
        self._dsn = dsn
        self._patience = patience
        self._read_only = read_only
        self._on_migration = on_migration
        self._migration = Migration(on_migration)
        self._in_vain = False  # whether the patience was used up: then the next operation does not wait again
        self._jobs: set[asyncio.Task[object]] = set()
        self._pool = ConnectionPool(dsn, connections, application_name(name))
        self._prepared = False
        self._preparing = asyncio.Lock()
        self._tables: set[int] = set()
        self._closing = Closing()
        self._changes: defaultdict[int, GroupCommit[DatabaseChange]] = defaultdict(
            lambda: GroupCommit(self._commit)
        )
        """The changes of each account."""
        self._within: list[GroupCommit[FencedChange]] = [
            GroupCommit(self._commit_within) for _ in range(connections)
        ]
        """The changes within leases. No other process locks their rows, so accounts share transactions."""
        self._listener = StateListener(dsn, application_name(name), read_only=read_only)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._generation = 0

    def __repr__(self) -> str:
        return f"<PostgresStore {place_of(self._dsn)!r}>"

    @property
    def location(self) -> str | None:
        """The host and the database; ``None``: they could be a password."""
        place = place_of(self._dsn)
        return place if "://" in place else None

    async def close(self) -> None:
        """See `hourlyclicks.store.protocol.Store.close`."""
        if not self._inherited:
            await self._closing.wait(self._close)

    async def make_within(self, fence: Fence, change: DatabaseChange) -> Any:  # noqa: ANN401 - its result
        """See `PostgresOperations.make_within`."""
        return await self._within[fence.account % len(self._within)].make((fence, change))

    async def _make(self, account: int, change: DatabaseChange) -> Any:  # noqa: ANN401 - its result
        return await self._changes[account].make(change)

    def _step(self, account: int, change: Change[R], of: tuple[Target, dt.date] | None) -> LimiterStep[R]:
        return LimiterStep(account, change, of, self._tables, self._listener)

    async def _peek(self, step: LimiterStep[R]) -> tuple[R, int] | None:
        return await self._listener.peek(step, self._run)

    async def _commit(self, changes: Sequence[DatabaseChange]) -> list[Any]:
        return await self._run(lambda db: postgres_database.change(db, changes))

    async def _commit_within(self, changes: Sequence[FencedChange]) -> list[Any]:
        fences, made = [fence for fence, _ in changes], [change for _, change in changes]
        return await self._run(lambda db: postgres_database.change(db, made, fences))

    def _refuse_changes(self) -> None:
        if self._read_only:
            raise StoreError(f"the store {place_of(self._dsn)}: it was opened read-only")

    # -- internals --------------------------------------------------------------------------------------

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run an operation; it is completed even if the caller is cancelled."""
        if self._inherited:
            raise StoreError(forks.opened_before(f"the store {place_of(self._dsn)}"))
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._generation = loop, forks.generation()
            self._migration = Migration(self._on_migration)
            forks.hold(self)
        elif self._loop is not loop:
            raise StoreError(
                f"the store {place_of(self._dsn)}: it was opened in another event loop; make a new one"
            )
        job = loop.create_task(self._persist(work))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return await wait_shielded(job)

    async def _persist(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Repeat an operation until it succeeds, or the patience is over."""
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), _FIRST_PAUSE
        while True:
            try:
                result = await self._attempt(work)
            except StoreError as error:
                kind, words, patience = type(error), str(error), 0.0
            except FAILURES as error:
                kind, words, patience = StoreError, describe_error(error), self._patience_with(error)
            else:
                self._in_vain = False
                return result
            if self._in_vain or loop.time() + pause > began + patience:
                self._in_vain = patience > 0
                # Raised here, outside of the handler, so that no chained exception contains the password.
                raise kind(f"the store {place_of(self._dsn)}: {words}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _patience_with(self, error: Exception) -> float:
        """Return the seconds for which an operation is repeated after an error; 0: the error is permanent."""
        if not is_temporary(error):
            return 0.0
        if self._pool.reached or not isinstance(error, OSError):
            return self._patience
        unknown = isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME
        return 0.0 if unknown else min(self._patience, _FIRST_PATIENCE)

    async def _attempt(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._pool.connection() as db:
            if not self._prepared:
                async with self._preparing:
                    await self._prepare(db)
            return await work(db)

    async def _prepare(self, db: Connection) -> None:
        """Migrate the tables, or find out of which version they are, unless another task has just done it."""
        if self._prepared:
            return
        if self._read_only:
            version = await postgres_migration.check_readable(db)
            self._days, self._sums = stored_days(version), postgres_daily.stored_sums(version)
            self._ranges = postgres_ranges.stored_ranges(version)
        else:
            await postgres_migration.migrate(db, self._migration)
        self._prepared = True

    @property
    def _inherited(self) -> bool:
        """Whether it was opened by the parent of this process."""
        return self._loop is not None and self._generation != forks.generation()

    async def _close(self) -> None:
        if self._loop is not None and self._loop is not asyncio.get_running_loop():
            self._jobs = set()  # they will never end
            self._pool.abandon()
            for db in self._listener.forget():
                postgres_connection.shut_down(db)
        await self._listener.close()
        self._migration.stop()
        for changes in self._changes.values():
            await changes.drain()
        for within in self._within:
            await within.drain()
        while self._jobs:
            await asyncio.wait(self._jobs)
        await self._pool.close()
        self._loop = None  # it may be opened again on another one
        self._prepared, self._preparing = False, asyncio.Lock()
        self._tables = set()
