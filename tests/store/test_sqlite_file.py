"""A store in a file: who may read it, and which files it accepts."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.model.targets import Link
from hourlyclicks.store.schema import LATEST
from hourlyclicks.store.sqlite import SqliteStore
from tests.forked import forked
from tests.model.strategies import FIRST, a_day
from tests.store.answers import ALL, ME
from tests.store.files import PAGE, content, error_of, filled, me, pragma, put
from tests.store.writing_process import open_each

if TYPE_CHECKING:
    from pathlib import Path


async def test_only_the_owner_can_read_the_files(path: Path) -> None:
    """Even if everything else that is made can be read by all."""
    before = os.umask(0)
    store = SqliteStore(path)
    try:
        await store.put(await me(store), ME, a_day(FIRST), requests=1)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
        await store.close()
    assert modes == dict.fromkeys(("clicks.db", "clicks.db-wal", "clicks.db-shm"), 0o600)


async def test_a_commit_is_on_the_disk(store: SqliteStore) -> None:
    """WAL, every commit forced out to the disk, and foreign keys are heeded."""
    assert await store._run(pragma("journal_mode")) == "wal"
    assert await store._run(pragma("synchronous")) == 2
    assert await store._run(pragma("foreign_keys")) == 1


async def test_a_closed_store_is_one_file(path: Path) -> None:
    """What can be copied."""
    await filled(path)
    assert [file.name for file in path.parent.iterdir()] == ["clicks.db"]


async def test_anybody_can_select_from_the_tables(path: Path) -> None:
    """Any program can, with the sqlite3 module, while the store is open."""
    store = SqliteStore(path)
    await store.put(await me(store), Link("kYdr", "https://vvd.bz"), a_day(FIRST, 7), requests=3)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        query = (
            "SELECT target, date, hour, clicks, unique_users, state FROM clicks WHERE hour < 2 ORDER BY hour"
        )
        assert db.execute(query).fetchall() == [
            ("https://vvd.bz/kYdr", "2024-02-25", 0, 7, 7, "final"),
            ("https://vvd.bz/kYdr", "2024-02-25", 1, 0, 0, "final"),
        ]
        query = (
            "SELECT target, date, state, hours, fetched_at, attempts FROM days JOIN series ON id = series_id"
        )
        assert db.execute(query).fetchall() == [
            ("https://vvd.bz/kYdr", "2024-02-25", "final", 12, "2024-03-10T12:00:00.00Z", 3)
        ]
    await store.close()


async def test_a_newer_file_is_refused(path: Path) -> None:
    """It is not touched, and both versions are named."""
    await filled(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    before = content(path)
    assert f"version 99, and only {LATEST} is known" in await error_of(path)
    assert content(path) == before


async def test_a_file_of_another_program_is_refused(path: Path) -> None:
    """It is not touched: neither tables nor WAL appear in it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE days (mine)")
    before = content(path)
    assert await error_of(path) == "it is a SQLite file of another program"
    assert content(path) == before


@pytest.mark.parametrize(
    "foreign", [b"xy", b"not a database, but long enough to be one " * 500, b"\0" * 8192]
)
async def test_what_is_no_database_is_refused(path: Path, foreign: bytes) -> None:
    """It is not touched."""
    put(path, foreign)
    assert "it is damaged, or not a store" in await error_of(path)
    assert content(path) == foreign


async def test_an_empty_file_is_as_good_as_none(path: Path) -> None:
    """It is accepted, as `mktemp` makes it."""
    put(path, b"")
    await filled(path)


async def test_a_file_that_was_cut_off_is_damaged(path: Path) -> None:
    """Every call says so."""
    await filled(path)
    whole = content(path)
    put(path, whole[: len(whole) // 2 // PAGE * PAGE])
    assert await error_of(path) == "it is damaged: restore a backup"


async def test_a_file_with_foreign_bytes_is_damaged(path: Path) -> None:
    """The first call that reads them says so."""
    await filled(path)
    whole = content(path)
    put(path, whole[:PAGE] + b"\xff" * (len(whole) - PAGE))
    assert await error_of(path) == "it is damaged: restore a backup"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE days SET fetched_at = 'yesterday'",
        "UPDATE days SET fetched_at = ''",
        "UPDATE days SET date = date || 'x'",
        "UPDATE days SET clicks = 'many'",
        "UPDATE days SET clicks = '{}'",
        "UPDATE days SET clicks = replace(clicks, ',0', ',0.5')",
    ],
)
async def test_what_no_store_writes_is_not_read(path: Path, store: SqliteStore, damage: str) -> None:
    """A column of SQLite takes anything; what makes no day is an error."""
    account = await me(store)
    await store.put(account, ME, a_day(FIRST), requests=1)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(damage)
    with pytest.raises(StoreError, match="another program has changed it"):
        await store.read(account, ME, ALL)


async def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Nor is a file in a folder that does not exist."""
    assert await error_of(tmp_path) == "it is a folder, not a file: name a file"
    assert "no such folder" in await error_of(tmp_path / "no" / "clicks.db")


def test_processes_may_make_a_file_at_once(tmp_path: Path) -> None:
    """None rejects the file that another one is making, and none gives up."""
    paths = [tmp_path / f"{number}.db" for number in range(60)]
    processes = [forked(open_each, paths) for _ in range(4)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4


async def test_the_shared_clock_is_the_one_that_was_given(path: Path) -> None:
    """In nanoseconds."""

    class Still:
        def monotonic(self) -> int:
            return 42

    store = SqliteStore(path, clock=Still())  # type: ignore[arg-type]  # nothing else of it is used
    assert await store.pace(await me(store), lambda *_: (None, "done")) == ("done", 42)
    await store.close()


async def test_a_store_is_called_by_its_path(path: Path) -> None:
    """In reprs and errors."""
    assert repr(SqliteStore(path)) == f"<SqliteStore {str(path)!r}>"


class Copied:
    """A step that changes the state once, and of which a copy is wanted."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __call__(self, text: str | None, _now: int, _entry: object) -> tuple[str | None, None]:
        """Take the step."""
        self.done.append("step")
        return ("changed" if text is None else None), None

    def write_copy(self, text: str) -> None:
        """Note what would be copied."""
        self.done.append(text)


async def test_only_what_a_transaction_writes_is_copied(store: SqliteStore) -> None:
    """A step that was only tried may know less than one that another process takes at that moment."""
    account, step = await me(store), Copied()
    await store.pace(account, step, peek=True)
    assert step.done == ["step", "step", "changed"]
    await store.pace(account, step, peek=True)
    await store.pace(account, step)
    assert step.done == ["step", "step", "changed", "step", "step"]
