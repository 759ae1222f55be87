"""A store in a file that is opened read-only."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.sqlite import SqliteStore
from tests.forked import run_forked
from tests.model.strategies import FIRST, a_day
from tests.store.answers import ALL, ME, failure
from tests.store.files import content, error_of, me, put
from tests.store.test_file_trouble import drop_rights, without_root
from tests.store.writing_process import die_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAYS = list(ALL)[:5]


async def fill(store: SqliteStore, first: int = 0) -> int:
    """Keep some days."""
    account = await me(store)
    for date in DAYS[first:]:
        await store.put(account, ME, a_day(date), requests=1)
    return account


async def closed(path: Path) -> None:
    """Make a store with some days."""
    store = SqliteStore(path)
    await fill(store)
    await store.close()


async def seen(path: Path) -> int:
    """Return how many days a store that only reads finds."""
    store = SqliteStore(path, read_only=True)
    try:
        [account] = (await store.accounts()).values()
        assert await store.targets(account) == [ME]
        days = await store.read(account, ME, ALL)
        assert days == [a_day(day.date) for day in days]
        assert (await store.count_by_state(account, ME, ALL))[DayState.FINAL] == len(days)
    finally:
        await store.close()
    return len(days)


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the content and the moment of the last change of all files."""
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}


async def test_reading_leaves_nothing_behind(path: Path) -> None:
    """Neither in the file nor next to it."""
    await closed(path)
    before = everything(path.parent)
    assert await seen(path) == len(DAYS)
    assert everything(path.parent) == before


async def test_reading_makes_no_store(path: Path) -> None:
    """A missing file, an empty one, and a database without tables stay as they are."""
    assert await error_of(path, read_only=True) == "there is no such file"
    assert everything(path.parent) == {}
    put(path, b"")
    assert "the file is empty" in await error_of(path, read_only=True)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 0")
        db.execute("VACUUM")
    before = content(path)
    assert "no tables" in await error_of(path, read_only=True) or "is empty" in await error_of(
        path, read_only=True
    )
    assert content(path) == before


async def test_a_store_that_is_read_cannot_be_changed(path: Path) -> None:
    """A change is an error."""
    await closed(path)
    store = SqliteStore(path, read_only=True)
    [account] = (await store.accounts()).values()
    with pytest.raises(StoreError, match=r"read-only|cannot be written"):
        await store.put(account, ME, a_day(FIRST), requests=1)
    with pytest.raises(StoreError, match=r"read-only|cannot be written"):
        await store.account("another")
    await store.close()


async def test_a_store_in_use_can_be_read(path: Path) -> None:
    """With its latest days, and so can one that is written to after it was opened to be read."""
    await closed(path)
    looking = SqliteStore(path, read_only=True)
    [account] = (await looking.accounts()).values()
    writer = SqliteStore(path)
    await writer.record_failure(await me(writer), ME, failure(ALL[10]))
    assert (await looking.count_by_state(account, ME, ALL)).total() == len(DAYS) + 1
    assert await seen(path) == len(DAYS)
    await writer.close()
    assert (await looking.count_by_state(account, ME, ALL)).total() == len(DAYS) + 1
    await looking.close()


@contextmanager
def write_protected(folder: Path, path: Path) -> Iterator[None]:
    """Allow only reading, and drop the rights of root, to whom permissions do not apply."""
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    drop_rights()
    yield
    if os.getuid() == 0:
        os.seteuid(0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


async def test_a_store_that_cannot_be_written_can_be_read() -> None:
    """Neither the file nor its folder can."""
    with without_root() as folder:
        path = folder / "clicks.db"
        await closed(path)
        with write_protected(folder, path):
            assert await seen(path) == len(DAYS)
            assert "right to write" in await error_of(path)


def killed(path: Path) -> None:
    """Leave a store whose days are in its log."""
    assert run_forked(die_with, path, [a_day(date) for date in DAYS]) == 0


async def test_a_log_that_was_left_is_read(path: Path) -> None:
    """After a crash the latest days are in it; the next one to write brings them into the file."""
    killed(path)
    before = content(path)
    assert await seen(path) == len(DAYS)
    assert content(path) == before
    await closed(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("without_shm", [False, True])
async def test_a_log_that_cannot_be_read_is_named(*, without_shm: bool) -> None:
    """Days in it must not be left out silently."""
    with without_root() as folder:
        path = folder / "clicks.db"
        killed(path)
        if without_shm:
            (folder / "clicks.db-shm").unlink()
        with write_protected(folder, path):
            try:
                assert await seen(path) == len(DAYS)
            except StoreError as error:
                assert "copy the store with its -wal" in str(error)  # noqa: PT017 - one or the other
            else:
                assert not without_shm


async def test_an_empty_log_does_not_matter() -> None:
    """It may be left, and cannot be deleted."""
    with without_root() as folder:
        path = folder / "clicks.db"
        await closed(path)
        put(folder / "clicks.db-wal", b"")
        with write_protected(folder, path):
            assert await seen(path) == len(DAYS)


@pytest.mark.parametrize("read_only", [False, True])
async def test_what_is_no_file_is_named(tmp_path: Path, *, read_only: bool) -> None:
    """A pipe is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert "it is a pipe, not a file" in await error_of(tmp_path / "pipe", read_only=read_only)
        assert "it is a socket, not a file" in await error_of(tmp_path / "socket", read_only=read_only)
    (tmp_path / "null").symlink_to(os.devnull)
    assert "it is a device, not a file" in await error_of(tmp_path / "null", read_only=read_only)
    assert "it is a folder, not a file" in await error_of(tmp_path, read_only=read_only)


def dumped(path: Path, copy: Path, lines: int | None = None) -> None:
    """Write a store out as SQL text, and read that into a new file."""
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
        new.executescript("\n".join([*old.iterdump()][:lines]))
        new.commit()


async def test_a_store_that_was_restored_from_text_is_one(path: Path) -> None:
    """It has lost its marks of a store, and gets them back when it is opened to be written to."""
    await closed(path)
    copy = path.with_name("copy.db")
    dumped(path, copy)
    before = content(copy)
    assert await seen(copy) == len(DAYS)
    assert content(copy) == before
    await closed(copy)
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
        for name in ("application_id", "user_version", "journal_mode"):
            assert new.execute(f"PRAGMA {name}").fetchone() == old.execute(f"PRAGMA {name}").fetchone()
    assert await seen(copy) == len(DAYS)


async def test_a_restored_store_of_a_newer_version_is_refused(path: Path) -> None:
    """Its version is in its tables, too."""
    await closed(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE properties SET value = 99 WHERE name = 'version'")
    copy = path.with_name("copy.db")
    dumped(path, copy)
    assert "version 99" in await error_of(copy)


async def test_a_part_of_a_restored_store_is_refused(path: Path) -> None:
    """Without its salt every account would be unknown."""
    await closed(path)
    copy = path.with_name("copy.db")
    dumped(path, copy)
    with closing(sqlite3.connect(copy)) as db, db:
        db.execute("DELETE FROM properties WHERE name = 'salt'")
    assert "only a part of a store" in await error_of(copy)


def modes(path: Path) -> dict[str, int]:
    """Return the rights to each file of a store."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}


async def test_a_file_keeps_its_mode(path: Path) -> None:
    """As it was set by its owner; the files next to it have the same."""
    await closed(path)
    assert modes(path) == {"clicks.db": 0o600}
    os.chmod(path, 0o640)  # noqa: PTH101 - nothing else runs
    store = SqliteStore(path)
    await fill(store)
    assert modes(path) == dict.fromkeys(("clicks.db", "clicks.db-wal", "clicks.db-shm"), 0o640)
    await store.close()
    assert modes(path) == {"clicks.db": 0o640}
