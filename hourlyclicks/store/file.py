"""A SQLite file with days in it, used from one thread; `hourlyclicks.store.sqlite` is the way in.

Durability. The file is in WAL mode with ``synchronous=FULL``: what was committed is on the disk before the
commit returns, and a crash at any instant leaves the last committed state. Each change is one transaction,
begun with ``BEGIN IMMEDIATE`` so that two processes never wait for each other in a circle.

The clock everybody shares is the machine's monotonic one. A SQLite file in WAL mode can only be used from
one machine, and there that clock is the same for all processes and never jumps.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks.errors import StoreError
from hourlyclicks.store.connect import open_to_write, transaction
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
from hourlyclicks.store.looking import Look
from hourlyclicks.store.words import is_busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import Kept
    from hourlyclicks.store.protocol import Change

R = TypeVar("R")

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
        timeout: the seconds to wait for another program's lock, at each statement.
        read_only: whether the file is neither made nor changed.
    """

    def __init__(
        self, path: Path, *, now: Callable[[], int], timeout: float, read_only: bool = False
    ) -> None:
        self._now = now
        self._files = Look(path, timeout) if read_only else open_to_write(path, timeout)
        self._db = self._files.ready()

    def close(self) -> None:
        """Close the file."""
        self._files.close()

    def do(self, work: Callable[[SqliteFile], R]) -> R:
        """Do a piece of work, which counts only if the file is the one that was opened, before and after.

        Args:
            work: does it, in one transaction.
        """
        while True:
            self._db = self._files.ready()
            try:
                result = work(self)
            except sqlite3.DatabaseError as error:
                if is_busy(error) or self._files.holds():
                    raise
            else:
                if self._files.holds():
                    return result

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

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with transaction(self._db):
            self._files.within_transaction()
            yield

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
