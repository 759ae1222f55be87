"""A store in a file when the disk is full, or other programs lock the file."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.store import sqlite
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.sqlite import SqliteStore
from tests.forkserver.starting import forked_python
from tests.model.strategies import FIRST, a_day
from tests.store.answers import ALL, ME
from tests.store.files import error_of, filled, me, pragma

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.store.sqlite_file import SqliteFile


ONE_MORE = "INSERT INTO accounts (fingerprint) VALUES ('x')"


async def keep_all(store: SqliteStore, account: int, kept: list[DayClicks]) -> None:
    """Store one day after the other, and record which."""
    for date in ALL:
        await store.put(account, ME, a_day(date), requests=1)
        kept.append(a_day(date))


@contextmanager
def without_root() -> Iterator[Path]:
    """Run without the rights of root, in a folder that every user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="hourlyclicks-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def drop_rights() -> None:
    """Drop the rights of root, to whom permissions do not apply."""
    if os.geteuid() == 0:
        os.seteuid(65534)


async def test_a_file_that_must_not_be_written_is_refused() -> None:
    """It is an error at once, and not with the first day."""
    with without_root() as folder:
        path = folder / "clicks.db"
        await filled(path)
        path.chmod(0o444)
        drop_rights()
        assert "give this user the right to write" in await error_of(path)


async def test_a_folder_that_must_not_be_written_is_refused() -> None:
    """SQLite needs its log next to the file."""
    with without_root() as folder:
        path = folder / "clicks.db"
        await filled(path)
        path.chmod(0o666)
        folder.chmod(0o555)
        drop_rights()
        assert "right" in await error_of(path)
        assert "check the rights to its folder" in await error_of(folder / "new.db")


async def test_a_full_disk_loses_nothing(store: SqliteStore) -> None:
    """It is an error, stored days stay, nothing is left of the day that did not fit, and later it fits."""
    account = await me(store)
    await store._run(pragma(f"max_page_count = {await store._run(pragma('page_count'))}"))
    kept: list[DayClicks] = []
    with pytest.raises(StoreError, match=r"clicks\.db: the disk is full: free some space"):
        await keep_all(store, account, kept)
    assert 0 < len(kept) < 100
    assert await store.read(account, ME, ALL) == kept
    await store._run(pragma("max_page_count = 9999"))
    await store.put(account, ME, a_day(ALL[len(kept)]), requests=1)
    assert await store.count_by_state(account, ME, ALL) == {DayState.FINAL: len(kept) + 1}


_BIG_FILES = """
import asyncio, datetime as dt, resource, sys
from hourlyclicks.errors import StoreError
from hourlyclicks.model.targets import Account
from hourlyclicks.store.sqlite import SqliteStore
from tests.model.strategies import FIRST, a_day

async def main():
    store = SqliteStore(sys.argv[1])
    account = await store.account("me")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    try:
        for number in range(1000):
            await store.put(account, Account(), a_day(FIRST + dt.timedelta(days=number)), requests=1)
            print(number)
    except StoreError as error:
        print(error)

asyncio.run(main())
"""


async def test_a_file_that_cannot_grow_loses_nothing(path: Path) -> None:
    """If the operating system refuses to write during a day, all days before it are there."""
    command = [*forked_python(), "-c", _BIG_FILES, str(path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)  # noqa: ASYNC221, S603 - nothing else runs, ours
    *kept, said = done.stdout.splitlines()
    assert said.startswith(
        (f"the store {path}: the disk or its file system", f"the store {path}: the disk is full")
    )
    assert 10 < len(kept) < 1000
    store = SqliteStore(path)
    assert len(await store.read(await me(store), ME, ALL)) == len(kept)
    await store.close()


async def test_a_file_that_is_locked_is_not_waited_for_too_long(path: Path, store: SqliteStore) -> None:
    """The wait is bounded for open stores and for new ones; reading continues."""
    account = await me(store)
    with closing(sqlite3.connect(path)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program keeps it locked"):
            await store.put(account, ME, a_day(FIRST), requests=1)
        assert await store.read(account, ME, ALL) == []
    await store.put(account, ME, a_day(FIRST), requests=1)
    with closing(sqlite3.connect(path.parent / "new.db")) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert "another program keeps it locked" in await error_of(path.parent / "new.db", patience=0.05)


async def test_a_lock_is_waited_for_in_vain_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After that, each call is tried once, for example in a close, until the lock has gone."""
    moments = iter([0.0, 100.0, 100.0, 100.0])
    store = SqliteStore(path, patience=50.0)
    account = await me(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(sqlite, "time", SimpleNamespace(monotonic=lambda: next(moments)))
        for _ in range(2):
            with pytest.raises(StoreError, match="another program keeps it locked"):
                await store.put(account, ME, a_day(FIRST), requests=1)
        monkeypatch.undo()
        db.execute("ROLLBACK")
    await store.put(account, ME, a_day(FIRST), requests=1)
    assert not store._in_vain
    await store.close()


async def test_a_file_that_is_locked_is_waited_for(path: Path) -> None:
    """The day is stored as soon as the other program is done, and its change is there, too."""
    store = SqliteStore(path)
    account = await me(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(ONE_MORE)
        keeping = asyncio.create_task(store.put(account, ME, a_day(FIRST), requests=1))
        await asyncio.wait({keeping}, timeout=0.1)
        assert not keeping.done()
        db.execute("COMMIT")
        await keeping
    assert "x" in await store.accounts()
    await store.close()


async def test_a_close_that_is_cancelled_waits_for_no_lock(path: Path) -> None:
    """Nor does the work before it, whose caller has gone; the store can be used again."""
    store = SqliteStore(path, patience=3600)
    account = await me(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        keeping = asyncio.create_task(store.put(account, ME, a_day(FIRST), requests=1))
        closed = asyncio.create_task(store.close())
        await asyncio.wait({keeping, closed}, timeout=0.05)
        assert not keeping.done()
        closed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closed
        with pytest.raises(StoreError, match="another program keeps it locked"):
            await asyncio.wait_for(keeping, 60)
    await store.put(account, ME, a_day(FIRST), requests=1)
    await store.close()


@pytest.mark.parametrize("lock", ["BEGIN EXCLUSIVE", "BEGIN; SELECT count(*) FROM sqlite_master"])
async def test_a_new_file_that_is_locked_is_waited_for(path: Path, lock: str) -> None:
    """Also to turn it into a store, and even if it is only being read."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in lock.split(";"):
            db.execute(statement).fetchall()
        assert "another program keeps it locked" in await error_of(path, patience=0.05)
        store = SqliteStore(path)
        opening = asyncio.create_task(store.open())
        await asyncio.wait({opening}, timeout=0.1)
        assert not opening.done()
        db.execute("ROLLBACK")
        await opening
    await store.close()


@pytest.mark.parametrize(("patience", "left"), [(60.0, 0), (0.0, 2)])
async def test_what_sqlite_does_not_wait_for_is_waited_for(path: Path, patience: float, left: int) -> None:
    """As long as for everything else; as when two processes turn the log on at once."""
    store, times = SqliteStore(path, patience=patience), 3

    def cut_short(_: SqliteFile) -> None:
        nonlocal times
        if times:
            times -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error

    with pytest.raises(StoreError, match="another program keeps it locked") if left else nullcontext():
        await store._run(cut_short)
    assert times == left
    await store.close()
