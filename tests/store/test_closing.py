"""Closing: one close at a time, and nothing is left open, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.errors import StoreError
from hourlyclicks.store import file_guard
from hourlyclicks.store.closing import Closing
from hourlyclicks.store.file_guard import FileGuard
from hourlyclicks.store.sqlite import SqliteStore
from tests.memory import temporary_root
from tests.model.strategies import FIRST, a_day
from tests.sizes import examples, sized
from tests.store.answers import ME
from tests.store.files import me

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTORS = Path("/proc/self/fd")
needs_descriptors = pytest.mark.skipif(
    not DESCRIPTORS.exists(), reason="this system does not show which files a process has open"
)


def files_open(folder: Path) -> list[str]:
    """Return the files of a folder that this process has open, but for those that are kept on purpose."""
    found = []
    for entry in DESCRIPTORS.iterdir():
        with suppress(OSError):
            if int(entry.name) not in file_guard._left_open:
                found.append(entry.readlink())
    return [str(name) for name in found if name.is_relative_to(folder)]


class Door:
    """What is opened and closed; closing takes two turns of the event loop."""

    def __init__(self) -> None:
        self.open, self.closed = 0, 0
        self.error: Exception | None = None

    async def close(self) -> None:
        """Close what is open now."""
        open_, self.open = self.open, 0
        error, self.error = self.error, None
        for _ in range(2):
            await asyncio.sleep(0)
        self.closed += open_
        if error is not None:
            raise error


async def test_a_close_that_has_begun_is_not_shared() -> None:
    """What was opened since would stay open; two closes never run at the same time."""
    door, shared = Door(), Closing()
    door.open = 1
    first = asyncio.create_task(shared.wait(door.close))
    for _ in range(2):
        await asyncio.sleep(0)
    assert (door.open, door.closed) == (0, 0)
    door.open = 1
    await shared.wait(door.close)
    assert first.done()
    assert (door.open, door.closed) == (0, 2)


async def test_a_close_that_waits_is_shared() -> None:
    """However many callers come during one close, one more follows."""
    times, go = [], asyncio.Event()

    async def close() -> None:
        times.append(1)
        await go.wait()

    shared = Closing()
    callers = [asyncio.create_task(shared.wait(close))]
    for _ in range(3):
        await asyncio.sleep(0)
        callers += [asyncio.create_task(shared.wait(close)) for _ in range(5)]
    go.set()
    await asyncio.gather(*callers)
    assert len(times) == 2


async def test_an_error_of_an_earlier_close_is_passed_on() -> None:
    """Its caller may have been cancelled, and this is the second attempt."""
    door, shared = Door(), Closing()
    door.open, door.error = 1, ZeroDivisionError()
    first = asyncio.create_task(shared.wait(door.close))
    for _ in range(2):
        await asyncio.sleep(0)
    first.cancel()
    door.open = 1
    with pytest.raises(ZeroDivisionError):
        await shared.wait(door.close)
    assert first.cancelled()
    assert (door.open, door.closed) == (0, 2)
    await shared.wait(door.close)


@needs_descriptors
async def test_what_is_opened_during_a_close_is_closed_by_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next call of `close` may come while the first is under way."""
    store, go, shut = SqliteStore(path), threading.Event(), FileGuard.close
    account = await me(store)

    def slowly(guard: FileGuard) -> None:
        go.wait(60)
        shut(guard)

    monkeypatch.setattr(FileGuard, "close", slowly)
    first = asyncio.create_task(store.close())
    while store._thread is not None:  # noqa: ASYNC110 - a few turns
        await asyncio.sleep(0)
    await store.put(account, ME, a_day(FIRST), requests=1)
    second = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(first, second)
    assert files_open(path.parent) == []


class Failing(sqlite3.Connection):
    """A connection on which one statement fails."""

    left = 0
    """How many statements succeed before it."""

    def execute(self, *statement: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as that of sqlite3
        """Run a statement, or fail as with a bad disk."""
        Failing.left -= 1
        if Failing.left == -1:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return super().execute(*statement)


async def use(path: Path) -> None:
    """Open a store, write to it, and close it."""
    store = SqliteStore(path)
    try:
        await store.put(await me(store), ME, a_day(FIRST), requests=1)
    finally:
        await store.close()


@needs_descriptors
@pytest.mark.parametrize("exists", [True, False])
async def test_no_file_stays_open_when_a_statement_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, exists: bool
) -> None:
    """Whichever it is: of opening, of the first work, or of closing."""
    if exists:
        await use(path)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Failing))
    for number in range(0, 1000, sized(4, 1)):
        Failing.left = number
        with suppress(StoreError):
            await use(path if exists else path.with_name(f"{number}.db"))
        assert files_open(path.parent) == [], f"statement {number}"
        if Failing.left >= 0:  # all of them have succeeded
            break
    assert 20 < number < 900


class Schedule:
    """Work on a store, closes of it and another program that locks it, in any order.

    Args:
        store: the store, open.
        account: an account.
    """

    def __init__(self, store: SqliteStore, account: int) -> None:
        self._store = store
        self._account = account
        self._work: list[asyncio.Task[Any]] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._other = sqlite3.connect(store.path, isolation_level=None, timeout=0)

    async def run(self, steps: Sequence[str]) -> None:
        """Take the steps, then wait for the work that they have begun, but for no close."""
        with closing(self._other):
            for step in steps:
                await getattr(self, step)()
        await asyncio.gather(*self._work, return_exceptions=True)

    async def put(self) -> None:
        """Begin to store a day."""
        work = self._store.put(self._account, ME, a_day(FIRST), requests=1)
        self._work.append(asyncio.create_task(work))
        self._tasks.append(self._work[-1])

    async def close(self) -> None:
        """Begin to close the store."""
        self._tasks.append(asyncio.create_task(self._store.close()))

    async def cancel(self) -> None:
        """Cancel what was begun last."""
        if self._tasks:
            self._tasks[-1].cancel()

    async def turn(self) -> None:
        """Let the event loop go on."""
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Wait until some of what was begun has ended, or for a moment."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)

    async def lock(self) -> None:
        """Let the other program lock the file, unless it is locked."""
        with suppress(sqlite3.OperationalError):
            self._other.execute("BEGIN IMMEDIATE")

    async def unlock(self) -> None:
        """Let the other program release the file."""
        with suppress(sqlite3.OperationalError):
            self._other.execute("ROLLBACK")


@needs_descriptors
@settings(max_examples=examples(120))
@given(st.lists(st.sampled_from(["put", "close", "cancel", "turn", "turn", "finish", "lock", "unlock"])))
def test_no_file_stays_open_after_the_last_close(steps: list[str]) -> None:
    """Whatever came before it: other closes, cancelled ones, work, and locks."""

    async def take(path: Path) -> None:
        store = SqliteStore(path, patience=0.02)
        await Schedule(store, await me(store)).run(steps)
        await store.close()
        assert files_open(path.parent) == []

    with TemporaryDirectory(dir=temporary_root()) as folder:
        asyncio.run(take(Path(folder) / "clicks.db"))
