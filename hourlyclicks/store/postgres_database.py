"""A PostgreSQL database with days, on one connection, used by `hourlyclicks.store.postgres`.

Locks. A change of a day locks the row of its series, and a step of the shared limiter locks the row of its
account: one row each, locked first. The changes of one transaction are sorted by these rows. So there is no
deadlock, and rows that are read after the lock do not change until the commit.

After a lost connection it is unknown whether a commit has happened. The operation is repeated, and must not
count twice: see `DaysChange`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from hourlyclicks.errors import StoreError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.store import postgres_days, postgres_leases
from hourlyclicks.store.conflicts import StoredDay
from hourlyclicks.store.ledger import FIGURES, NAMES, target_of
from hourlyclicks.store.postgres_days import LINES, SERIES, day_in, name_of
from hourlyclicks.store.postgres_listener import CHANNEL
from hourlyclicks.store.postgres_transaction import transaction

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import asyncpg

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Reader
    from hourlyclicks.store.leases import Fence
    from hourlyclicks.store.ledger import LedgerEntry, PutResult
    from hourlyclicks.store.postgres_listener import StateListener
    from hourlyclicks.store.protocol import Change

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

R = TypeVar("R")

_Lines: TypeAlias = dict["dt.date", "asyncpg.Record"]
"""The rows of some days of one series."""
_Change: TypeAlias = Callable[["Connection", int, "_Lines"], Awaitable[tuple["_Lines", R]]]

_HOLD_SERIES = f"{SERIES} FOR NO KEY UPDATE"
_NEW_SERIES = """INSERT INTO hourlyclicks.series (account_id, endpoint, target_sha256, target)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id"""
_TARGETS = """SELECT target FROM hourlyclicks.series WHERE account_id = $1
        AND endpoint = ANY ($2::text[]) AND (
        NOT $3 OR EXISTS (SELECT 1 FROM hourlyclicks.days WHERE series_id = series.id AND state = 'failed'))
    ORDER BY id"""

_PACE = """SELECT state, tableoid, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now FROM (
    SELECT state, tableoid FROM hourlyclicks.pacing WHERE account_id = $1 FOR UPDATE) AS locked"""
"""The clock is read outside of the query that locks: getting the lock may take time."""
_LOOK = """SELECT state, tableoid, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
    FROM (SELECT 1) AS one LEFT JOIN (
        SELECT state, tableoid FROM hourlyclicks.pacing WHERE account_id = $1) AS found ON true"""
"""A row also if there is no state yet."""
_ACCOUNT = """SELECT id FROM hourlyclicks.accounts WHERE fingerprint = $1 OR key_fingerprint = $1
    ORDER BY key_fingerprint IS NOT DISTINCT FROM $1 DESC LIMIT 1"""
"""That of a name and a key comes before one that had been the key's alone."""
_NEW_PACE = "INSERT INTO hourlyclicks.pacing (account_id) VALUES ($1) ON CONFLICT DO NOTHING"
_SET_PACE = """WITH changed AS (
        UPDATE hourlyclicks.pacing SET state = $2 WHERE account_id = $1 RETURNING account_id)
    SELECT pg_notify($3, account_id::text) FROM changed"""
"""Processes that wait are told when this is committed, see `hourlyclicks.store.postgres_listener`."""


async def salt(db: Connection) -> bytes:
    """Return the key of the fingerprints."""
    return bytes(await db.fetchval("SELECT value FROM hourlyclicks.properties WHERE name = 'salt'"))


async def account(db: Connection, fingerprint: str) -> int:
    """Return the number of an account."""
    number = await db.fetchval(_ACCOUNT, fingerprint)
    if number is None:
        async with transaction(db):
            insert = "INSERT INTO hourlyclicks.accounts (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING"
            await db.execute(insert, fingerprint)
            number = await db.fetchval(_ACCOUNT, fingerprint)
    return int(number)


async def accounts(db: Connection) -> dict[str, int]:
    """Return the numbers of the accounts."""
    rows = await db.fetch("SELECT fingerprint, id FROM hourlyclicks.accounts ORDER BY id")
    return {row["fingerprint"]: row["id"] for row in rows}


async def targets(db: Connection, of: int, *, failing: bool) -> list[Target]:
    """Return the targets of an account with ledger entries."""
    return [target_of(row["target"]) for row in await db.fetch(_TARGETS, of, NAMES, failing)]


_Day: TypeAlias = tuple[int, "Target", "dt.date"]
_Rows: TypeAlias = dict[_Day, "asyncpg.Record"]
"""The rows of days as one transaction leaves them, which is complete when all of its changes are made."""


class DatabaseChange(Protocol):
    """A change within a transaction."""

    async def __call__(self, db: Connection, rows: _Rows, /) -> Any:  # noqa: ANN401 - its result
        """Make it.

        Args:
            db: the connection, within the transaction.
            rows: what the transaction has left so far; the change puts its own row there.
        """
        ...

    @property
    def order(self) -> tuple[bool, int, str]:
        """What changes of one transaction are sorted by, so that all lock rows in the same order."""
        ...


class DaysChange(Generic[R]):
    """A change of some days of a target that counts once, however often it is attempted.

    Each attempt leaves a different row of the first day, since it raises the number of requests. If the row
    is found as the transaction of the last attempt left it, that transaction was committed, although the
    connection was lost. Several changes of one transaction may be of one day: what counts is the row after
    the last of them, since no other one is ever seen. Where another process has changed the day between the
    attempts, the change is made again: its requests count twice, and its figures are kept by the usual rules.

    Args:
        of: the account.
        target: the target.
        dates: the days.
        change: makes the change, given the number of the series and the rows that were found; returns the
            rows it left, and the result.
    """

    def __init__(self, of: int, target: Target, dates: Sequence[dt.date], change: _Change[R]) -> None:
        self._series = (of, target)
        self._dates = dates
        self._change = change
        self._tried: tuple[_Rows, R] | None = None

    async def __call__(self, db: Connection, rows: _Rows) -> R:
        """Make the change within a transaction, unless an earlier attempt has made it."""
        series = await hold_series(db, *self._series)
        lines = {row["date"]: row for row in await db.fetch(LINES, series, self._dates)}
        first = self._dates[0]
        if self._tried is None or self._tried[0].get((*self._series, first)) != lines.get(first):
            lines, result = await self._change(db, series, lines)
            self._tried = rows, result
        rows.update({(*self._series, date): row for date, row in lines.items()})
        return self._tried[1]

    @property
    def order(self) -> tuple[bool, int, str]:
        """See `DatabaseChange.order`."""
        account, target = self._series
        return False, account, str(target)


def put(
    of: int,
    target: Target,
    days: Sequence[DayClicks],
    requests: int,
    *,
    endpoint: str | None = None,
    reader: Reader | None,
    refresh: bool,
) -> DaysChange[list[PutResult]]:
    """Write an answer for one day or several; its requests count for the first."""

    async def change(db: Connection, series: int, lines: _Lines) -> tuple[_Lines, list[PutResult]]:
        left, results, unspent = {}, [], requests
        for day in days:
            held = _held(lines.get(day.date))
            left[day.date], kept = await postgres_days.put(
                db, series, held, day, unspent, endpoint=endpoint, reader=reader, refresh=refresh
            )
            results.append(kept)
            unspent = 0
        return left, results

    return DaysChange(of, target, [day.date for day in days], change)


def record_failure(of: int, target: Target, entry: LedgerEntry) -> DaysChange[None]:
    """Record that a day failed or was rejected."""

    async def change(db: Connection, series: int, lines: _Lines) -> tuple[_Lines, None]:
        if not entry.requested and await postgres_days.is_begun(db, series, entry.date):
            return lines, None
        return {entry.date: await postgres_days.record_failure(db, series, entry)}, None

    return DaysChange(of, target, [entry.date], change)


def _held(line: asyncpg.Record | None) -> StoredDay | None:
    """Return the figures in the row of a day, if there are any."""
    if line is None or not line["revision"]:
        return None
    return StoredDay(day_in(line), line["revision"], line["doubted_at"])


def doubt(of: int, target: Target, day: dt.date) -> DaysChange[bool]:
    """Put the figures of a day in doubt; the result is whether they are now, and were not before."""

    async def change(db: Connection, series: int, lines: _Lines) -> tuple[_Lines, bool]:
        line = lines.get(day)
        if line is None or not line["revision"] or line["doubted_at"] is not None:
            return lines, False
        return {day: await postgres_days.doubt(db, series, line)}, True

    return DaysChange(of, target, [day], change)


class LimiterStep(Generic[R]):
    """A step of the shared limiter.

    Args:
        of: the account.
        change: the step.
        about: the target and the day whose ledger entry the step needs.
        tables: the ids that the table has had; a restored table has another id.
        listener: is told when the step was committed.

    Attributes:
        account: the account.
        change: the step.
        text: the state that was read last.
    """

    def __init__(
        self,
        of: int,
        change: Change[R],
        about: tuple[Target, dt.date] | None,
        tables: set[int],
        listener: StateListener,
    ) -> None:
        self.account = of
        self.change = change
        self.text: str | None = None
        self._about = about
        self._tables = tables
        self._listener = listener

    def committed(self) -> None:
        """Note that the transaction of the step is committed: what was read before is outdated."""
        self._listener.outdated(self.account)

    async def __call__(self, db: Connection, _rows: _Rows) -> tuple[R, int]:
        """Take the step within a transaction."""
        row = await db.fetchrow(_PACE, self.account)
        if row is None:
            await db.execute(_NEW_PACE, self.account)
            row = await db.fetchrow(_PACE, self.account)
        text, result, now = await self._try(db, row)
        if text is not None:
            await db.execute(_SET_PACE, self.account, text, CHANNEL)
        return result, now

    async def peek(self, db: Connection) -> tuple[R, int] | None:
        """Try the step without a transaction; ``None``: it would change the state."""
        row = await db.fetchrow(_LOOK, self.account)
        text, result, now = await self._try(db, row)
        return (result, now) if text is None else None

    @property
    def order(self) -> tuple[bool, int, str]:
        """See `DatabaseChange.order`."""
        return True, self.account, ""

    async def _try(self, db: Connection, row: asyncpg.Record | None) -> tuple[str | None, R, int]:
        if row is None:
            raise StoreError("what it held was deleted while it was in use: start again")
        if row["tableoid"] is not None:
            _check_same(self._tables, row)
        known = []
        if self._about is not None:
            target, day = self._about
            known = await postgres_days.PACKED_DAYS.entries(db, self.account, target, DateRange(day, day))
        now, self.text = 1000 * int(row["now"]), row["state"]
        return *self.change(self.text, now, known[0] if known else None), now


async def change(
    db: Connection, changes: Sequence[DatabaseChange], fences: Sequence[Fence] = ()
) -> list[Any]:
    """Make changes in one transaction, in the order in which they lock rows, and return their results.

    Args:
        db: the connection.
        changes: the changes.
        fences: the leases that they are made within.
    """
    results, rows = {}, _Rows()
    async with transaction(db):
        if fences:
            await postgres_leases.check(db, fences)
        for number, step in sorted(enumerate(changes), key=lambda each: each[1].order):
            results[number] = await step(db, rows)
    for step in changes:
        if isinstance(step, LimiterStep):
            step.committed()
    return [results[number] for number in range(len(changes))]


def _check_same(tables: set[int], row: asyncpg.Record) -> None:
    tables.add(row["tableoid"])
    if len(tables) > 1:
        raise StoreError(
            "its tables were dropped or restored while it was in use: start again to request the missing days"
        )


async def hold_series(db: Connection, of: int, target: Target, endpoint: str = FIGURES) -> int:
    """Return the number of a series, which is created if necessary, and lock it."""
    name = name_of(of, target, NAMES if endpoint == FIGURES else (endpoint,))
    series = await db.fetchval(_HOLD_SERIES, *name)
    if series is None:
        series = await db.fetchval(_NEW_SERIES, of, endpoint, name[-1], str(target))
    if series is None:  # another process has just created it
        series = await db.fetchval(_HOLD_SERIES, *name)
    return int(series)
