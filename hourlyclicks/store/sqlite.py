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
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hourlyclicks import forks
from hourlyclicks.errors import StoreError
from hourlyclicks.store.closing import Closing
from hourlyclicks.store.file_names import check_name
from hourlyclicks.store.migration import Migration
from hourlyclicks.store.read_only import ReadOnlyFile
from hourlyclicks.store.shared_clock import SharedClock
from hourlyclicks.store.shield import wait_shielded
from hourlyclicks.store.sqlite_file import SqliteFile
from hourlyclicks.store.sqlite_messages import FAILURES, is_busy, named_error
from hourlyclicks.store.sqlite_open import open_to_write
from hourlyclicks.store.sqlite_operations import SqliteOperations
from hourlyclicks.store.worker_thread import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.store.file_guard import FileGuard
    from hourlyclicks.store.migration import OnMigration

T = TypeVar("T")

_SLICE = 0.1
"""Seconds that SQLite itself waits for a lock; between such waits, the wait can be ended."""
_PAUSE = 0.01
"""Seconds between two attempts when SQLite itself does not wait."""
_LAST_STEPS = 1.0
"""Seconds to wait for a thread that has done its last operation."""


class SqliteStore(SqliteOperations):
    """Keep days in a SQLite file.

    Args:
        path: the file; created if necessary, readable by its owner only.
        clock: the clock of the shared limiter; that of the client by default.
        patience: the seconds to wait for another program that writes to the file.
        read_only: whether the file is neither created nor changed; older tables are read as they are.
        on_migration: called with the number of days that are copied, and that of all days, while older tables
            are migrated; it runs in another thread.

    Attributes:
        kind: what `hourlyclicks.Client.state` calls it.
        shared_clock: the clock of the shared limiter.
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
        self.file: str = str(self.path)
        self._patience = patience
        self._read_only = read_only
        self._on_migration = on_migration
        self._migration = Migration(on_migration)
        self.shared_clock = SharedClock(clock)
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
        return self.file

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
            self._own.file = SqliteFile(self._open, now=self.shared_clock.now)
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
