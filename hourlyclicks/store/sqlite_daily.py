"""The sums of days in a SQLite file: all statements about them, and the conversion of their rows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.dates import DateRange
from hourlyclicks.store.daily import ENDPOINT, state_of, to_write
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.sqlite_cells import as_written, text_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Reader

_SERIES = "SELECT id FROM series WHERE account_id = ? AND endpoint = ? AND target = ?"
_NEW_SERIES = "INSERT OR IGNORE INTO series (account_id, endpoint, target) VALUES (?, ?, ?)"
_READ = f"""SELECT date, state, fetched_at, clicks, unique_users FROM daily_sums
    WHERE series_id = ({_SERIES}) AND date BETWEEN ? AND ? ORDER BY date"""  # noqa: S608 - made of constants
_PUT = f"INSERT OR REPLACE INTO daily_sums VALUES (({_SERIES}), ?, ?, ?, ?, ?)"  # noqa: S608 - as above


def read(db: sqlite3.Connection, account: int, target: Target, days: DateRange) -> list[DailyClicks]:
    """Return the stored days of a range, in order."""
    where = account, ENDPOINT, str(target), str(days.start), str(days.end)
    return [_day(row) for row in db.execute(_READ, where)]


def put(
    db: sqlite3.Connection, account: int, target: Target, days: Sequence[DailyClicks], reader: Reader
) -> None:
    """Write answers, within a transaction; see `hourlyclicks.store.protocol.Store.put_daily`."""
    dates = [day.date for day in days]
    held = {day.date: day for day in read(db, account, target, DateRange(min(dates), max(dates)))}
    series = account, ENDPOINT, str(target)
    db.execute(_NEW_SERIES, series)
    db.executemany(
        _PUT,
        [
            (
                *series,
                str(day.date),
                state_of(day),
                text_of(day.fetched_at),
                day.clicks,
                day.unique_users,
            )
            for day in to_write(days, held, reader)
        ],
    )


def _day(row: tuple[Any, ...]) -> DailyClicks:
    date, state, fetched_at, clicks, users = row
    with as_written():
        if {type(clicks), type(users)} not in ({int}, {type(None)}):
            raise TypeError
        moment = dt.datetime.fromisoformat(fetched_at)
        return DailyClicks(
            dt.date.fromisoformat(date), clicks, users, moment, DayState(state) is DayState.FINAL
        )
