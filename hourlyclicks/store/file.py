"""A SQLite file with days in it, used from one thread; `hourlyclicks.store.sqlite` is the way in.

Durability. The file is in WAL mode with ``synchronous=FULL``: what was committed is on the disk before the
commit returns, and a crash at any instant leaves the last committed state. Each change is one transaction,
begun with ``BEGIN IMMEDIATE`` so that two processes never wait for each other in a circle.

The clock everybody shares is the machine's monotonic one. A SQLite file in WAL mode can only be used from
one machine, and there that clock is the same for all processes and never jumps.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks import forks
from hourlyclicks.errors import StoreError
from hourlyclicks.store.ledger import (
    ENDPOINT,
    SETTLED,
    DayState,
    Mark,
    Reason,
    day_of,
    rows_of,
    state_of,
    target_of,
    weigh,
)
from hourlyclicks.store.schema import newer, scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import Kept
    from hourlyclicks.store.protocol import Change

R = TypeVar("R")

_APPLICATION = 0x68634C6B
"""Marks the header of the file, so that nobody takes it for another program's."""

_PAUSE = 0.01
"""Seconds between two tries of what SQLite itself does not wait for."""

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_NOTADB: "it is damaged, or something else than a store",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_BUSY: "another program keeps it locked",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked",
    sqlite3.SQLITE_IOERR: "the disk fails",
}

_DAYS = "FROM days WHERE series_id = ? AND date BETWEEN ? AND ?"
_MARKS = (
    f"SELECT date, state, fetched_at, attempts, revision, error, code, status, reason {_DAYS} ORDER BY date"
)
_TALLY = f"SELECT state, count(*) {_DAYS} GROUP BY state"
_READ = f"""SELECT date, state, fetched_at, hours, (
        SELECT group_concat(hour || ' ' || clicks || ' ' || unique_users, ' ') FROM (
            SELECT hour, clicks, unique_users FROM hours
            WHERE hours.series_id = days.series_id AND hours.date = days.date ORDER BY hour))
    {_DAYS} AND revision > 0 ORDER BY date"""  # noqa: S608 - made of constants
_KEEP = """INSERT INTO days (series_id, date, state, hours, fetched_at, attempts, revision)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (series_id, date) DO UPDATE SET
        state = excluded.state, hours = excluded.hours, fetched_at = excluded.fetched_at,
        attempts = days.attempts + excluded.attempts, revision = excluded.revision,
        error = NULL, code = NULL, status = NULL, reason = NULL"""
_NOTE = """INSERT INTO days
        (series_id, date, state, hours, fetched_at, attempts, revision, error, code, status, reason)
    VALUES (?, ?, ?, 0, ?, ?, 0, ?, ?, ?, ?)
    ON CONFLICT (series_id, date) DO UPDATE SET
        state = CASE WHEN days.revision = 0 THEN excluded.state ELSE days.state END,
        fetched_at = CASE WHEN days.revision = 0 THEN excluded.fetched_at ELSE days.fetched_at END,
        attempts = days.attempts + excluded.attempts,
        error = excluded.error, code = excluded.code, status = excluded.status, reason = excluded.reason"""


class SqliteFile:
    """The tables in a file, and every statement that works on them.

    Args:
        path: the file; made if need be, readable by its owner only.
        now: returns nanoseconds of the clock that everybody shares.
        patience: the seconds to wait for another program that writes to the file.
    """

    def __init__(self, path: Path, *, now: Callable[[], int], patience: float) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._now = now
        forks.hold(self)
        self._db = sqlite3.connect(path, timeout=patience, isolation_level=None)
        try:
            self._prepare(patience)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def salt(self) -> bytes:
        """Return what fingerprints are keyed with."""
        return bytes(self._one("SELECT value FROM properties WHERE name = 'salt'"))

    def account(self, fingerprint: str) -> int:
        """Return the number of an account."""
        find = "SELECT id FROM accounts WHERE fingerprint = ?"
        if self._one(find, fingerprint) is None:
            with self._transaction():
                self._db.execute("INSERT OR IGNORE INTO accounts (fingerprint) VALUES (?)", (fingerprint,))
        return int(self._one(find, fingerprint))

    def accounts(self) -> dict[str, int]:
        """Return the numbers of the accounts."""
        return dict(self._db.execute("SELECT fingerprint, id FROM accounts ORDER BY id"))

    def targets(self, account: int, *, failing: bool) -> list[Target]:
        """Return the targets of which there are marks."""
        query = "SELECT target FROM series WHERE account_id = ? AND endpoint = ?"
        if failing:
            query += " AND EXISTS (SELECT 1 FROM days WHERE series_id = series.id AND state = 'failed')"
        return [target_of(text) for (text,) in self._db.execute(query + " ORDER BY id", (account, ENDPOINT))]

    def marks(self, account: int, target: Target, days: DateRange) -> list[Mark]:
        """Return what is known of each day."""
        return [_mark(row) for row in self._about(_MARKS, account, target, days.start, days.end)]

    def tally(self, account: int, target: Target, days: DateRange) -> Counter[DayState]:
        """Count the days in each state."""
        rows = self._about(_TALLY, account, target, days.start, days.end)
        return Counter({DayState(state): number for state, number in rows})

    def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """Return the days that have figures."""
        return [_day(*row) for row in self._about(_READ, account, target, days.start, days.end)]

    def keep(self, account: int, target: Target, day: DayClicks, *, requests: int) -> Kept:
        """Keep an answer."""
        date = str(day.date)
        with self._transaction():
            series = self._new_series(account, target)
            kept = self._weigh(series, day)
            if kept.dropped:
                more = "UPDATE days SET attempts = attempts + ? WHERE series_id = ? AND date = ?"
                self._db.execute(more, (requests, series, date))
                return kept
            rows = [(series, date, *row) for row in rows_of(day)]
            self._db.execute("DELETE FROM hours WHERE series_id = ? AND date = ?", (series, date))
            self._db.executemany("INSERT INTO hours VALUES (?, ?, ?, ?, ?)", rows)
            mark = (state_of(day), len(rows), _text(day.fetched_at), requests, kept.revision)
            self._db.execute(_KEEP, (series, date, *mark))
        return kept

    def note(self, account: int, target: Target, mark: Mark) -> None:
        """Note that a day failed or was refused."""
        why = mark.reason or Reason("", "")
        values = (str(mark.date), mark.state, _text(mark.asked_at), mark.attempts)
        with self._transaction():
            series = self._new_series(account, target)
            self._db.execute(_NOTE, (series, *values, why.error, why.code, why.status, why.text))

    def pace(self, account: int, change: Change[R], of: tuple[Target, dt.date] | None) -> tuple[R, int]:
        """Take a step of the shared pacing."""
        with self._transaction():
            kept = self._one("SELECT state FROM pacing WHERE account_id = ?", account)
            mark = None if of is None else self._mark_of(account, *of)
            now = self._now()
            text, result = change(kept, now, mark)
            if text is not None:
                self._db.execute("INSERT OR REPLACE INTO pacing VALUES (?, ?)", (account, text))
        return result, now

    # -- inside -----------------------------------------------------------------------------------------

    def _prepare(self, patience: float) -> None:
        """Bring the tables up to date, or refuse the file."""
        known = scripts("sqlite")
        tables = self._one("SELECT count(*) FROM sqlite_schema")  # asked first: both appear at one moment
        if tables and self._one("PRAGMA application_id") != _APPLICATION:
            raise StoreError("it is a SQLite file of another program")
        outdated = self._version(len(known)) < len(known)
        self._log_ahead(patience)
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        if outdated:
            with self._transaction():
                for script in known[self._version(len(known)) :]:
                    for statement in _statements(script):
                        self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
                self._db.execute(f"PRAGMA user_version = {len(known)}")

    def _log_ahead(self, patience: float) -> None:
        """Turn WAL on; when two processes do so at once, SQLite fails at once in one instead of waiting."""
        until = time.monotonic() + patience
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
                time.sleep(_PAUSE)
            else:
                return

    def _version(self, known: int) -> int:
        version = int(self._one("PRAGMA user_version"))
        if version > known:
            raise StoreError(newer(version, known))
        return version

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _one(self, query: str, *values: object) -> Any:  # noqa: ANN401 - of whatever type the cell is
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]

    def _about(self, query: str, account: int, target: Target, start: dt.date, end: dt.date) -> list[Any]:
        """Run a query about some days of a target."""
        series = self._series(account, target)
        return [] if series is None else self._db.execute(query, (series, str(start), str(end))).fetchall()

    def _series(self, account: int, target: Target) -> int | None:
        find = "SELECT id FROM series WHERE account_id = ? AND endpoint = ? AND target = ?"
        found: int | None = self._one(find, account, ENDPOINT, str(target))
        return found

    def _new_series(self, account: int, target: Target) -> int:
        """Return the number of a series, which is new if need be."""
        found = self._series(account, target)
        if found is not None:
            return found
        insert = "INSERT INTO series (account_id, endpoint, target) VALUES (?, ?, ?)"
        return self._db.execute(insert, (account, ENDPOINT, str(target))).lastrowid or 0

    def _weigh(self, series: int, day: DayClicks) -> Kept:
        date = str(day.date)
        revision = self._one("SELECT revision FROM days WHERE series_id = ? AND date = ?", series, date)
        held = _day(*self._db.execute(_READ, (series, date, date)).fetchone()) if revision else None
        return weigh(day, held, revision or 0)

    def _mark_of(self, account: int, target: Target, day: dt.date) -> Mark | None:
        found = self._about(_MARKS, account, target, day, day)
        return _mark(found[0]) if found else None


def in_words(error: Exception) -> str:
    """Say what is wrong with a file."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, OverflowError | UnicodeEncodeError):
        return "it cannot hold a number of more than 64 bits, or half a character"
    return _WORDS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF) or str(error)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _mark(row: tuple[Any, ...]) -> Mark:
    date, state, asked_at, attempts, revision, error, code, status, reason = row
    why = Reason(error, reason, code, status) if error else None
    with _as_written():
        return Mark(_date(date), DayState(state), _moment(asked_at), attempts, revision, why)


def _day(date: str, state: str, fetched_at: str, hours: int, rows: str | None) -> DayClicks:
    with _as_written():
        flat = [int(word) for word in rows.split()] if rows else []
        return day_of(_date(date), flat, hours, _moment(fetched_at), final=state in SETTLED)


_date, _moment = dt.date.fromisoformat, dt.datetime.fromisoformat


@contextmanager
def _as_written() -> Iterator[None]:
    """Read what only `SqliteFile` writes; the columns of a file take anything else, too."""
    try:
        yield
    except (TypeError, ValueError):
        raise StoreError("it holds a day that cannot be read: somebody else has changed it") from None
