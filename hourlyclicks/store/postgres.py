"""The shared store: a PostgreSQL database, reached through asyncpg.

A connection on which anything failed is closed and never used again: the server then rolls back what was not
committed. So the client sends no ROLLBACK, and no incomplete change can remain.

Errors of a busy or restarted server are retried, with growing pauses, until the patience is over. An
operation that has begun is completed, even if its caller is cancelled.

The shared clock is the server's clock.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from hourlyclicks import forks
from hourlyclicks.errors import StoreError
from hourlyclicks.store import postgres_connection, postgres_database, postgres_migration
from hourlyclicks.store.closing import Closing
from hourlyclicks.store.group_commit import GroupCommit
from hourlyclicks.store.migration import Migration
from hourlyclicks.store.postgres_address import check_address, place_of
from hourlyclicks.store.postgres_days import PACKED_DAYS, stored_days
from hourlyclicks.store.postgres_listener import StateListener
from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    import datetime as dt
    from collections import Counter
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Reader
    from hourlyclicks.store.ledger import DayState, LedgerEntry, PutResult, Revision
    from hourlyclicks.store.migration import OnMigration
    from hourlyclicks.store.postgres_database import DatabaseChange
    from hourlyclicks.store.postgres_days import Connection
    from hourlyclicks.store.protocol import Change

T = TypeVar("T")
R = TypeVar("R")

_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""The exceptions of asyncpg, timeouts included."""

_CONNECTIONS = 4
_FIRST_PATIENCE = 5.0
"""Seconds to wait for a server that was never reached: its address may be wrong."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

_TEMPORARY = {
    "0A000",  # a statement was planned before the tables were changed
    "25P03",  # idle in a transaction for too long
    "40001",  # could not be serialized
    "40P01",  # deadlock
    "53300",  # too many connections
    "55P03",  # a lock was not available
    "57014",  # the statement took too long
    "57P01",  # the server was shut down
    "57P02",  # it crashed
    "57P03",  # it is starting up
    "57P05",  # idle for too long
}
"""The codes of temporary errors; those of class 08, about connections, are temporary as well."""

_PROTOCOL = "08P01"
_PERMANENT = (
    "unsupported startup parameter",
    "statement pooling mode",
    "no such database",
    "no such user",
    "does not exist",
    "authentication failed",
)
"""Texts of permanent errors of PgBouncer; all of its errors have the same code."""

_NO_TABLES = "its tables were dropped: start again to make them anew"
_DEPENDENTS = (
    "its tables cannot be migrated while other objects depend on them: drop these, start again, and create"
    " them anew"
)
_MESSAGES = {
    "22021": "it cannot store a character of the text",
    "22P05": "it cannot store a character of the text",
    "25006": "it cannot be written",
    "23503": "what it held was deleted while it was in use: start again to request the missing days",
    "28000": "the server rejects the user",
    "28P01": "the server rejects the user or the password",
    "3D000": "there is no such database",
    "3F000": _NO_TABLES,
    "42501": "the user is not allowed to do that",
    "42P01": _NO_TABLES,
    "53100": "the disk is full",
}


class PostgresStore:
    """Keep days in a PostgreSQL database, in the schema ``hourlyclicks``.

    Args:
        dsn: the address, such as ``"postgresql://user:password@host:5432/database"``.
        patience: the seconds to wait for a server that is unreachable or too busy.
        read_only: whether the tables are neither created nor changed; older ones are read as they are.
        on_migration: called with the number of days that are copied, and that of all days, while older tables
            are migrated.

    Raises:
        UsageError: the address is invalid.
    """

    def __init__(
        self,
        dsn: str,
        *,
        patience: float = 60.0,
        read_only: bool = False,
        on_migration: OnMigration | None = None,
    ) -> None:
        check_address(dsn)
        self._dsn = dsn
        self._patience = patience
        self._read_only = read_only
        self._on_migration = on_migration
        self._migration = Migration(on_migration)
        self._days = PACKED_DAYS
        self._reached = False
        self._in_vain = False  # whether the patience was used up: then the next operation does not wait again
        self._pooled = False
        self._jobs: set[asyncio.Task[object]] = set()
        self._idle: list[Connection] = []
        self._made: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._free = asyncio.Semaphore(_CONNECTIONS)
        self._prepared = False
        self._tables: set[int] = set()
        self._closing = Closing()
        self._changes: GroupCommit[DatabaseChange] = GroupCommit(self._commit)
        self._listener = StateListener(dsn, read_only=read_only)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._generation = 0

    def __repr__(self) -> str:
        return f"<PostgresStore {place_of(self._dsn)!r}>"

    async def open(self) -> None:
        """See `hourlyclicks.store.protocol.Store.open`."""
        await self._run(_nothing)

    async def close(self) -> None:
        """See `hourlyclicks.store.protocol.Store.close`."""
        if not self._inherited:
            await self._closing.wait(self._close)

    async def salt(self) -> bytes:
        """See `hourlyclicks.store.protocol.Store.salt`."""
        return await self._run(postgres_database.salt)

    async def account(self, fingerprint: str) -> int:
        """See `hourlyclicks.store.protocol.Store.account`."""
        if not self._read_only:
            return await self._run(lambda db: postgres_database.account(db, fingerprint))
        number = (await self.accounts()).get(fingerprint)
        if number is None:
            self._refuse_changes()
        return number or 0

    async def accounts(self) -> Mapping[str, int]:
        """See `hourlyclicks.store.protocol.Store.accounts`."""
        return await self._run(postgres_database.accounts)

    async def targets(self, account: int, *, failing: bool = False) -> list[Target]:
        """See `hourlyclicks.store.protocol.Store.targets`."""
        return await self._run(lambda db: postgres_database.targets(db, account, failing=failing))

    async def entries(self, account: int, target: Target, days: DateRange) -> list[LedgerEntry]:
        """See `hourlyclicks.store.protocol.Store.entries`."""
        return await self._run(lambda db: self._days.entries(db, account, target, days))

    async def known_range(self, account: int, target: Target) -> DateRange | None:
        """See `hourlyclicks.store.protocol.Store.known_range`."""
        return await self._run(lambda db: self._days.known_range(db, account, target))

    async def count_by_state(
        self, account: int, target: Target, days: DateRange, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """See `hourlyclicks.store.protocol.Store.count_by_state`."""
        return await self._run(lambda db: self._days.count_by_state(db, account, target, days, reader))

    async def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """See `hourlyclicks.store.protocol.Store.read`."""
        return await self._run(lambda db: self._days.read(db, account, target, days))

    async def revisions(self, account: int, target: Target, days: DateRange) -> list[Revision]:
        """See `hourlyclicks.store.protocol.Store.revisions`."""
        return await self._run(lambda db: self._days.revisions(db, account, target, days))

    async def put(
        self,
        account: int,
        target: Target,
        day: DayClicks,
        *,
        requests: int,
        reader: Reader | None = None,
        refresh: bool = False,
    ) -> PutResult:
        """See `hourlyclicks.store.protocol.Store.put`."""
        self._refuse_changes()
        kept: PutResult = await self._changes.make(
            postgres_database.put(account, target, day, requests, reader=reader, refresh=refresh)
        )
        return kept

    async def record_failure(self, account: int, target: Target, entry: LedgerEntry) -> None:
        """See `hourlyclicks.store.protocol.Store.record_failure`."""
        self._refuse_changes()
        await self._changes.make(postgres_database.record_failure(account, target, entry))

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
        peek: bool = False,
    ) -> tuple[R, int]:
        """See `hourlyclicks.store.protocol.Store.pace`; a step that was rolled back may be repeated."""
        step = postgres_database.LimiterStep(account, change, of, self._tables, self._listener)
        if peek and (seen := await self._listener.peek(step, self._run)) is not None:
            return seen
        self._refuse_changes()
        taken: tuple[R, int] = await self._changes.make(step)
        return taken

    async def _commit(self, changes: Sequence[DatabaseChange]) -> list[Any]:
        return await self._run(lambda db: postgres_database.change(db, changes))

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
            except _FAILURES as error:
                kind, words, patience = StoreError, _describe_error(error), self._patience_with(error)
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
        if not _is_temporary(error):
            return 0.0
        if self._reached or not isinstance(error, OSError):
            return self._patience
        unknown = isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME
        return 0.0 if unknown else min(self._patience, _FIRST_PATIENCE)

    async def _attempt(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._connection() as db:
            if not self._prepared:
                await self._prepare(db)
                self._prepared = True
            return await work(db)

    async def _prepare(self, db: Connection) -> None:
        """Migrate the tables, or find out of which version they are."""
        if self._read_only:
            self._days = stored_days(await postgres_migration.check_readable(db))
        else:
            await postgres_migration.migrate(db, self._migration)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Provide a connection, and close it after any failure."""
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

    async def _connect(self) -> Connection:
        try:
            db = await postgres_connection.connect(self._dsn, pooled=self._pooled)
        except (ValueError, RuntimeError) as error:  # asyncpg raises ValueErrors as well
            # Only those texts of asyncpg are repeated that name an option and no value.
            said = str(error) if str(error).startswith("`") else "its address cannot be read"
            raise StoreError(said) from None
        except LookupError:
            raise StoreError("its address names no user, and this process has no name to take") from None
        self._reached = True
        self._pooled = postgres_connection.is_pooled(db)
        return db

    @property
    def _inherited(self) -> bool:
        """Whether it was opened by the parent of this process."""
        return self._loop is not None and self._generation != forks.generation()

    async def _close(self) -> None:
        lost = self._loop is not None and self._loop is not asyncio.get_running_loop()
        if lost:
            self._abandon()
        await self._listener.close()
        self._migration.stop()
        await self._changes.drain()
        while self._jobs:
            await asyncio.wait(self._jobs)
        while self._idle:
            db = self._idle.pop()
            try:
                await db.close(timeout=postgres_connection.CONNECT)
            except _FAILURES:
                db.terminate()
        self._free = asyncio.Semaphore(_CONNECTIONS)  # it may be opened again on another loop
        self._loop = None
        self._prepared = False
        self._tables = set()

    def _abandon(self) -> None:
        """Close the sockets of an event loop that has ended; nothing else of it can be used."""
        self._jobs = set()
        for db in (*self._made, *self._listener.forget()):
            postgres_connection.shut_down(db)
        self._idle.clear()


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        if code == _PROTOCOL:
            return not any(words in str(error) for words in _PERMANENT)
        return code in _TEMPORARY or code.startswith("08")
    return not isinstance(error, ValueError | ssl.SSLCertVerificationError)


def _describe_error(error: Exception) -> str:
    """Return the message for an error of a server."""
    if isinstance(error, asyncpg.DependentObjectsStillExistError):
        return f"{_DEPENDENTS} ({(error.detail or '').partition(chr(10))[0]})"
    if isinstance(error, asyncpg.PostgresError):
        return _MESSAGES.get(error.sqlstate or "") or str(error).partition("\n")[0]
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, OSError):
        return f"it cannot be reached: {error.strerror or error}"
    return str(error) or type(error).__name__


async def _nothing(_: Connection) -> None:
    """Do nothing; making the connection was the purpose."""
