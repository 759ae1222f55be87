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
from typing import TYPE_CHECKING, Any, TypeVar

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
from hourlyclicks.store.closing import Closing, Managed
from hourlyclicks.store.group_commit import GroupCommit
from hourlyclicks.store.migration import Migration
from hourlyclicks.store.postgres_address import application_name, check_address, place_of
from hourlyclicks.store.postgres_daily import PutDaily
from hourlyclicks.store.postgres_days import PACKED_DAYS, stored_days
from hourlyclicks.store.postgres_listener import StateListener
from hourlyclicks.store.postgres_messages import FAILURES, describe_error, is_temporary
from hourlyclicks.store.postgres_pool import ConnectionPool
from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    import datetime as dt
    from collections import Counter
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.range_record import RangeRecord
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness, Reader
    from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, PutResult, Revision
    from hourlyclicks.store.migration import OnMigration
    from hourlyclicks.store.postgres_daily import ReadSums
    from hourlyclicks.store.postgres_database import DatabaseChange
    from hourlyclicks.store.postgres_days import Connection
    from hourlyclicks.store.postgres_ranges import ReadRanges
    from hourlyclicks.store.protocol import Change, RangeChange
    from hourlyclicks.store.summary import TargetSummary

T = TypeVar("T")
R = TypeVar("R")

_FIRST_PATIENCE = 5.0
"""Seconds to wait for a server that was never reached: its address may be wrong."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class PostgresStore(Managed):
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
        check_address(dsn)
        check_whole("connections", connections, least=1)
        self._dsn = dsn
        self._patience = patience
        self._read_only = read_only
        self._on_migration = on_migration
        self._migration = Migration(on_migration)
        self._days = PACKED_DAYS
        self._sums: ReadSums = postgres_daily.read
        self._ranges: ReadRanges = postgres_ranges.read
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

    async def count_failures(
        self, account: int, targets: Sequence[Target], days: DateRange
    ) -> list[tuple[Failure, int]]:
        """See `hourlyclicks.store.protocol.Store.count_failures`."""
        return await self._run(lambda db: self._days.count_failures(db, account, targets, days))

    async def summarize(
        self,
        account: int,
        targets: Sequence[Target],
        days: DateRange | None,
        *,
        freshness: Freshness,
        now: dt.datetime,
    ) -> list[TargetSummary]:
        """See `hourlyclicks.store.protocol.Store.summarize`."""
        return await self._run(
            lambda db: self._days.summarize(db, account, targets, days, freshness=freshness, now=now)
        )

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
        put = postgres_database.put(account, target, [day], requests, reader=reader, refresh=refresh)
        kept: list[PutResult] = await self._changes[account].make(put)
        return kept[0]

    async def put_days(
        self,
        account: int,
        target: Target,
        days: Sequence[DayClicks],
        *,
        requests: int,
        endpoint: str | None = None,
        reader: Reader | None = None,
        refresh: bool = False,
    ) -> list[PutResult]:
        """See `hourlyclicks.store.protocol.Store.put_days`."""
        self._refuse_changes()
        put = postgres_database.put(
            account, target, days, requests, endpoint=endpoint, reader=reader, refresh=refresh
        )
        results: list[PutResult] = await self._changes[account].make(put) if days else []
        return results

    async def record_failure(self, account: int, target: Target, entry: LedgerEntry) -> None:
        """See `hourlyclicks.store.protocol.Store.record_failure`."""
        self._refuse_changes()
        await self._changes[account].make(postgres_database.record_failure(account, target, entry))

    async def doubt(self, account: int, target: Target, day: dt.date) -> bool:
        """See `hourlyclicks.store.protocol.Store.doubt`."""
        self._refuse_changes()
        return bool(await self._changes[account].make(postgres_database.doubt(account, target, day)))

    async def read_daily(self, account: int, target: Target, days: DateRange) -> list[DailyClicks]:
        """See `hourlyclicks.store.protocol.Store.read_daily`."""
        return await self._run(lambda db: self._sums(db, account, target, days))

    async def put_daily(
        self, account: int, target: Target, days: Sequence[DailyClicks], *, reader: Reader
    ) -> None:
        """See `hourlyclicks.store.protocol.Store.put_daily`."""
        self._refuse_changes()
        if days:
            await self._changes[account].make(PutDaily(account, target, days, reader))

    async def range_record(self, account: int, endpoint: str) -> RangeRecord:
        """See `hourlyclicks.store.protocol.Store.range_record`."""
        return await self._run(lambda db: self._ranges(db, account, endpoint))

    async def change_range_record(self, account: int, endpoint: str, change: RangeChange) -> RangeRecord:
        """See `hourlyclicks.store.protocol.Store.change_range_record`."""
        self._refuse_changes()
        step = postgres_ranges.ChangeRanges(account, endpoint, change)
        record: RangeRecord = await self._changes[account].make(step)
        return record

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
        taken: tuple[R, int] = await self._changes[account].make(step)
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
        for changes in tuple(self._changes.values()):
            await changes.drain()
        while self._jobs:
            await asyncio.wait(self._jobs)
        await self._pool.close()
        self._loop = None  # it may be opened again on another one
        self._prepared, self._preparing = False, asyncio.Lock()
        self._tables = set()


async def _nothing(_: Connection) -> None:
    """Do nothing; making the connection was the purpose."""
