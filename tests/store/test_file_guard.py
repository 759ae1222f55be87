"""A file that is removed, replaced, overwritten or cut off while a store has it open."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.store.file_guard import close_without_checkpoint
from hourlyclicks.store.sqlite import SqliteStore
from tests.forkserver.starting import forked_python
from tests.model.strategies import a_day
from tests.store.answers import ALL, ME
from tests.store.corruption import CORRUPTIONS, Files
from tests.store.files import content, me

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
DAYS = list(ALL)
KNOWN = 5


RESCUED = {"log removed", "log renamed", "shm removed", "shm renamed", "shm cut off"}
"""Changes that cost no day: closing the store repairs them."""


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make another store, once."""
    path = tmp_path_factory.mktemp("another") / "clicks.db"

    async def fill() -> None:
        store = SqliteStore(path)
        account = await me(store)
        for date in DAYS[:KNOWN]:
            await store.put(account, ME, a_day(date), requests=1)
        await store.close()

    asyncio.run(fill())
    return path


@pytest.fixture
def files(tmp_path: Path, another: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Make a folder with the other store to copy from."""
    monkeypatch.setattr(
        "hourlyclicks.store.file_guard._SETTLING", 0.05
    )  # nothing else is at work on the file
    (tmp_path / "data").mkdir()
    files = Files(tmp_path / "data" / "clicks.db")
    shutil.copyfile(another, files.copy)
    return files


async def in_use(files: Files) -> tuple[SqliteStore, int]:
    """Open a store that has some days, of which some are in the log only."""
    store = SqliteStore(files.store, patience=0.05)
    account = await me(store)
    for date in DAYS[: KNOWN - 1]:
        await store.put(account, ME, a_day(date), requests=1)
    with closing(sqlite3.connect(files.store)) as db:
        db.execute("PRAGMA wal_checkpoint").fetchall()
    await store.put(account, ME, a_day(DAYS[KNOWN - 1]), requests=1)
    return store, account


async def known(path: Path) -> int:
    """Return how many days a new store finds in a file that must be whole."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(db.execute("SELECT count(*) FROM days").fetchone()[0])


@pytest.mark.parametrize("corruption", CORRUPTIONS)
async def test_corruption_is_noticed_before_the_next_change(files: Files, corruption: str) -> None:
    """Reading and writing fail from then on, until the store is opened again."""
    store, account = await in_use(files)
    CORRUPTIONS[corruption](files)
    asked: list[int] = []
    with pytest.raises(StoreError, match="while it was in use"):
        await store.pace(account, lambda _, now, __: (None, asked.append(now)))  # type: ignore[func-returns-value]  # no step is taken
    assert asked == []
    with pytest.raises(StoreError, match="while it was in use"):
        await store.count_by_state(account, ME, ALL)
    await store.close()
    if corruption in RESCUED:
        assert await known(files.store) == KNOWN


@pytest.mark.parametrize("corruption", sorted(set(CORRUPTIONS) - {"shm cut off"}))
async def test_corruption_in_the_middle_of_a_change_is_noticed(files: Files, corruption: str) -> None:
    """What was committed then has not been stored."""
    store, account = await in_use(files)
    with pytest.raises(StoreError):
        await store.pace(account, lambda *_: ("x" * 9000, CORRUPTIONS[corruption](files)))
    await store.close()
    if corruption in RESCUED:
        assert await known(files.store) == KNOWN


async def test_an_index_that_was_cut_off_is_noticed_by_all(files: Files) -> None:
    """Also during a change, if another process noticed it first: nothing is written from old pages."""
    store, account = await in_use(files)

    def cut_and_notice(*_: object) -> tuple[str, None]:
        size = files.shm.stat().st_size
        os.truncate(files.shm, 0)
        os.truncate(files.shm, size + 1)  # as a process does that notices it
        return "x" * 9000, None

    with pytest.raises(StoreError, match="-shm was truncated while it was in use"):
        await store.pace(account, cut_and_notice)
    other = SqliteStore(files.store)
    with pytest.raises(StoreError, match="-shm was truncated"):
        await other.put(account, ME, a_day(DAYS[KNOWN]), requests=1)
    await other.close()
    await store.close()
    assert await known(files.store) == KNOWN


_CUT_OFF = """
import asyncio, os, sys
from hourlyclicks.errors import StoreError
from hourlyclicks.store.file_guard import FileGuard
from hourlyclicks.store.sqlite import SqliteStore
from tests.model.strategies import a_day
from tests.store.answers import ALL, ME

path, part, moment = sys.argv[1], float(sys.argv[2]), sys.argv[3]

def cut(*_):
    index = path + "-shm"
    os.truncate(index, int(os.path.getsize(index) * part))

def cut_after(check):
    def checked(guard):
        found = check(guard)
        cut()
        return found
    return checked

async def main():
    async with SqliteStore(path) as store:
        account = await store.account("me")
        for number, date in enumerate(list(ALL)[5:10]):
            if number < 3:
                pass
            elif moment == "between two changes":
                cut()
            elif moment == "in a change":
                await store.pace(account, lambda *_: ("x" * 9000, cut()))
            else:
                name = {"at its beginning": "ready", "in its commit": "before_commit"}[moment]
                setattr(FileGuard, name, cut_after(getattr(FileGuard, name)))
            await store.put(account, ME, a_day(date), requests=1)
            print(date, flush=True)

try:
    asyncio.run(main())
except StoreError as error:
    sys.exit(str(error))
"""
MOMENTS = {
    "between two changes": "error",
    "in a change": "error",
    "at its beginning": "signal",
    "in its commit": "signal",
}
"""When the file is cut off: in the latter two, after the last look at it and before SQLite uses it."""


@pytest.mark.skipif(sys.platform != "linux", reason="an open file cannot be cut off elsewhere, or is read on")
@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_index_that_is_cut_off_loses_no_day(files: Files, moment: str) -> None:
    """The process ends with an error, or with SIGBUS in SQLite; the next one has all that was kept."""
    store, account = await in_use(files)
    await store.close()
    command = [*forked_python(), "-c", _CUT_OFF, str(files.store), "0", moment]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: ASYNC221, S603 - nothing else runs, ours
    assert done.stdout.splitlines() == [str(date) for date in DAYS[KNOWN : KNOWN + 3]]
    if MOMENTS[moment] == "error":
        assert "-shm was truncated while it was in use" in done.stderr
    else:
        assert done.returncode == -signal.SIGBUS
    again = SqliteStore(files.store)
    account = await me(again)
    kept = [a_day(date) for date in DAYS[: KNOWN + 4]]
    assert await again.read(account, ME, ALL) in (kept, kept[:-1])  # the last change may have been committed
    for date in DAYS[KNOWN + 3 : KNOWN + 5]:
        await again.put(account, ME, a_day(date), requests=1)
    await again.close()
    assert await known(files.store) == KNOWN + 5


async def test_a_renamed_file_is_whole(files: Files) -> None:
    """All days are in it, and no log is left behind under the old name."""
    store, account = await in_use(files)
    files.store.rename(files.moved)
    with pytest.raises(StoreError, match="removed or renamed"):
        await store.put(account, ME, a_day(DAYS[KNOWN]), requests=1)
    await store.close()
    assert await known(files.moved) == KNOWN
    assert not files.log.exists()


@pytest.mark.parametrize("way", [Files.replace, Files.overwrite])
async def test_what_was_put_in_place_stays_as_it_is(files: Files, way: Callable[[Files], None]) -> None:
    """The log of the earlier file is not left beside the new one, where it would be read with it."""
    store, account = await in_use(files)
    way(files)
    with pytest.raises(StoreError, match=r"(replaced|overwritten).*while it was in use"):
        await store.put(account, ME, a_day(DAYS[KNOWN]), requests=1)
    await store.close()
    assert content(files.store) == content(files.copy)
    assert not files.log.exists()


async def test_two_stores_leave_what_was_put_in_place_as_it_is(files: Files) -> None:
    """Also the second one, which finds that the first has deleted the log."""
    store, account = await in_use(files)
    other = SqliteStore(files.store)
    await other.open()
    files.overwrite()
    for each in (store, other):
        with pytest.raises(StoreError, match="overwritten while it was in use"):
            await each.put(account, ME, a_day(DAYS[KNOWN]), requests=1)
        await each.close()
    assert content(files.store) == content(files.copy)


@pytest.mark.parametrize("how", ["copy", "vacuum"])
async def test_an_older_copy_of_the_same_store_is_another_content(files: Files, how: str) -> None:
    """It has the same salt; its generation or its layout shows that it is older."""
    store, account = await in_use(files)
    files.copy.unlink()
    if how == "copy":
        shutil.copyfile(files.store, files.copy)
    with closing(sqlite3.connect(files.store)) as db:
        if how == "vacuum":
            db.execute("VACUUM INTO ?", (str(files.copy),))
        for date in DAYS[KNOWN : KNOWN + 2]:
            await store.put(account, ME, a_day(date), requests=1)
            db.execute("PRAGMA wal_checkpoint").fetchall()
    await store.put(account, ME, a_day(DAYS[KNOWN + 2]), requests=1)
    files.overwrite()
    with pytest.raises(StoreError, match="overwritten while it was in use"):
        await store.count_by_state(account, ME, ALL)
    await store.close()
    assert content(files.store) == content(files.copy)


def restore(copy: Path, path: Path) -> None:
    """Restore a copy by way of SQLite, which is a change like any other."""
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)


@pytest.mark.parametrize("number", [0, 1, None])
async def test_a_copy_that_sqlite_restores_is_noticed(files: Files, number: int | None) -> None:
    """A copy of before the last day, before the last checkpoint, or another store (``None``)."""
    store, account = await in_use(files)
    if number is not None:
        files.copy.unlink()
        restore(files.store, files.copy)
    for date in DAYS[KNOWN : KNOWN + 2]:
        await store.put(account, ME, a_day(date), requests=1)
        if number == 1:
            with closing(sqlite3.connect(files.store)) as db:
                _checkpoint(db)
    restore(files.copy, files.store)
    with pytest.raises(StoreError, match="a copy was restored into it while it was in use"):
        await store.pace(account, lambda *_: ("x", None))
    await store.close()
    assert await known(files.store) == KNOWN


async def test_a_copy_with_all_that_was_kept_may_be_restored(files: Files) -> None:
    """Nothing is missing then."""
    store, account = await in_use(files)
    files.copy.unlink()
    restore(files.store, files.copy)
    restore(files.copy, files.store)
    await store.put(account, ME, a_day(DAYS[KNOWN]), requests=1)
    await store.close()
    assert await known(files.store) == KNOWN + 1


def _checkpoint(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _truncate(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _vacuum(db: sqlite3.Connection) -> None:
    db.execute("VACUUM")


def _backup(db: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(":memory:")) as other:
        db.backup(other)


def _write(db: sqlite3.Connection) -> None:
    db.execute("INSERT OR IGNORE INTO accounts (fingerprint) VALUES (random())")


async def test_what_others_may_do_is_no_corruption(files: Files) -> None:
    """They write, checkpoint, truncate the log, vacuum and back up; two stores continue meanwhile."""
    store, account = await in_use(files)
    other = SqliteStore(files.store)
    chance = random.Random(5)
    for number, date in enumerate(DAYS[KNOWN:40], KNOWN):
        with closing(sqlite3.connect(files.store, isolation_level=None)) as db:
            chance.choice([_checkpoint, _truncate, _vacuum, _backup, _write])(db)
        await chance.choice([store, other]).put(account, ME, a_day(date), requests=1)
        assert (await store.count_by_state(account, ME, ALL)).total() == number + 1
    await store.close()
    await other.close()
    assert await known(files.store) == 40


_LEAVE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("SELECT count(*) FROM days").fetchall()
db.close()
"""


async def test_another_store_in_this_process_costs_no_lock(files: Files) -> None:
    """Otherwise a process that closes the file would count as the last one, and delete the log."""
    store, account = await in_use(files)
    other = SqliteStore(files.store)
    await other.open()
    await other.close()
    with closing(sqlite3.connect(files.store)) as db:
        _checkpoint(db)  # so that the main file is looked into
    await store.count_by_state(account, ME, ALL)
    subprocess.run([sys.executable, "-c", _LEAVE, str(files.store)], check=True)  # noqa: ASYNC221, S603 - ours, nothing else runs
    await store.put(account, ME, a_day(DAYS[KNOWN]), requests=1)
    await store.close()
    assert await known(files.store) == KNOWN + 1


async def test_a_path_counts_from_where_it_was_opened(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another current folder, and a link on the way, make no difference."""
    monkeypatch.chdir(files.store.parent)
    (files.store.parent / "link.db").symlink_to("clicks.db")
    store = SqliteStore("link.db")
    account = await me(store)
    monkeypatch.chdir("/")
    await store.put(account, ME, a_day(DAYS[0]), requests=1)
    await store.close()
    assert await known(files.store) == 1


def test_a_connection_to_a_renamed_file_is_closed(path: Path) -> None:
    """Without a file at its place, there is no second connection, and no error of SQLite."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE written (number)")
    path.rename(path.with_name("elsewhere.db"))
    close_without_checkpoint(db, path)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        db.execute("SELECT 1")
