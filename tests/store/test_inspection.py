"""A log (``-wal``) next to a file to which it does not belong."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hourlyclicks.store.sqlite import SqliteStore
from tests.model.strategies import a_day
from tests.store.answers import ALL, ME
from tests.store.files import content, error_of, filled, me, put


async def snapshots(path: Path, number: int) -> list[tuple[bytes, bytes]]:
    """Return the file and its log after each of some checkpoints, with a day that is in the log only."""
    store, found = SqliteStore(path), []
    account = await me(store)
    for date in list(ALL)[:number]:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint").fetchall()
        await store.put(account, ME, a_day(date), requests=1)
        found.append((content(path), content(Path(f"{path}-wal"))))
    await store.close()
    return found


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_log_of_another_file_is_refused(tmp_path: Path, *, read_only: bool) -> None:
    """It is not read into the file, and neither of them is changed; without it the file can be used."""
    path, other = tmp_path / "clicks.db", tmp_path / "other.db"
    await filled(path)
    _, (_, foreign) = await snapshots(other, 2)
    put(tmp_path / "clicks.db-wal", foreign)
    before = content(path)
    assert "clicks.db-wal next to it is the log of another file" in await error_of(path, read_only=read_only)
    assert (content(path), content(tmp_path / "clicks.db-wal")) == (before, foreign)
    (tmp_path / "clicks.db-wal").unlink()
    assert len(await read(path)) == 200


async def test_a_log_of_another_state_is_refused(tmp_path: Path) -> None:
    """It is left behind where an older copy replaced the file; the file's own log is read."""
    states = await snapshots(tmp_path / "made.db", 4)
    for old, (main, _) in enumerate(states):
        for new, (_, log) in enumerate(states):
            path = tmp_path / f"{old}-{new}.db"
            put(path, main)
            put(path.with_name(path.name + "-wal"), log)
            if new in {old, old - 1}:  # the earlier log is in the file as a whole
                assert len(await read(path)) == new + 1
            else:
                assert "of another state of it" in await error_of(path)


async def read(path: Path) -> list[object]:
    """Return the days in a file."""
    store = SqliteStore(path, read_only=True)
    [account] = (await store.accounts()).values()
    days = await store.read(account, ME, ALL)
    await store.close()
    return list(days)


async def test_copies_that_sqlite_makes_are_stores(tmp_path: Path) -> None:
    """Of a store in use, by `backup` and by `VACUUM INTO`; they go on from where they were made."""
    path = tmp_path / "clicks.db"
    store = SqliteStore(path)
    account = await me(store)
    for date in list(ALL)[:3]:
        await store.put(account, ME, a_day(date), requests=1)
    with closing(sqlite3.connect(path)) as live:
        with closing(sqlite3.connect(tmp_path / "backup.db")) as copy:
            live.backup(copy)
        live.execute("VACUUM INTO ?", (str(tmp_path / "vacuum.db"),))
    await store.close()
    shutil.copyfile(path, tmp_path / "copied.db")
    for name in ("backup.db", "vacuum.db", "copied.db"):
        assert len(await read(tmp_path / name)) == 3
        copied = SqliteStore(tmp_path / name)
        assert await me(copied) == account
        assert await copied.salt() == await store.salt()
        await copied.put(account, ME, a_day(ALL[3]), requests=1)
        await copied.close()
        assert len(await read(tmp_path / name)) == 4
    await store.close()
