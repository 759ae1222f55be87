"""A SQLite file with days, used from one thread by `hourlyclicks.store.sqlite`.

Durability. The file is in WAL mode with ``synchronous=FULL``: committed data is on the disk before the
commit returns, and a crash at any instant leaves the last committed state. Each change is one transaction,
begun with ``BEGIN IMMEDIATE`` so that two processes never wait for each other in a circle (deadlock).

The shared clock is the machine's monotonic one. A SQLite file in WAL mode can only be used from one machine,
and there that clock is the same for all processes and never jumps.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hourlyclicks import forks
from hourlyclicks.store import sqlite_counts, sqlite_daily, sqlite_days, sqlite_leases, sqlite_ranges
from hourlyclicks.store.ledger import FIGURES, NAMES, target_of
from hourlyclicks.store.sqlite_leases import WithinLease
from hourlyclicks.store.sqlite_messages import is_busy
from hourlyclicks.store.sqlite_transaction import transaction

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.range_record import RangeRecord
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness, Reader
    from hourlyclicks.store.leases import Fence
    from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, PutResult, Revision
    from hourlyclicks.store.protocol import Change, RangeChange
    from hourlyclicks.store.target_summary import TargetSummary

R = TypeVar("R")

_ACCOUNT = """SELECT id FROM accounts WHERE fingerprint = :of OR key_fingerprint = :of
    ORDER BY key_fingerprint IS :of DESC LIMIT 1"""
"""That of a name and a key comes before one that had been the key's alone."""
_SERIES = "SELECT id FROM series WHERE account_id = ? AND endpoint IN (?, ?) AND target = ?"
_NEW_SERIES = "INSERT INTO series (account_id, endpoint, target) VALUES (?, ?, ?)"
_MOST_NUMBERS = 10_000
"""Series whose numbers are remembered."""


class Tables(Protocol):
    """A connection to the tables, and the checks that they are still those that were opened."""

    def ready(self) -> sqlite3.Connection:
        """Return the connection, or raise `StoreError`."""
        ...

    def holds(self) -> bool:
        """Return whether what was read since `ready` counts, or raise `StoreError`."""
        ...

    def within_transaction(self) -> None:
        """Raise `StoreError` if nothing must be written."""
        ...

    def before_commit(self) -> None:
        """Raise `StoreError` if the transaction must not be committed."""
        ...

    def remember(self, series: int, day: DayClicks) -> None:
        """Remember the day that was written last."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class SqliteFile:
    """The tables, which are in a file as a rule, and every statement that works on them.

    Args:
        open_tables: opens them.
        now: returns nanoseconds of the clock that all processes share.
    """

    def __init__(self, open_tables: Callable[[], Tables], *, now: Callable[[], int]) -> None:
        self._now = now
        self._written: tuple[int, DayClicks] | None = None
        self._numbers: dict[tuple[int, Target], int] = {}
        self._made: dict[tuple[int, Target], int] = {}  # within this transaction, which may be undone
        self._tokens: dict[int, tuple[int, int]] = {}  # of leases, as this transaction sees them
        forks.hold(self)
        self._files = open_tables()
        try:
            self._db = self._files.ready()
        except BaseException:
            self._files.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._files.close()

    def do(self, work: Callable[[SqliteFile], R]) -> R:
        """Run an operation, which counts only if the file is the one that was opened, before and after.

        Args:
            work: the operation, in one transaction.
        """
        while True:
            db = self._files.ready()
            if db is not self._db:
                self._db = db
                self._numbers.clear()
            try:
                result = work(self)
            except sqlite3.DatabaseError as error:
                if is_busy(error) or self._files.holds():
                    raise
            else:
                if self._files.holds():
                    return result

    def change(self, changes: Sequence[Callable[[SqliteFile], R]]) -> list[R]:
        """Make several changes in one transaction: all, or none."""
        self._written = None
        fenced = [change.fence for change in changes if isinstance(change, WithinLease)]
        try:
            with self._transaction():
                self._tokens = sqlite_leases.tokens(self._db, fenced) if fenced else {}
                results = [change(self) for change in changes]
            self._remember(self._made)
        finally:
            self._made.clear()
        if self._written is not None:
            self._files.remember(*self._written)
        return results

    def salt(self) -> bytes:
        """Return the key of the fingerprints."""
        return bytes(self._one("SELECT value FROM properties WHERE name = 'salt'"))

    def account(self, fingerprint: str) -> int:
        """Return the number of an account."""
        found = self._db.execute(_ACCOUNT, {"of": fingerprint}).fetchone()
        if found is None:
            with self._transaction():
                self._db.execute("INSERT OR IGNORE INTO accounts (fingerprint) VALUES (?)", (fingerprint,))
            found = self._db.execute(_ACCOUNT, {"of": fingerprint}).fetchone()
        return int(found[0])

    def accounts(self) -> dict[str, int]:
        """Return the numbers of the accounts."""
        return dict(self._db.execute("SELECT fingerprint, id FROM accounts ORDER BY id"))

    def targets(self, account: int, *, failing: bool) -> list[Target]:
        """Return the targets with ledger entries."""
        query = "SELECT target FROM series WHERE account_id = ? AND endpoint IN (?, ?)"
        if failing:
            query += " AND EXISTS (SELECT 1 FROM days WHERE series_id = series.id AND state = 'failed')"
        return [target_of(text) for (text,) in self._db.execute(query + " ORDER BY id", (account, *NAMES))]

    def entries(self, account: int, target: Target, days: DateRange) -> list[LedgerEntry]:
        """Return the ledger entries of a range."""
        series = self._series(account, target)
        return [] if series is None else sqlite_days.entries(self._db, series, days)

    def known_range(self, account: int, target: Target) -> DateRange | None:
        """Return the days from the first with a ledger entry to the last."""
        series = self._series(account, target)
        return None if series is None else sqlite_counts.known_range(self._db, [series])

    def count_by_state(
        self, account: int, target: Target, days: DateRange, reader: Reader | None
    ) -> Counter[DayState]:
        """Count the days in each state."""
        series = self._series(account, target)
        if series is None:
            return Counter()
        if reader is None:
            return sqlite_counts.count_by_state(self._db, series, days)
        [found] = self.summarize(account, [target], days, freshness=reader.freshness, now=reader.now)
        return found.states

    def count_failures(
        self, account: int, targets: Sequence[Target], days: DateRange
    ) -> list[tuple[Failure, int]]:
        """Return why days failed, and how many for each kind of reason."""
        numbers = [self._series(account, target) for target in targets]
        known = [number for number in numbers if number is not None]
        return sqlite_counts.count_failures(self._db, known, days)

    def summarize(
        self,
        account: int,
        targets: Sequence[Target],
        days: DateRange | None,
        *,
        freshness: Freshness,
        now: dt.datetime,
    ) -> list[TargetSummary]:
        """Return the summaries of targets."""
        numbers = [self._series(account, target) for target in targets]
        known = [number for number in numbers if number is not None]
        counted = sqlite_counts.summarize(self._db, known, days, freshness=freshness, now=now)
        return [counted.build(target, number, days) for target, number in zip(targets, numbers, strict=True)]

    def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """Return the days that have figures."""
        series = self._series(account, target)
        return [] if series is None else sqlite_days.read(self._db, series, days)

    def revisions(self, account: int, target: Target, days: DateRange) -> list[Revision]:
        """Return the replaced figures of a range."""
        series = self._series(account, target)
        return [] if series is None else sqlite_days.revisions(self._db, series, days)

    def put(
        self,
        account: int,
        target: Target,
        day: DayClicks,
        *,
        requests: int,
        reader: Reader | None,
        refresh: bool,
    ) -> PutResult:
        """Write an answer, within `change`."""
        (kept,) = self.put_days(
            account, target, [day], requests=requests, endpoint=None, reader=reader, refresh=refresh
        )
        return kept

    def put_days(
        self,
        account: int,
        target: Target,
        days: Sequence[DayClicks],
        *,
        requests: int,
        endpoint: str | None,
        reader: Reader | None,
        refresh: bool,
    ) -> list[PutResult]:
        """Write the answer for several days, within `change`."""
        series, results = self._new_series(account, target), []
        for day in days:
            kept = sqlite_days.put(
                self._db, series, day, requests, endpoint=endpoint, reader=reader, refresh=refresh
            )
            if not kept.dropped and kept.doubted_at is None:
                self._written = series, day
            results.append(kept)
            requests = 0
        return results

    def record_failure(self, account: int, target: Target, entry: LedgerEntry) -> None:
        """Record that a day failed or was rejected, within `change`."""
        sqlite_days.record_failure(self._db, self._new_series(account, target), entry)

    def doubt(self, account: int, target: Target, day: dt.date) -> bool:
        """Put the figures of a day in doubt, within `change`."""
        series = self._series(account, target)
        return series is not None and sqlite_days.doubt(self._db, series, day)

    def read_daily(self, account: int, target: Target, days: DateRange) -> list[DailyClicks]:
        """Return the sums of a range."""
        return sqlite_daily.read(self._db, account, target, days)

    def put_daily(self, account: int, target: Target, days: Sequence[DailyClicks], reader: Reader) -> None:
        """Write sums, within `change`."""
        sqlite_daily.put(self._db, account, target, days, reader)

    def range_record(self, account: int, endpoint: str) -> RangeRecord:
        """Return what is known of an endpoint for ranges."""
        return sqlite_ranges.read(self._db, account, endpoint)

    def change_range_record(self, account: int, endpoint: str, change: RangeChange) -> RangeRecord:
        """Change what is known of an endpoint for ranges, within `change`."""
        return sqlite_ranges.change(self._db, account, endpoint, change)

    def pace(self, account: int, change: Change[R], of: tuple[Target, dt.date] | None) -> tuple[R, int]:
        """Take a step of the shared limiter, within `change`."""
        text, result, now = self._try_step(account, change, of)
        if text is not None:
            self._db.execute("INSERT OR REPLACE INTO pacing VALUES (?, ?)", (account, text))
            if (write_copy := getattr(change, "write_copy", None)) is not None:
                write_copy(text)
        return result, now

    def peek(
        self, account: int, change: Change[R], of: tuple[Target, dt.date] | None
    ) -> tuple[R, int] | None:
        """Try a step of the shared limiter without a transaction; ``None``: it would change the state."""
        text, result, now = self._try_step(account, change, of)
        return (result, now) if text is None else None

    def at_now(self, work: Callable[[sqlite3.Connection, int], R], *, leased: Iterable[int] = ()) -> R:
        """Work on the tables at this moment of the shared clock.

        Args:
            work: what is done.
            leased: the accounts whose leases it may change.
        """
        for account in leased:
            self._tokens.pop(account, None)
        return work(self._db, self._now())

    def within(self, fence: Fence, work: Callable[[SqliteFile], R]) -> R:
        """Make a change within a lease, and within `change`."""
        if fence.account not in self._tokens:
            self._tokens |= sqlite_leases.tokens(self._db, [fence])
        sqlite_leases.check(fence, self._tokens)
        return work(self)

    # -- internals --------------------------------------------------------------------------------------

    def _try_step(
        self, account: int, change: Change[R], of: tuple[Target, dt.date] | None
    ) -> tuple[str | None, R, int]:
        entry, series = None, None if of is None else self._series(account, of[0])
        if of is None or series is None:
            kept = self._one("SELECT state FROM pacing WHERE account_id = ?", account)
        else:
            kept, entry = sqlite_days.pacing_and_entry(self._db, account, series, of[1])
        now = self._now()
        return *change(kept, now, entry), now

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with transaction(self._db):
            self._files.within_transaction()
            yield
            self._files.before_commit()

    def _one(self, query: str, *values: object) -> Any:  # noqa: ANN401 - of whatever type the cell is
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]

    def _series(self, account: int, target: Target) -> int | None:
        """Return the number of a series, which never changes."""
        key = account, target
        number = self._numbers.get(key) or self._made.get(key)
        if number is None:
            number = self._one(_SERIES, account, *NAMES, str(target))
            if number is not None:
                self._remember({key: number})
        return number

    def _remember(self, numbers: Mapping[tuple[int, Target], int]) -> None:
        if len(self._numbers) >= _MOST_NUMBERS:
            self._numbers.clear()
        self._numbers |= numbers

    def _new_series(self, account: int, target: Target) -> int:
        """Return the number of a series, which is created if necessary."""
        found = self._series(account, target)
        if found is not None:
            return found
        number = self._db.execute(_NEW_SERIES, (account, FIGURES, str(target))).lastrowid or 0
        self._made[account, target] = number
        return number
