"""The days in a SQLite file: all statements about them, and the conversion of their rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from hourlyclicks.model.day import DayClicks
from hourlyclicks.store.conflicts import StoredDay, resolve_put
from hourlyclicks.store.ledger import (
    SETTLED,
    DayState,
    Failure,
    LedgerEntry,
    Revision,
    day_of,
    state_of,
)
from hourlyclicks.store.sqlite_cells import as_written, date_of, moment_of, text_of

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import Counts
    from hourlyclicks.store.freshness import Reader
    from hourlyclicks.store.ledger import PutResult

    Database: TypeAlias = sqlite3.Connection

_LARGEST = 2**63 - 1
"""The largest integer of SQLite."""

_DAYS = "FROM days WHERE series_id = ? AND date BETWEEN ? AND ?"
_ENTRY = "date, state, fetched_at, attempts, revision, error, code, status, reason, hours, doubted_at"
_ENTRIES = f"SELECT {_ENTRY} {_DAYS} ORDER BY date"
_PACING_AND_ENTRY = f"""SELECT pacing.state, {", ".join(f"days.{name}" for name in _ENTRY.split(", "))}
    FROM (SELECT ? AS account_id, ? AS series_id, ? AS date) AS step
    LEFT JOIN pacing ON pacing.account_id = step.account_id
    LEFT JOIN days ON days.series_id = step.series_id AND days.date = step.date"""  # noqa: S608 - as above
_READ = f"""SELECT date, state, fetched_at, hours, clicks, unique_users
    {_DAYS} AND revision > 0 ORDER BY date"""
_STORED = """SELECT revision, doubted_at, date, state, fetched_at, hours, clicks, unique_users FROM days
    WHERE series_id = ? AND date = ? AND revision > 0"""
_REVISIONS = """SELECT date, revision, state, fetched_at, clicks, unique_users FROM revisions
    WHERE series_id = ? AND date BETWEEN ? AND ? ORDER BY date, revision"""
_REVISE = "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT = """INSERT INTO days
        (series_id, date, endpoint, state, hours, fetched_at, attempts, revision, clicks, unique_users)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (series_id, date) DO UPDATE SET
        state = excluded.state, hours = excluded.hours, fetched_at = excluded.fetched_at,
        attempts = days.attempts + excluded.attempts, revision = excluded.revision,
        clicks = excluded.clicks, unique_users = excluded.unique_users, endpoint = excluded.endpoint,
        error = NULL, code = NULL, status = NULL, reason = NULL, doubted_at = NULL"""
_COUNT = "UPDATE days SET attempts = attempts + ? WHERE series_id = ? AND date = ?"
_DOUBT = """UPDATE days SET attempts = attempts + ?, state = 'provisional', doubted_at = ?,
        error = NULL, code = NULL, status = NULL, reason = NULL
    WHERE series_id = ? AND date = ?"""
_DOUBT_FIGURES = """UPDATE days SET state = 'provisional', doubted_at = fetched_at
    WHERE series_id = ? AND date = ? AND revision > 0 AND doubted_at IS NULL"""
_RECORD = """INSERT INTO days
        (series_id, date, state, hours, fetched_at, attempts, revision, error, code, status, reason)
    VALUES (?, ?, ?, 0, ?, ?, 0, ?, ?, ?, ?)
    ON CONFLICT (series_id, date) DO UPDATE SET
        state = CASE WHEN days.revision = 0 THEN excluded.state ELSE days.state END,
        fetched_at = CASE WHEN days.revision = 0 THEN excluded.fetched_at ELSE days.fetched_at END,
        attempts = days.attempts + excluded.attempts,
        error = excluded.error, code = excluded.code, status = excluded.status, reason = excluded.reason"""

_BEGUN = "SELECT 1 FROM days WHERE series_id = ? AND date <= ? LIMIT 1"


def entries(db: Database, series: int, days: DateRange) -> list[LedgerEntry]:
    """Return the ledger entries of a range."""
    return [_entry(row) for row in db.execute(_ENTRIES, _where(series, days))]


def pacing_and_entry(
    db: Database, account: int, series: int, day: dt.date
) -> tuple[str | None, LedgerEntry | None]:
    """Return the state of the shared limiter and the ledger entry of a day, in one query."""
    state, *row = db.execute(_PACING_AND_ENTRY, (account, series, str(day))).fetchone()
    return state, None if row[0] is None else _entry(tuple(row))


def read(db: Database, series: int, days: DateRange) -> list[DayClicks]:
    """Return the days that have figures."""
    return [_day(*row) for row in db.execute(_READ, _where(series, days))]


def revisions(db: Database, series: int, days: DateRange) -> list[Revision]:
    """Return the replaced figures of a range."""
    return [_revision(row) for row in db.execute(_REVISIONS, _where(series, days))]


def put(
    db: Database,
    series: int,
    day: DayClicks,
    requests: int,
    *,
    endpoint: str | None = None,
    reader: Reader | None,
    refresh: bool,
) -> PutResult:
    """Write an answer for one day; see `hourlyclicks.store.protocol.Store.put_days`."""
    date, held = str(day.date), _stored(db, series, day.date)
    kept = resolve_put(day, held, reader=reader, refresh=refresh)
    if kept.dropped:
        db.execute(_COUNT, (requests, series, date))
    elif kept.doubted_at is not None:
        db.execute(_DOUBT, (requests, text_of(kept.doubted_at), series, date))
    else:
        if held is not None and kept.revised:
            db.execute(_REVISE, (series, *_replaced(held)))
        hours = day.reported_hours
        counts = _arrays(day) if hours else (None, None)
        entry = (state_of(day), hours, text_of(day.fetched_at), requests, kept.revision)
        db.execute(_PUT, (series, date, endpoint, *entry, *counts))
    return kept


def doubt(db: Database, series: int, day: dt.date) -> bool:
    """Put the figures of a day in doubt; see `hourlyclicks.store.protocol.Store.doubt`."""
    return db.execute(_DOUBT_FIGURES, (series, str(day))).rowcount > 0


def record_failure(db: Database, series: int, entry: LedgerEntry) -> None:
    """Record that a day failed or was rejected."""
    if not entry.requested and db.execute(_BEGUN, (series, str(entry.date))).fetchone():
        return
    why = entry.reason or Failure("", "")
    values = (str(entry.date), entry.state, text_of(entry.asked_at), entry.attempts)
    db.execute(_RECORD, (series, *values, why.error, why.code, why.status, why.text))


def _where(series: int, days: DateRange) -> tuple[int, str, str]:
    return series, str(days.start), str(days.end)


def _stored(db: Database, series: int, date: dt.date) -> StoredDay | None:
    """Return the figures of a day, if it has any."""
    found = db.execute(_STORED, (series, str(date))).fetchone()
    if found is None:
        return None
    revision, doubted_at, *row = found
    day = _day(*row)
    with as_written():
        return StoredDay(day, revision, None if doubted_at is None else moment_of(doubted_at))


def _replaced(held: StoredDay) -> tuple[str, int, str, str, str, str]:
    """Return the columns of a revision."""
    day = held.day
    return str(day.date), held.revision, state_of(day), text_of(day.fetched_at), *_arrays(day)


def _arrays(day: DayClicks) -> tuple[str, str]:
    """Return the clicks and the unique users of a day as JSON arrays."""
    return _array(day.clicks), _array(day.unique_users)


def _array(counts: Counts) -> str:
    if any(count is not None and count > _LARGEST for count in counts):
        raise OverflowError  # in JSON, SQLite would store it as a rounded number
    return json.dumps(counts, separators=(",", ":"))


def _entry(row: tuple[Any, ...]) -> LedgerEntry:
    date, state, asked_at, attempts, revision, error, code, status, reason, hours, doubted_at = row
    why = Failure(error, reason, code, status) if error else None
    with as_written():
        asked, doubts = moment_of(asked_at), None if doubted_at is None else moment_of(doubted_at)
        return LedgerEntry(date_of(date), DayState(state), asked, attempts, revision, why, hours, doubts)


def _day(
    date: str, state: str, fetched_at: str, hours: int, clicks: str | None, users: str | None
) -> DayClicks:
    with as_written():
        arrays = [None if text is None else json.loads(text) for text in (clicks, users)]
        final = state in SETTLED
        return day_of(date_of(date), *arrays, hours=hours, fetched_at=moment_of(fetched_at), final=final)


def _revision(row: tuple[Any, ...]) -> Revision:
    date, number, state, fetched_at, *counts = row
    with as_written():
        clicks, users = [tuple(json.loads(text)) for text in counts]
        return Revision(
            number, DayClicks(date_of(date), clicks, users, moment_of(fetched_at), state in SETTLED)
        )
