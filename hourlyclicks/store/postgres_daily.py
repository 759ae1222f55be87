"""The sums of days in a PostgreSQL database: all statements about them, and the conversion of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.dates import DateRange
from hourlyclicks.store.daily import ENDPOINT, state_of, to_write
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.postgres_database import hold_series
from hourlyclicks.store.postgres_days import SERIES, name_of
from hourlyclicks.store.schema import DAILY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeAlias

    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Reader
    from hourlyclicks.store.postgres_days import Connection

    ReadSums: TypeAlias = Callable[[Connection, int, Target, DateRange], Awaitable[list[DailyClicks]]]

_READ = f"""SELECT date, state, fetched_at, clicks, unique_users FROM hourlyclicks.daily_sums
    WHERE series_id = ({SERIES}) AND date BETWEEN $4 AND $5 ORDER BY date"""  # noqa: S608 - made of constants
_PUT = """INSERT INTO hourlyclicks.daily_sums VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (series_id, date) DO UPDATE SET state = excluded.state, fetched_at = excluded.fetched_at,
        clicks = excluded.clicks, unique_users = excluded.unique_users"""


async def read(db: Connection, of: int, target: Target, days: DateRange) -> list[DailyClicks]:
    """Return the stored days of a range, in order."""
    rows = await db.fetch(_READ, *name_of(of, target, (ENDPOINT,)), days.start, days.end)
    return [
        DailyClicks(
            row["date"],
            row["clicks"],
            row["unique_users"],
            row["fetched_at"],
            row["state"] == DayState.FINAL,
        )
        for row in rows
    ]


async def _read_nothing(_db: Connection, _of: int, _target: Target, _days: DateRange) -> list[DailyClicks]:
    """Return no days: the tables are older than the sums."""
    return []


def stored_sums(version: int) -> ReadSums:
    """Return what reads the sums in the tables of a version."""
    return read if version >= DAILY else _read_nothing


class PutDaily:
    """Write answers; made twice, it leaves what it leaves when it is made once.

    Args:
        of: the account.
        target: the target.
        days: the answers, at least one.
        reader: see `hourlyclicks.store.protocol.Store.put_daily`.
    """

    def __init__(self, of: int, target: Target, days: Sequence[DailyClicks], reader: Reader) -> None:
        self._of = of
        self._target = target
        self._days = days
        self._reader = reader

    async def __call__(self, db: Connection, _rows: object) -> None:
        """Make the change within a transaction."""
        series = await hold_series(db, self._of, self._target, ENDPOINT)
        dates = [day.date for day in self._days]
        stored = await read(db, self._of, self._target, DateRange(min(dates), max(dates)))
        written = to_write(self._days, {day.date: day for day in stored}, self._reader)
        await db.executemany(
            _PUT,
            [
                (series, day.date, state_of(day), day.fetched_at, day.clicks, day.unique_users)
                for day in written
            ],
        )

    @property
    def order(self) -> tuple[bool, int, str]:
        """See `hourlyclicks.store.postgres_database.DatabaseChange.order`."""
        return False, self._of, f"{self._target} {ENDPOINT}"
