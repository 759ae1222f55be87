"""The days in a PostgreSQL database: all statements about them, and the conversion of their rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from hourlyclicks.errors import StoreError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.store.conflicts import resolve_put
from hourlyclicks.store.ledger import (
    COMPLETE,
    NAMES,
    SETTLED,
    DayState,
    Failure,
    LedgerEntry,
    Revision,
    day_of,
    state_of,
)
from hourlyclicks.store.schema import PACKED, unpacked_days
from hourlyclicks.store.target_summary import CERTAIN, REQUESTED, SummaryBuilder

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import asyncpg

    from hourlyclicks.model.day import Counts
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.conflicts import StoredDay
    from hourlyclicks.store.freshness import Freshness, Reader
    from hourlyclicks.store.ledger import PutResult
    from hourlyclicks.store.target_summary import TargetSummary

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

SERIES = """SELECT id FROM hourlyclicks.series
    WHERE account_id = $1 AND endpoint = ANY ($2::text[]) AND target_sha256 = $3"""
"""Finds a series by its `name_of`."""
_COUNTS = "clicks, unique_users, large_clicks, large_unique_users"
_LARGEST = 2**31 - 1
"""The largest count of an ``integer``."""
_SEVERAL = """SELECT id, target_sha256 FROM hourlyclicks.series
    WHERE account_id = $1 AND endpoint = ANY ($2::text[]) AND target_sha256 = ANY ($3::bytea[])"""
_ENTRY = "date, state, fetched_at, attempts, revision, error, code, status, reason, hours, doubted_at"

LINES = "SELECT * FROM hourlyclicks.days WHERE series_id = $1 AND date = ANY ($2::date[])"
"""The ledger entries and the figures of some days."""

_PUT = f"""INSERT INTO hourlyclicks.days AS days
        (series_id, date, endpoint, state, hours, fetched_at, attempts, revision, {_COUNTS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (series_id, date) DO UPDATE SET
        state = excluded.state, hours = excluded.hours, fetched_at = excluded.fetched_at,
        attempts = days.attempts + excluded.attempts, revision = excluded.revision,
        endpoint = excluded.endpoint,
        {", ".join(f"{name} = excluded.{name}" for name in _COUNTS.split(", "))},
        error = NULL, code = NULL, status = NULL, reason = NULL, doubted_at = NULL
    RETURNING days.*"""  # noqa: S608 - made of constants
_REVISE = "INSERT INTO hourlyclicks.revisions VALUES ($1, $2, $3, $4, $5, $6, $7)"
_DOUBT = """UPDATE hourlyclicks.days AS days SET attempts = attempts + $3, state = 'provisional',
        doubted_at = $4, error = NULL, code = NULL, status = NULL, reason = NULL
    WHERE series_id = $1 AND date = $2 RETURNING days.*"""
_COUNT = """UPDATE hourlyclicks.days AS days SET attempts = attempts + $3 WHERE series_id = $1 AND date = $2
    RETURNING days.*"""
_BEGUN = "SELECT EXISTS (SELECT FROM hourlyclicks.days WHERE series_id = $1 AND date <= $2)"
_RECORD = """INSERT INTO hourlyclicks.days AS days
        (series_id, date, state, hours, fetched_at, attempts, revision, error, code, status, reason)
    VALUES ($1, $2, $3, 0, $4, $5, 0, $6, $7, $8, $9)
    ON CONFLICT (series_id, date) DO UPDATE SET
        state = CASE WHEN days.revision = 0 THEN excluded.state ELSE days.state END,
        fetched_at = CASE WHEN days.revision = 0 THEN excluded.fetched_at ELSE days.fetched_at END,
        attempts = days.attempts + excluded.attempts,
        error = excluded.error, code = excluded.code, status = excluded.status, reason = excluded.reason
    RETURNING days.*"""


class StoredDays:
    """The queries that read days.

    Args:
        days: the table or query that has the days.
        revisions: the one that has the replaced figures; empty: there are none yet.
    """

    def __init__(self, days: str = "hourlyclicks.days", revisions: str = "hourlyclicks.revisions") -> None:
        where = f"WHERE series_id = ({SERIES}) AND date BETWEEN $4 AND $5"
        of_range = f"FROM {days} {where}"
        self._entries = f"SELECT {_ENTRY} {of_range} ORDER BY date"
        self._known_range = (
            f"SELECT min(date) AS first, max(date) AS last FROM {days} WHERE series_id = ({SERIES})"  # noqa: S608 - of constants
        )
        self._states = f"SELECT state, count(*) {of_range} AND {REQUESTED} GROUP BY state"
        self._failures = f"""SELECT error, min(reason) AS reason, code, status, count(*) FROM {days}
            WHERE series_id IN (SELECT id FROM ({_SEVERAL}) AS several) AND date BETWEEN $4 AND $5
                AND state = 'failed' AND error IS NOT NULL AND {REQUESTED}
            GROUP BY error, code, status"""  # noqa: S608 - of constants
        self._known = f"""SELECT min(first) AS first, max(last) AS last
            FROM unnest($1::bigint[]) AS wanted (id),
                LATERAL (SELECT min(date) AS first, max(date) AS last FROM {days}
                    WHERE series_id = wanted.id) AS known
        """  # noqa: S608 - of constants
        self._summary = _summary_of(days)
        self._read = f"""SELECT date, state, hours, fetched_at, {_COUNTS}
            {of_range} AND revision > 0 ORDER BY date"""
        self._revisions = revisions and (
            "SELECT date, revision, state, fetched_at, clicks, unique_users"  # noqa: S608 - of constants
            f" FROM {revisions} {where} ORDER BY date, revision"
        )

    async def entries(self, db: Connection, of: int, target: Target, days: DateRange) -> list[LedgerEntry]:
        """Return what is known of each day."""
        return [_entry(row) for row in await db.fetch(self._entries, *_where(of, target, days))]

    async def known_range(self, db: Connection, of: int, target: Target) -> DateRange | None:
        """Return the days from the first with a ledger entry to the last."""
        row = await db.fetchrow(self._known_range, *name_of(of, target))
        return None if row is None or row["first"] is None else DateRange(row["first"], row["last"])

    async def count_by_state(
        self, db: Connection, of: int, target: Target, days: DateRange, reader: Reader | None
    ) -> Counter[DayState]:
        """Count the days in each state, as a reader sees them or as they are stored."""
        if reader is None:
            rows = await db.fetch(self._states, *_where(of, target, days))
            return Counter({DayState(row["state"]): row["count"] for row in rows})
        [found] = await self.summarize(db, of, [target], days, freshness=reader.freshness, now=reader.now)
        return found.states

    async def count_failures(
        self, db: Connection, of: int, targets: Sequence[Target], days: DateRange
    ) -> list[tuple[Failure, int]]:
        """Return why days failed, and how many for each kind of reason."""
        names = [name_of(of, target)[-1] for target in targets]
        rows = await db.fetch(self._failures, of, NAMES, names, days.start, days.end)
        return [
            (Failure(row["error"], row["reason"], row["code"], row["status"]), row["count"]) for row in rows
        ]

    async def summarize(
        self,
        db: Connection,
        of: int,
        targets: Sequence[Target],
        days: DateRange | None,
        *,
        freshness: Freshness,
        now: dt.datetime,
    ) -> list[TargetSummary]:
        """Return the summaries of targets."""
        names = [name_of(of, target)[-1] for target in targets]
        found = await db.fetch(_SEVERAL, of, NAMES, names)
        numbers = {row["target_sha256"]: row["id"] for row in found}
        series = list(numbers.values())
        builder = SummaryBuilder(freshness, now)
        span = days or await self._known_range_of(db, series)
        if span is not None and series:
            reader = freshness.reader(now)
            limits = reader.latest, reader.certain_after(span), list(freshness.uncertain_states)
            for row in await db.fetch(self._summary, series, span.start, span.end, *limits):
                _add(builder, row)
        return [
            builder.build(target, numbers.get(name), days)
            for target, name in zip(targets, names, strict=True)
        ]

    async def _known_range_of(self, db: Connection, series: Sequence[int]) -> DateRange | None:
        """Return the days from the first with a ledger entry to the last, of several series together."""
        row = await db.fetchrow(self._known, series)
        return None if row is None or row["first"] is None else DateRange(row["first"], row["last"])

    async def read(self, db: Connection, of: int, target: Target, days: DateRange) -> list[DayClicks]:
        """Return the days that have figures."""
        return [day_in(row) for row in await db.fetch(self._read, *_where(of, target, days))]

    async def revisions(self, db: Connection, of: int, target: Target, days: DateRange) -> list[Revision]:
        """Return the replaced figures of a range."""
        if not self._revisions:
            return []
        return [_revision(row) for row in await db.fetch(self._revisions, *_where(of, target, days))]


def _summary_of(days: str) -> str:
    """Return the query for summaries: numbers of certain days, and each other day as a group of its own.

    See `hourlyclicks.store.sqlite_counts`, which scans the days twice; here one scan takes half as long.

    Args:
        days: the table or query that has the days.
    """
    of_range = f"FROM {days} WHERE series_id = ANY ($1::bigint[]) AND date BETWEEN $2 AND $3"
    uncertain = """(state = ANY ($6::text[]) OR state <> 'failed' AND (fetched_at > $4
        OR fetched_at < (date + $5::interval) AT TIME ZONE 'UTC'))"""
    numbers = ", ".join(
        f"count(*) FILTER (WHERE state = '{state}' AND {REQUESTED}) AS {state}" for state in CERTAIN
    )
    complete = ", ".join(f"'{state}'" for state in sorted(COMPLETE))
    return f"""
        SELECT series_id, uncertain_date, {numbers}, min(date) AS first, max(date) AS last,
            max(date) FILTER (WHERE state IN ({complete})) AS newest, min(state) AS state,
            min(fetched_at) AS fetched_at, min(hours) AS hours, min(doubted_at) AS doubted_at
        FROM (SELECT *, CASE WHEN {uncertain} THEN date END AS uncertain_date {of_range}) AS day
        GROUP BY series_id, uncertain_date"""  # noqa: S608 - of constants


def _add(builder: SummaryBuilder, row: asyncpg.Record) -> None:
    """Add a row of a summary."""
    if row["uncertain_date"] is None:
        numbers = [row[state.value] for state in CERTAIN]
        known = row["first"], row["last"]
        builder.add_certain(row["series_id"], numbers, known=known, newest_complete=row["newest"])
    else:
        state, doubts = DayState(row["state"]), row["doubted_at"]
        entry = LedgerEntry(
            row["uncertain_date"], state, row["fetched_at"], 0, hours=row["hours"], doubted_at=doubts
        )
        builder.add_entry(row["series_id"], entry)


PACKED_DAYS = StoredDays()


@cache
def stored_days(version: int) -> StoredDays:
    """Return the queries for the tables of a version."""
    if version >= PACKED:
        return PACKED_DAYS
    days = f"({unpacked_days('postgres')}) AS days"
    if version == 1:
        return StoredDays(days.replace("doubted_at", "NULL::timestamptz AS doubted_at"), "")
    return StoredDays(days)


async def put(
    db: Connection,
    series: int,
    held: StoredDay | None,
    day: DayClicks,
    requests: int,
    *,
    endpoint: str | None,
    reader: Reader | None,
    refresh: bool,
) -> tuple[asyncpg.Record, PutResult]:
    """Write an answer for one day.

    Args:
        db: within a transaction.
        series: the number of the series.
        held: the stored figures of the day, if any.
        day: the answer.
        requests: the number of requests that it took.
        endpoint: see `hourlyclicks.store.protocol.Store.put_days`.
        reader: likewise.
        refresh: likewise.

    Returns:
        The row after the change, and the result.
    """
    kept = resolve_put(day, held, reader=reader, refresh=refresh)
    if kept.dropped:
        return await _left(db, _COUNT, series, day.date, requests), kept
    if kept.doubted_at is not None:
        return await _left(db, _DOUBT, series, day.date, requests, kept.doubted_at), kept
    if held is not None and kept.revised:
        await db.execute(_REVISE, series, day.date, held.revision, *_replaced(held.day))
    entry = (state_of(day), day.reported_hours, day.fetched_at, requests, kept.revision)
    return await _left(db, _PUT, series, day.date, endpoint, *entry, *_counts(day)), kept


async def doubt(db: Connection, series: int, line: asyncpg.Record) -> asyncpg.Record:
    """Put the figures of a row in doubt, and return the row after the change."""
    return await _left(db, _DOUBT, series, line["date"], 0, line["fetched_at"])


async def is_begun(db: Connection, series: int, day: dt.date) -> bool:
    """Return whether a day or an earlier one is known."""
    return bool(await db.fetchval(_BEGUN, series, day))


async def record_failure(db: Connection, series: int, entry: LedgerEntry) -> asyncpg.Record:
    """Record that a day failed or was rejected, and return the row after the change."""
    why = entry.reason or Failure("", "")
    text = why.text.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode()
    values = (entry.date, entry.state, entry.asked_at, entry.attempts, why.error, why.code, why.status, text)
    return await _left(db, _RECORD, series, *values)


async def _left(db: Connection, change: str, *values: object) -> asyncpg.Record:
    """Change the row of a day, and return it."""
    line = await db.fetchrow(change, *values)
    if line is None:
        raise StoreError("a day has vanished: another program has changed it; restore a backup")
    return line


def name_of(of: int, target: Target, endpoints: Sequence[str] = NAMES) -> tuple[int, Sequence[str], bytes]:
    """Return the key of a series; `endpoints`: what its endpoint is called in some version of the tables."""
    return of, endpoints, hashlib.sha256(str(target).encode()).digest()


def _where(of: int, target: Target, days: DateRange) -> tuple[object, ...]:
    return *name_of(of, target), days.start, days.end


def _entry(row: asyncpg.Record) -> LedgerEntry:
    why = Failure(row["error"], row["reason"], row["code"], row["status"]) if row["error"] else None
    return LedgerEntry(
        row["date"],
        DayState(row["state"]),
        row["fetched_at"],
        row["attempts"],
        row["revision"],
        why,
        row["hours"],
        row["doubted_at"],
    )


def _counts(day: DayClicks) -> tuple[Counts | None, Counts | None, Counts | None, Counts | None]:
    """Return the columns with the counts of a day, of which each is twice there: in 32 bits and in 64."""
    if not day.reported_hours:
        return None, None, None, None
    if max(count or 0 for count in chain(day.clicks, day.unique_users)) <= _LARGEST:
        return day.clicks, day.unique_users, None, None
    return None, None, day.clicks, day.unique_users


def day_in(row: asyncpg.Record) -> DayClicks:
    """Make a day of its row."""
    return day_of(
        row["date"],
        row["large_clicks"] or row["clicks"],
        row["large_unique_users"] or row["unique_users"],
        hours=row["hours"],
        fetched_at=row["fetched_at"],
        final=row["state"] in SETTLED,
    )


def _replaced(day: DayClicks) -> tuple[DayState, dt.datetime, tuple[int | None, ...], tuple[int | None, ...]]:
    """Return the columns of a revision."""
    return state_of(day), day.fetched_at, day.clicks, day.unique_users


def _revision(row: asyncpg.Record) -> Revision:
    final = row["state"] in SETTLED
    counts = tuple(row["clicks"]), tuple(row["unique_users"])
    return Revision(row["revision"], DayClicks(row["date"], *counts, row["fetched_at"], final))
