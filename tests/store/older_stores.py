"""Stores that an older version has made, with days in every state.

``older/`` has what version 2 wrote, as SQL: two targets with full, sparse, empty, provisional, failed,
rejected, doubted and revised days. What the first version wrote is made here.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from hourlyclicks.store.schema import scripts
from tests.model.strategies import FIRST
from tests.store.answers import day

if TYPE_CHECKING:
    from tests.store.locations import Location

FOLDER = Path(__file__).parent / "older"

ACCOUNT = "INSERT INTO accounts (fingerprint) VALUES ('me')"
DAY = """INSERT INTO days (series_id, date, state, hours, fetched_at, attempts, revision)
    VALUES (1, '{}', '{}', {}, '2024-03-10T12:00:00.000000Z', 2, {})"""
HOURS = "INSERT INTO hours SELECT 1, '2024-02-25', value - 1, {}, {} FROM {} WHERE value <= 12"
SEQUENCE = """(WITH RECURSIVE s(value) AS (
    SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < 12) SELECT * FROM s)"""

DAYS = """SELECT series_id, CAST(date AS TEXT), state, hours, CAST(fetched_at AS TEXT), attempts, revision,
    error, code, status, reason, CAST(doubted_at AS TEXT) FROM days ORDER BY series_id, date"""
HOURS_OF_DAYS = "SELECT series_id, CAST(date AS TEXT), hour, clicks, unique_users FROM hours ORDER BY 1, 2, 3"
CLICKS = """SELECT account_id, target, CAST(date AS TEXT), hour, clicks, unique_users, state FROM clicks
    ORDER BY 1, 2, 3, 4"""
REVISIONS = "SELECT * FROM revisions ORDER BY series_id, date, revision"


def rows(series: str, sequence: str) -> list[str]:
    """Return what the first version writes for a final day and one that was refused."""
    return [
        ACCOUNT,
        series,
        DAY.format(FIRST, "final", 12, 1),
        HOURS.format("CASE value WHEN 1 THEN 1 ELSE 0 END", "CASE value WHEN 1 THEN 1 ELSE 0 END", sequence),
        DAY.format(day(1), "refused", 0, 0),
    ]


def older_file(path: Path, version: int) -> None:
    """Make a file as an older version did."""
    with closing(sqlite3.connect(path)) as db:
        if version == 1:
            db.executescript(scripts("sqlite")[0])
            for statement in rows(
                "INSERT INTO series VALUES (1, 1, 'clicks-by-hour/v2', 'account')", SEQUENCE
            ):
                db.execute(statement)
        else:
            db.executescript((FOLDER / "sqlite-0002.sql").read_text("utf-8"))
        db.execute("PRAGMA application_id = 0x68634C6B")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()
        db.execute("PRAGMA journal_mode = WAL")


async def older_database(dsn: str, version: int) -> None:
    """Make the tables as an older version did."""
    db: Any = await asyncpg.connect(dsn)
    try:
        for script in scripts("postgres")[:version]:
            await db.execute(script)
        if version == 1:
            await db.execute("SET search_path = hourlyclicks")
            await db.execute("UPDATE properties SET value = convert_to('1', 'UTF8') WHERE name = 'version'")
            series = """INSERT INTO series (account_id, endpoint, target, target_sha256)
                VALUES (1, 'clicks-by-hour/v2', 'account', sha256(convert_to('account', 'UTF8')))"""
            for statement in rows(series, "generate_series(1, 12) AS s(value)"):
                await db.execute(statement)
        else:
            await db.execute((FOLDER / "postgres-0002.sql").read_text("utf-8"))
    finally:
        await db.close()


async def cells(location: Location, version: int) -> list[list[tuple[Any, ...]]]:
    """Return every cell of the tables that all versions have, as a tool of the database reads them."""
    days = DAYS.replace("CAST(doubted_at AS TEXT)", "NULL") if version == 1 else DAYS
    queries = [days, HOURS_OF_DAYS, CLICKS, *([REVISIONS] if version > 1 else [])]
    return [await location.sql(query) for query in queries]
