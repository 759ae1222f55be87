"""The embedded store: a SQLite file, and one thread that works on it.

Every access to the file happens in that thread, one piece of work after the other, so the event loop
is never held up by a disk. An operation that has begun is completed, even if its caller is cancelled.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from hourlyclicks import forks
from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import StoreError
from hourlyclicks.store.closing import Closing, Managed
from hourlyclicks.store.file_names import check_name
from hourlyclicks.store.group_commit import GroupCommit
from hourlyclicks.store.migration import Migration
from hourlyclicks.store.read_only import ReadOnlyFile
from hourlyclicks.store.shield import wait_shielded
from hourlyclicks.store.sqlite_file import SqliteFile
from hourlyclicks.store.sqlite_fleets import SqliteFleets
from hourlyclicks.store.sqlite_leases import SqliteLeases
from hourlyclicks.store.sqlite_messages import FAILURES, is_busy, named_error
from hourlyclicks.store.sqlite_open import open_to_write
from hourlyclicks.store.worker_thread import Worker

if TYPE_CHECKING:
    import datetime as dt
    from collections import Counter
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from hourlyclicks.clock import Clock
    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.range_record import RangeRecord
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.file_guard import FileGuard
    from hourlyclicks.store.freshness import Freshness, Reader
    from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, PutResult, Revision
    from hourlyclicks.store.migration import OnMigration
    from hourlyclicks.store.protocol import Change, RangeChange
    from hourlyclicks.store.summary import TargetSummary

_Work: TypeAlias = "Callable[[SqliteFile], Any]"

T = TypeVar("T")
R = TypeVar("R")

_SLICE = 0.1
"""Seconds that SQLite itself waits for a lock; between such waits, the wait can be ended."""
_PAUSE = 0.01
"""Seconds between two attempts when SQLite itself does not wait."""
_LAST_STEPS = 1.0
"""Seconds to wait for a thread that has done its last operation."""


class SqliteOperations(SqliteLeases, SqliteFleets, Managed):
    """The operations of a store in SQLite, in a file or in memory."""

    def __init__(self) -> None:
        self._changes: GroupCommit[_Work] = GroupCommit(self._commit)
        self._make: Callable[[_Work], Awaitable[Any]] = self._changes.make

    async def open(self) -> None:
        """See `hourlyclicks.store.protocol.Store.open`."""
        await self._run(lambda _: None)

    async def salt(self) -> bytes:
        """See `hourlyclicks.store.protocol.Store.salt`."""
        return await self._run(lambda file: file.salt())

    async def account(self, fingerprint: str) -> int:
        """See `hourlyclicks.store.protocol.Store.account`."""
        return await self._run(lambda file: file.account(fingerprint))

    async def accounts(self) -> Mapping[str, int]:
        """See `hourlyclicks.store.protocol.Store.accounts`."""
        return await self._run(lambda file: file.accounts())

    async def targets(self, account: int, *, failing: bool = False) -> list[Target]:
        """See `hourlyclicks.store.protocol.Store.targets`."""
        return await self._run(lambda file: file.targets(account, failing=failing))

    async def entries(self, account: int, target: Target, days: DateRange) -> list[LedgerEntry]:
        """See `hourlyclicks.store.protocol.Store.entries`."""
        return await self._run(lambda file: file.entries(account, target, days))

    async def known_range(self, account: int, target: Target) -> DateRange | None:
        """See `hourlyclicks.store.protocol.Store.known_range`."""
        return await self._run(lambda file: file.known_range(account, target))

    async def count_by_state(
        self, account: int, target: Target, days: DateRange, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """See `hourlyclicks.store.protocol.Store.count_by_state`."""
        return await self._run(lambda file: file.count_by_state(account, target, days, reader))

    async def count_failures(
        self, account: int, targets: Sequence[Target], days: DateRange
    ) -> list[tuple[Failure, int]]:
        """See `hourlyclicks.store.protocol.Store.count_failures`."""
        return await self._run(lambda file: file.count_failures(account, targets, days))

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
            lambda file: file.summarize(account, targets, days, freshness=freshness, now=now)
        )

    async def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """See `hourlyclicks.store.protocol.Store.read`."""
        return await self._run(lambda file: file.read(account, target, days))

    async def revisions(self, account: int, target: Target, days: DateRange) -> list[Revision]:
        """See `hourlyclicks.store.protocol.Store.revisions`."""
        return await self._run(lambda file: file.revisions(account, target, days))

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
        kept: PutResult = await self._make(
            lambda file: file.put(account, target, day, requests=requests, reader=reader, refresh=refresh)
        )
        return kept

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
        results: list[PutResult] = await self._make(
            lambda file: file.put_days(
                account,
                target,
                days,
                requests=requests,
                endpoint=endpoint,
                reader=reader,
                refresh=refresh,
            )
        )
        return results

    async def record_failure(self, account: int, target: Target, entry: LedgerEntry) -> None:
        """See `hourlyclicks.store.protocol.Store.record_failure`."""
        await self._make(lambda file: file.record_failure(account, target, entry))

    async def doubt(self, account: int, target: Target, day: dt.date) -> bool:
        """See `hourlyclicks.store.protocol.Store.doubt`."""
        return bool(await self._make(lambda file: file.doubt(account, target, day)))

    async def read_daily(self, account: int, target: Target, days: DateRange) -> list[DailyClicks]:
        """See `hourlyclicks.store.protocol.Store.read_daily`."""
        return await self._run(lambda file: file.read_daily(account, target, days))

    async def put_daily(
        self, account: int, target: Target, days: Sequence[DailyClicks], *, reader: Reader
    ) -> None:
        """See `hourlyclicks.store.protocol.Store.put_daily`."""
        if days:
            await self._make(lambda file: file.put_daily(account, target, days, reader))

    async def range_record(self, account: int, endpoint: str) -> RangeRecord:
        """See `hourlyclicks.store.protocol.Store.range_record`."""
        return await self._run(lambda file: file.range_record(account, endpoint))

    async def change_range_record(self, account: int, endpoint: str, change: RangeChange) -> RangeRecord:
        """See `hourlyclicks.store.protocol.Store.change_range_record`."""
        record: RangeRecord = await self._make(
            lambda file: file.change_range_record(account, endpoint, change)
        )
        return record

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
        peek: bool = False,
    ) -> tuple[R, int]:
        """See `hourlyclicks.store.protocol.Store.pace`."""
        if peek and (seen := await self._run(lambda file: file.peek(account, change, of))) is not None:
            return seen
        taken: tuple[R, int] = await self._make(lambda file: file.pace(account, change, of))
        return taken

    async def _commit(self, changes: Sequence[_Work]) -> list[Any]:
        return await self._run(lambda file: file.change(changes))

    @abstractmethod
    async def _run(self, work: Callable[[SqliteFile], T]) -> T:
        """Run an operation on the tables."""


class SqliteStore(SqliteOperations):
    """Keep days in a SQLite file.

    Args:
        path: the file; created if necessary, readable by its owner only.
        clock: the clock of the shared limiter; the machine's clocks by default.
        patience: the seconds to wait for another program that writes to the file.
        read_only: whether the file is neither created nor changed; older tables are read as they are.
        on_migration: called with the number of days that are copied, and that of all days, while older tables
            are migrated; it runs in another thread.

    Attributes:
        kind: what `hourlyclicks.Client.state` calls it.
    """

    kind = "sqlite"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        patience: float = 20.0,
        read_only: bool = False,
        on_migration: OnMigration | None = None,
    ) -> None:
        super().__init__()
        check_name(os.fspath(path))
        self.path = Path(path)
        self._patience = patience
        self._read_only = read_only
        self._on_migration = on_migration
        self._migration = Migration(on_migration)
        self._clock: Clock = clock or SystemClock()
        self._own = threading.local()
        """The file that the thread has opened."""
        self._thread: Worker | None = None
        self._in_vain = False
        self._generation = 0
        self._closing = Closing()

    def __repr__(self) -> str:
        return f"<SqliteStore {str(self.path)!r}>"

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self.path)

    async def close(self) -> None:
        """See `hourlyclicks.store.protocol.Store.close`."""
        if self._inherited:
            return
        thread = self._thread
        try:
            await self._closing.wait(self._close_after_changes)
        except asyncio.CancelledError:
            if thread is not None:
                thread.hurried.set()
            raise

    async def _close_after_changes(self) -> None:
        self._migration.stop()
        await self._changes.drain()
        await self._close_thread()

    async def _close_thread(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            job = asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.stop()
            await wait_shielded(job)
            thread.join(_LAST_STEPS)

    async def _run(self, work: Callable[[SqliteFile], T]) -> T:
        """Run an operation in the thread; it is completed even if the caller is cancelled."""
        if self._inherited:
            raise StoreError(forks.opened_before(f"the store {self.path}"))
        if self._thread is None:
            self._generation = forks.generation()
            self._thread = Worker("hourlyclicks-store")
            self._migration = Migration(self._on_migration)
        loop = asyncio.get_running_loop()
        return await wait_shielded(loop.run_in_executor(self._thread, self._work, work, self._thread.hurried))

    @property
    def _inherited(self) -> bool:
        """Whether the file was opened by the parent of this process."""
        return self._thread is not None and self._generation != forks.generation()

    # -- in the thread ----------------------------------------------------------------------------------

    def _work(self, work: Callable[[SqliteFile], T], hurried: threading.Event) -> T:
        try:
            return self._patiently(work, hurried)
        except FAILURES as error:
            raise named_error(str(self.path), error) from None

    def _patiently(self, work: Callable[[SqliteFile], T], hurried: threading.Event) -> T:
        """Run an operation as soon as no other program has a lock.

        After a wait without success there is no further wait until an operation has succeeded.
        """
        until = time.monotonic() + (0.0 if self._in_vain else self._patience)
        while True:
            try:
                result = self._file().do(work)
            except sqlite3.OperationalError as error:
                if not is_busy(error) or hurried.wait(_PAUSE):
                    raise
                if time.monotonic() >= until:
                    self._in_vain = True
                    raise
            else:
                self._in_vain = False
                return result

    def _file(self) -> SqliteFile:
        """Return the file, which is opened if necessary."""
        if not hasattr(self._own, "file"):
            self._own.file = SqliteFile(self._open, now=self._clock.monotonic)
        file: SqliteFile = self._own.file
        return file

    def _open(self) -> ReadOnlyFile | FileGuard:
        timeout = min(self._patience, _SLICE)
        if self._read_only:
            return ReadOnlyFile(self.path, timeout)
        return open_to_write(self.path, timeout, self._migration)

    def _close(self) -> None:
        if hasattr(self._own, "file"):
            file = self._own.file
            del self._own.file
            try:
                file.close()
            except FAILURES as error:
                raise named_error(str(self.path), error) from None
