"""What a store in PostgreSQL does, by the statements of the modules for its tables.

How an operation gets a connection, and which changes share a transaction, is decided by its classes:
`hourlyclicks.store.postgres.PostgresStore`, and `FencedPostgres` for the holder of a lease.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks.store import postgres_daily, postgres_database, postgres_ranges
from hourlyclicks.store.closing import Managed
from hourlyclicks.store.fencing import Fenced, make_fenced
from hourlyclicks.store.postgres_daily import PutDaily
from hourlyclicks.store.postgres_days import PACKED_DAYS
from hourlyclicks.store.postgres_fleets import PostgresFleets
from hourlyclicks.store.postgres_leases import PostgresLeases

if TYPE_CHECKING:
    import datetime as dt
    from collections import Counter
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.range_record import RangeRecord
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness, Reader
    from hourlyclicks.store.leases import Fence
    from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, PutResult, Revision
    from hourlyclicks.store.postgres_daily import ReadSums
    from hourlyclicks.store.postgres_database import DatabaseChange, LimiterStep
    from hourlyclicks.store.postgres_days import Connection
    from hourlyclicks.store.postgres_ranges import ReadRanges
    from hourlyclicks.store.protocol import Change, RangeChange
    from hourlyclicks.store.target_summary import TargetSummary

T = TypeVar("T")
R = TypeVar("R")


class PostgresOperations(PostgresLeases, PostgresFleets, Managed):
    """The operations of a store in PostgreSQL."""

    _read_only = False

    def __init__(self) -> None:
        self._days = PACKED_DAYS
        self._sums: ReadSums = postgres_daily.read
        self._ranges: ReadRanges = postgres_ranges.read

    async def open(self) -> None:
        """See `hourlyclicks.store.protocol.Store.open`."""
        await self._run(_nothing)

    async def salt(self) -> bytes:
        """See `hourlyclicks.store.protocol.Store.salt`."""
        return await self._run(postgres_database.salt)

    async def account(self, fingerprint: str) -> int:
        """See `hourlyclicks.store.protocol.Store.account`."""
        if not self._read_only:
            return await self._run(lambda db: postgres_database.account(db, fingerprint))
        number = (await self.accounts()).get(fingerprint)
        if number is None:
            self._refuse_changes()
        return number or 0

    async def accounts(self) -> Mapping[str, int]:
        """See `hourlyclicks.store.protocol.Store.accounts`."""
        return await self._run(postgres_database.accounts)

    async def targets(self, account: int, *, failing: bool = False) -> list[Target]:
        """See `hourlyclicks.store.protocol.Store.targets`."""
        return await self._run(lambda db: postgres_database.targets(db, account, failing=failing))

    async def entries(self, account: int, target: Target, days: DateRange) -> list[LedgerEntry]:
        """See `hourlyclicks.store.protocol.Store.entries`."""
        return await self._run(lambda db: self._days.entries(db, account, target, days))

    async def known_range(self, account: int, target: Target) -> DateRange | None:
        """See `hourlyclicks.store.protocol.Store.known_range`."""
        return await self._run(lambda db: self._days.known_range(db, account, target))

    async def count_by_state(
        self, account: int, target: Target, days: DateRange, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """See `hourlyclicks.store.protocol.Store.count_by_state`."""
        return await self._run(lambda db: self._days.count_by_state(db, account, target, days, reader))

    async def count_failures(
        self, account: int, targets: Sequence[Target], days: DateRange
    ) -> list[tuple[Failure, int]]:
        """See `hourlyclicks.store.protocol.Store.count_failures`."""
        return await self._run(lambda db: self._days.count_failures(db, account, targets, days))

    async def summarize(
        self,
        account: int,
        targets: Sequence[Target],
        days: DateRange | None,
        *,
        freshness: Freshness,
        now: dt.datetime,
    ) -> list[TargetSummary]:
        """See `hourlyclicks.store.protocol.Store.summarize`."""
        return await self._run(
            lambda db: self._days.summarize(db, account, targets, days, freshness=freshness, now=now)
        )

    async def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """See `hourlyclicks.store.protocol.Store.read`."""
        return await self._run(lambda db: self._days.read(db, account, target, days))

    async def revisions(self, account: int, target: Target, days: DateRange) -> list[Revision]:
        """See `hourlyclicks.store.protocol.Store.revisions`."""
        return await self._run(lambda db: self._days.revisions(db, account, target, days))

    async def put(
        self,
        account: int,
        target: Target,
        day: DayClicks,
        *,
        requests: int,
        reader: Reader | None = None,
        refresh: bool = False,
    ) -> PutResult:
        """See `hourlyclicks.store.protocol.Store.put`."""
        self._refuse_changes()
        put = postgres_database.put(account, target, [day], requests, reader=reader, refresh=refresh)
        kept: list[PutResult] = await self._make(account, put)
        return kept[0]

    async def put_days(
        self,
        account: int,
        target: Target,
        days: Sequence[DayClicks],
        *,
        requests: int,
        endpoint: str | None = None,
        reader: Reader | None = None,
        refresh: bool = False,
    ) -> list[PutResult]:
        """See `hourlyclicks.store.protocol.Store.put_days`."""
        self._refuse_changes()
        put = postgres_database.put(
            account, target, days, requests, endpoint=endpoint, reader=reader, refresh=refresh
        )
        results: list[PutResult] = await self._make(account, put) if days else []
        return results

    async def record_failure(self, account: int, target: Target, entry: LedgerEntry) -> None:
        """See `hourlyclicks.store.protocol.Store.record_failure`."""
        self._refuse_changes()
        await self._make(account, postgres_database.record_failure(account, target, entry))

    async def doubt(self, account: int, target: Target, day: dt.date) -> bool:
        """See `hourlyclicks.store.protocol.Store.doubt`."""
        self._refuse_changes()
        return bool(await self._make(account, postgres_database.doubt(account, target, day)))

    async def read_daily(self, account: int, target: Target, days: DateRange) -> list[DailyClicks]:
        """See `hourlyclicks.store.protocol.Store.read_daily`."""
        return await self._run(lambda db: self._sums(db, account, target, days))

    async def put_daily(
        self, account: int, target: Target, days: Sequence[DailyClicks], *, reader: Reader
    ) -> None:
        """See `hourlyclicks.store.protocol.Store.put_daily`."""
        self._refuse_changes()
        if days:
            await self._make(account, PutDaily(account, target, days, reader))

    async def range_record(self, account: int, endpoint: str) -> RangeRecord:
        """See `hourlyclicks.store.protocol.Store.range_record`."""
        return await self._run(lambda db: self._ranges(db, account, endpoint))

    async def change_range_record(self, account: int, endpoint: str, change: RangeChange) -> RangeRecord:
        """See `hourlyclicks.store.protocol.Store.change_range_record`."""
        self._refuse_changes()
        step = postgres_ranges.ChangeRanges(account, endpoint, change)
        record: RangeRecord = await self._make(account, step)
        return record

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
        peek: bool = False,
    ) -> tuple[R, int]:
        """See `hourlyclicks.store.protocol.Store.pace`; a step that was rolled back may be repeated."""
        step = self._step(account, change, of)
        if peek and (seen := await self._peek(step)) is not None:
            return seen
        self._refuse_changes()
        taken: tuple[R, int] = await self._make(account, step)
        return taken

    def fenced(self, fence: Fence) -> FencedPostgres:
        """See `hourlyclicks.store.leases.LeaseStore.fenced`."""
        return FencedPostgres(fence, self)

    def _refuse_changes(self) -> None:
        """Raise `StoreError` if nothing must be changed."""

    @abstractmethod
    async def make_within(self, fence: Fence, change: DatabaseChange) -> Any:  # noqa: ANN401 - its result
        """Make a change within a lease; changes of several leases share a transaction."""

    @abstractmethod
    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run an operation; it is completed even if the caller is cancelled."""

    @abstractmethod
    async def _make(self, account: int, change: DatabaseChange) -> Any:  # noqa: ANN401 - its result
        """Make a change together with others of the same account."""

    @abstractmethod
    def _step(self, account: int, change: Change[R], of: tuple[Target, dt.date] | None) -> LimiterStep[R]:
        """Return a step of the shared limiter."""

    @abstractmethod
    async def _peek(self, step: LimiterStep[R]) -> tuple[R, int] | None:
        """Try a step without a transaction; ``None``: it would change the state."""


class FencedPostgres(Fenced, PostgresOperations):
    """A store in PostgreSQL within one lease.

    Args:
        fence: the lease.
        store: the store.
    """

    def __init__(self, fence: Fence, store: PostgresOperations) -> None:
        super().__init__()
        self.lease = fence
        self._store = store

    async def make_within(self, fence: Fence, change: DatabaseChange) -> Any:  # noqa: ANN401 - its result
        """See `PostgresOperations.make_within`."""
        return await make_fenced(fence, self._store.make_within(fence, change))

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._store._run(work)  # noqa: SLF001 - of the same class, as below

    async def _make(self, _account: int, change: DatabaseChange) -> Any:  # noqa: ANN401 - its result
        return await self.make_within(self.lease, change)

    def _step(self, account: int, change: Change[R], of: tuple[Target, dt.date] | None) -> LimiterStep[R]:
        return self._store._step(account, change, of)  # noqa: SLF001 - as above

    async def _peek(self, step: LimiterStep[R]) -> tuple[R, int] | None:
        return await self._store._peek(step)  # noqa: SLF001 - as above


async def _nothing(_: Connection) -> None:
    """Do nothing; making the connection was the purpose."""
