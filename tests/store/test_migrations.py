"""Stores that an earlier version has made are brought up to date in location."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from hourlyclicks.store.freshness import Reader
from hourlyclicks.store.ledger import DayState, LedgerEntry, Revision
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.schema import scripts
from hourlyclicks.store.sqlite import SqliteStore
from tests.model.strategies import FIRST, NOON, a_day
from tests.store.answers import ALL, LATER, ME, day

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.store.protocol import Store
    from tests.store.locations import DatabaseLocation

_ACCOUNT = "INSERT INTO accounts (fingerprint) VALUES ('me')"
_DAY = """INSERT INTO days (series_id, date, state, hours, fetched_at, attempts, revision)
    VALUES (1, '{}', '{}', {}, '2024-03-10T12:00:00.000000Z', 2, {})"""
_HOURS = "INSERT INTO hours SELECT 1, '2024-02-25', value - 1, {}, {} FROM {} WHERE value <= 12"
_SEQUENCE = """(WITH RECURSIVE s(value) AS (
    SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < 12) SELECT * FROM s)"""


def rows(series: str, sequence: str) -> list[str]:
    """Return what the first version writes for a final day and one that was refused."""
    return [
        _ACCOUNT,
        series,
        _DAY.format(FIRST, "final", 12, 1),
        _HOURS.format("CASE value WHEN 1 THEN 1 ELSE 0 END", "CASE value WHEN 1 THEN 1 ELSE 0 END", sequence),
        _DAY.format(day(1), "refused", 0, 0),
    ]


def old_file(path: Path) -> None:
    """Make a file as the first version did."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(scripts("sqlite")[0])
        for statement in rows("INSERT INTO series VALUES (1, 1, 'clicks-by-hour/v2', 'account')", _SEQUENCE):
            db.execute(statement)
        db.execute("PRAGMA application_id = 0x68634C6B")
        db.execute("PRAGMA user_version = 1")
        db.commit()
        db.execute("PRAGMA journal_mode = WAL")


async def check(store: Store) -> None:
    """Compare a store with what it held before, and use what it could not do then."""
    account = await store.account("me")
    known = a_day(FIRST)
    assert await store.read(account, ME, ALL) == [known]
    assert await store.entries(account, ME, ALL) == [
        LedgerEntry(FIRST, DayState.FINAL, NOON, 2, 1, hours=12),
        LedgerEntry(day(1), DayState.REFUSED, NOON, 2),
    ]
    assert (await store.count_by_state(account, ME, ALL, reader=Reader(NOON)))[DayState.FINAL] == 1
    assert await store.revisions(account, ME, ALL) == []
    await store.put(account, ME, a_day(FIRST, 7, at=LATER), requests=1)
    assert await store.revisions(account, ME, ALL) == [Revision(1, known)]


async def test_an_old_file_is_brought_up_to_date_while_another_process_uses_it(path: Path) -> None:
    """In location, with all its days; a process of the old version goes on writing as it did."""
    old_file(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        assert other.execute("SELECT count(*) FROM days").fetchone() == (2,)
        store = SqliteStore(path)
        await check(store)
        other.execute(_DAY.format(day(2), "empty", 0, 1))
        other.execute("INSERT OR REPLACE INTO pacing VALUES (?, ?)", (1, "text"))
    (entry,) = (await store.entries(await store.account("me"), ME, ALL))[2:]
    assert (entry.date, entry.state, entry.doubted_at) == (day(2), DayState.EMPTY, None)
    await store.close()


async def test_a_kill_in_the_middle_leaves_a_file_that_opens(path: Path, tmp_path: Path) -> None:
    """What was written of the new tables is undone, and done again as a whole."""
    old_file(path)
    copy = tmp_path / "left.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")  # so that it is written before it is committed
        db.execute("BEGIN IMMEDIATE")
        for statement in re.sub("--.*", "", scripts("sqlite")[1]).split(";"):
            db.execute(statement)
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{end}", f"{copy}{end}")
    store = SqliteStore(copy)
    await check(store)
    await store.close()


@pytest.fixture
async def old_database(database: DatabaseLocation) -> str:
    """Make the tables as the first version did."""
    db: Any = await asyncpg.connect(database.dsn)
    try:
        await db.execute(scripts("postgres")[0])
        await db.execute("SET search_path = hourlyclicks")
        await db.execute("UPDATE properties SET value = convert_to('1', 'UTF8') WHERE name = 'version'")
        series = """INSERT INTO series (account_id, endpoint, target, target_sha256)
            VALUES (1, 'clicks-by-hour/v2', 'account', sha256(convert_to('account', 'UTF8')))"""
        for statement in rows(series, "generate_series(1, 12) AS s(value)"):
            await db.execute(statement)
    finally:
        await db.close()
    return database.dsn


async def test_an_old_database_is_brought_up_to_date_while_another_process_uses_it(old_database: str) -> None:
    """In location, with all its days; a statement that was planned before is planned again."""
    other: Any = await asyncpg.connect(old_database)
    try:
        query = "SELECT count(*) FROM hourlyclicks.days"
        assert await other.fetchval(query) == 2
        store = PostgresStore(old_database)
        await check(store)
        assert await other.fetchval(query) == 2
    finally:
        await other.close()
    await store.close()
