"""The embedded store: a SQLite file, and one thread that works on it.

Everything that touches the file happens in that thread, one piece of work after the other, so the event loop
is never held up by a disk. A piece of work that was begun is finished, even if nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hourlyclicks import forks
from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import StoreError
from hourlyclicks.store.closing import Closing
from hourlyclicks.store.file import SqliteFile, in_words
from hourlyclicks.store.finishing import finished

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections import Counter
    from collections.abc import Callable, Mapping

    from hourlyclicks.clock import Clock
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import DayState, Kept, Mark
    from hourlyclicks.store.protocol import Change

T = TypeVar("T")
R = TypeVar("R")


class SqliteStore:
    """Keep days in a SQLite file.

    Args:
        path: the file; made if need be, readable by its owner only.
        clock: measures the shared pace; the machine's clocks when left out.
        patience: the seconds to wait for another program that writes to the file.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, clock: Clock | None = None, patience: float = 20.0
    ) -> None:
        self.path = Path(path)
        self._patience = patience
        self._clock: Clock = clock or SystemClock()
        self._own = threading.local()
        """What belongs to one thread only: the file it opened."""
        self._thread: ThreadPoolExecutor | None = None
        self._generation = 0
        self._closing = Closing()

    def __repr__(self) -> str:
        return f"<SqliteStore {str(self.path)!r}>"

    async def open(self) -> None:
        """See `hourlyclicks.store.protocol.Store.open`."""
        await self._run(lambda _: None)

    async def close(self) -> None:
        """See `hourlyclicks.store.protocol.Store.close`."""
        if not self._inherited:
            await self._closing.wait(self._close_thread)

    async def _close_thread(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            job = asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown(wait=False)
            await finished(job)
            thread.shutdown()  # it has nothing left to do

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

    async def marks(self, account: int, target: Target, days: DateRange) -> list[Mark]:
        """See `hourlyclicks.store.protocol.Store.marks`."""
        return await self._run(lambda file: file.marks(account, target, days))

    async def tally(self, account: int, target: Target, days: DateRange) -> Counter[DayState]:
        """See `hourlyclicks.store.protocol.Store.tally`."""
        return await self._run(lambda file: file.tally(account, target, days))

    async def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """See `hourlyclicks.store.protocol.Store.read`."""
        return await self._run(lambda file: file.read(account, target, days))

    async def keep(self, account: int, target: Target, day: DayClicks, *, requests: int) -> Kept:
        """See `hourlyclicks.store.protocol.Store.keep`."""
        return await self._run(lambda file: file.keep(account, target, day, requests=requests))

    async def note(self, account: int, target: Target, mark: Mark) -> None:
        """See `hourlyclicks.store.protocol.Store.note`."""
        await self._run(lambda file: file.note(account, target, mark))

    async def pace(
        self, account: int, change: Change[R], *, of: tuple[Target, dt.date] | None = None
    ) -> tuple[R, int]:
        """See `hourlyclicks.store.protocol.Store.pace`."""
        return await self._run(lambda file: file.pace(account, change, of))

    async def _run(self, work: Callable[[SqliteFile], T]) -> T:
        """Let the thread do a piece of work; it is done even if the caller is cancelled meanwhile."""
        if self._inherited:
            raise StoreError(forks.opened_before(f"the store {self.path}"))
        if self._thread is None:
            self._generation = forks.generation()
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="hourlyclicks-store")
        loop = asyncio.get_running_loop()
        return await finished(loop.run_in_executor(self._thread, self._work, work))

    @property
    def _inherited(self) -> bool:
        """Whether the file was opened in the process that this one was forked from."""
        return self._thread is not None and self._generation != forks.generation()

    # -- in the thread ----------------------------------------------------------------------------------

    def _work(self, work: Callable[[SqliteFile], T]) -> T:
        try:
            if not hasattr(self._own, "file"):
                self._own.file = SqliteFile(self.path, now=self._clock.monotonic, patience=self._patience)
            return work(self._own.file)
        except StoreError as error:
            raise StoreError(f"the store {self.path}: {error}") from None
        except (sqlite3.Error, OSError, OverflowError, UnicodeEncodeError) as error:
            raise StoreError(f"the store {self.path}: {in_words(error)}") from None

    def _close(self) -> None:
        if hasattr(self._own, "file"):
            self._own.file.close()
            del self._own.file
