"""Counting the days in a SQLite file: how many are in each state, of one target or of many.

Counting by the stored state is quick, but the state that a reader computes may differ from it. So a query
divides the days by limits: those between them have the stored state for this reader, and are counted. The
others are returned one by one; see `hourlyclicks.store.target_summary`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from hourlyclicks.model.dates import DateRange
from hourlyclicks.store.ledger import COMPLETE, DayState, Failure, LedgerEntry
from hourlyclicks.store.sqlite_cells import as_written, date_of, first_text, last_text, moment_of
from hourlyclicks.store.target_summary import CERTAIN, REQUESTED, SummaryBuilder

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from hourlyclicks.store.freshness import Freshness

    Database: TypeAlias = sqlite3.Connection

_SECOND = dt.timedelta(seconds=1)
_SERIES = "(SELECT value FROM json_each(:series))"

_KNOWN_RANGE = """SELECT min(first), max(last) FROM (
    SELECT (SELECT min(date) FROM days WHERE series_id = value) AS first,
        (SELECT max(date) FROM days WHERE series_id = value) AS last
    FROM json_each(?))"""  # each is found at an end of the key
_COUNT_STATES = f"""SELECT state, count(*) FROM days WHERE series_id = ? AND date BETWEEN ? AND ?
    AND {REQUESTED} GROUP BY state"""  # noqa: S608 - made of constants


_COUNT_FAILURES = f"""SELECT error, min(reason), code, status, count(*) FROM days
    WHERE series_id IN (SELECT value FROM json_each(?)) AND date BETWEEN ? AND ?
        AND state = 'failed' AND error IS NOT NULL AND {REQUESTED}
    GROUP BY error, code, status"""  # noqa: S608 - made of constants


def count_by_state(db: Database, series: int, days: DateRange) -> Counter[DayState]:
    """Count the days in each state, as it is stored."""
    rows = db.execute(_COUNT_STATES, (series, str(days.start), str(days.end)))
    return Counter({DayState(state): number for state, number in rows})


def count_failures(db: Database, series: Collection[int], days: DateRange) -> list[tuple[Failure, int]]:
    """Return why days of several series failed, and how many for each kind of reason."""
    rows = db.execute(_COUNT_FAILURES, (json.dumps(list(series)), str(days.start), str(days.end)))
    return [(Failure(error, reason, code, status), number) for error, reason, code, status, number in rows]


def known_range(db: Database, series: Collection[int]) -> DateRange | None:
    """Return the days from the first with a ledger entry to the last, of several series together."""
    first, last = db.execute(_KNOWN_RANGE, (json.dumps(list(series)),)).fetchone()
    with as_written():
        return None if first is None else DateRange(date_of(first), date_of(last))


def summarize(
    db: Database, series: Collection[int], days: DateRange | None, *, freshness: Freshness, now: dt.datetime
) -> SummaryBuilder:
    """Count the days of several series.

    Args:
        db: the connection.
        series: their numbers.
        days: the range; ``None``: all days.
        freshness: which stored days would be requested again.
        now: the present moment.
    """
    builder = SummaryBuilder(freshness, now)
    span = days or known_range(db, series)
    if span is None or not series:
        return builder
    reader = freshness.reader(now)
    after = max(dt.timedelta(0), reader.certain_after(span))
    seconds = -(-after // _SECOND)
    whole_days, rest = divmod(seconds, 24 * 60 * 60)
    values = {
        "series": json.dumps(list(series)),
        "first": str(span.start),
        "last": str(span.end),
        "latest": last_text(reader.latest),
        "early": first_text(_begin(span.end, seconds * _SECOND)),
        "shift": f"+{whole_days} days",
        "time": f"T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}",
    }
    query = _summary_of(freshness.uncertain_states, shifted=whole_days > 0)
    with as_written():
        _add(builder, db.execute(query, values))
    return builder


@cache
def _summary_of(uncertain_states: frozenset[DayState], *, shifted: bool) -> str:
    """Return the query for summaries.

    A day is certain if its figures were requested between two limits: not later than any correct clock shows,
    and not before all days of the range are final. Only the second depends on the day; it is computed in the
    way that costs least.

    Args:
        uncertain_states: states in which no day is certain.
        shifted: whether the second limit is more than a day after the day's beginning in UTC.
    """
    limit = "coalesce(date(date, :shift), 'never')" if shifted else "date"
    uncertain = f"""(state IN ({_quoted(uncertain_states)}) OR state <> 'failed' AND (fetched_at > :latest
        OR fetched_at < :early AND fetched_at < {limit} || :time))"""
    numbers = ", ".join(f"count(*) FILTER (WHERE state = '{state}' AND {REQUESTED})" for state in CERTAIN)
    known = "FROM days AS known WHERE known.series_id = days.series_id AND date BETWEEN :first AND :last"
    days = f"FROM days WHERE series_id IN {_SERIES} AND date BETWEEN :first AND :last"
    return f"""SELECT series_id, {numbers}, (SELECT min(date) {known}), (SELECT max(date) {known}),
            (SELECT date {known} AND state IN ({_quoted(COMPLETE)}) AND NOT {uncertain}
                ORDER BY date DESC LIMIT 1),
            NULL, NULL, NULL, NULL, NULL
        {days} AND NOT {uncertain} GROUP BY series_id
        UNION ALL
        SELECT series_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, date, state, fetched_at, hours, doubted_at
        {days} AND {uncertain}"""


def _add(builder: SummaryBuilder, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add the rows of a summary."""
    for series, *row in rows:
        *numbers, first, last, newest, date, state, fetched_at, hours, doubted_at = row
        if date is None:
            known = date_of(first), date_of(last)
            newest_complete = None if newest is None else date_of(newest)
            builder.add_certain(series, numbers, known=known, newest_complete=newest_complete)
        else:
            doubts = None if doubted_at is None else moment_of(doubted_at)
            entry = LedgerEntry(
                date_of(date), DayState(state), moment_of(fetched_at), 0, hours=hours, doubted_at=doubts
            )
            builder.add_entry(series, entry)


def _quoted(states: Collection[DayState]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


def _begin(day: dt.date, later: dt.timedelta) -> dt.datetime:
    """Return the beginning of a day in UTC, and so much later; at most the last moment there is."""
    try:
        return dt.datetime.combine(day, dt.time(), dt.UTC) + later
    except OverflowError:
        return dt.datetime.max.replace(tzinfo=dt.UTC)
