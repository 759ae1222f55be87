"""What a store in SQLite does, in a file or in memory, by the statements of its tables."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from hourlyclicks.store.closing import Managed
from hourlyclicks.store.group_commit import GroupCommit
from hourlyclicks.store.sqlite_fleets import SqliteFleets
from hourlyclicks.store.sqlite_leases import SqliteLeases

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
    from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, PutResult, Revision
    from hourlyclicks.store.protocol import Change, RangeChange
    from hourlyclicks.store.sqlite_file import SqliteFile
    from hourlyclicks.store.target_summary import TargetSummary

_Work: TypeAlias = "Callable[[SqliteFile], Any]"

T = TypeVar("T")
R = TypeVar("R")


class SqliteOperations(SqliteLeases, SqliteFleets, Managed):
    """The operations of a store in SQLite, in a file or in memory."""

    def __init__(self) -> None:
        self._changes: GroupCommit[_Work] = GroupCommit(self._commit)
        self._make: Callable[[_Work], Awaitable[Any]] = self._changes.make

    async def open(self) -> None:
        """See `hourlyclicks.store.protocol.Store.open`."""
        await self._run(lambda _: None)

    async def salt(self) -> bytes:
        """See `hourlyclicks.store.protocol.Store.salt`."""
        return await self._run(lambda file: file.salt())

    async def account(self, fingerprint: str) -> int:
        """See `hourlyclicks.store.protocol.Store.account`."""
        return await self._run(lambda file: file.account(fingerprint))

    async def accounts(self) -> Mapping[str, int]:
        """See `hourlyclicks.store.protocol.Store.accounts`."""
        return await self._run(lambda file: file.accounts())

    async def targets(self, account: int, *, failing: bool = False) -> list[Target]:
        """See `hourlyclicks.store.protocol.Store.targets`."""
        return await self._run(lambda file: file.targets(account, failing=failing))

    async def entries(self, account: int, target: Target, days: DateRange) -> list[LedgerEntry]:
        """See `hourlyclicks.store.protocol.Store.entries`."""
        return await self._run(lambda file: file.entries(account, target, days))

    async def known_range(self, account: int, target: Target) -> DateRange | None:
        """See `hourlyclicks.store.protocol.Store.known_range`."""
        return await self._run(lambda file: file.known_range(account, target))

    async def count_by_state(
        self, account: int, target: Target, days: DateRange, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """See `hourlyclicks.store.protocol.Store.count_by_state`."""
        return await self._run(lambda file: file.count_by_state(account, target, days, reader))

    async def count_failures(
        self, account: int, targets: Sequence[Target], days: DateRange
    ) -> list[tuple[Failure, int]]:
        """See `hourlyclicks.store.protocol.Store.count_failures`."""
        return await self._run(lambda file: file.count_failures(account, targets, days))

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
            lambda file: file.summarize(account, targets, days, freshness=freshness, now=now)
        )

    async def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """See `hourlyclicks.store.protocol.Store.read`."""
        return await self._run(lambda file: file.read(account, target, days))

    async def revisions(self, account: int, target: Target, days: DateRange) -> list[Revision]:
        """See `hourlyclicks.store.protocol.Store.revisions`."""
        return await self._run(lambda file: file.revisions(account, target, days))

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
        kept: PutResult = await self._make(
            lambda file: file.put(account, target, day, requests=requests, reader=reader, refresh=refresh)
        )
        return kept

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
        results: list[PutResult] = await self._make(
            lambda file: file.put_days(
                account,
                target,
                days,
                requests=requests,
                endpoint=endpoint,
                reader=reader,
                refresh=refresh,
            )
        )
        return results

    async def record_failure(self, account: int, target: Target, entry: LedgerEntry) -> None:
        """See `hourlyclicks.store.protocol.Store.record_failure`."""
        await self._make(lambda file: file.record_failure(account, target, entry))

    async def doubt(self, account: int, target: Target, day: dt.date) -> bool:
        """See `hourlyclicks.store.protocol.Store.doubt`."""
        return bool(await self._make(lambda file: file.doubt(account, target, day)))

    async def read_daily(self, account: int, target: Target, days: DateRange) -> list[DailyClicks]:
        """See `hourlyclicks.store.protocol.Store.read_daily`."""
        return await self._run(lambda file: file.read_daily(account, target, days))

    async def put_daily(
        self, account: int, target: Target, days: Sequence[DailyClicks], *, reader: Reader
    ) -> None:
        """See `hourlyclicks.store.protocol.Store.put_daily`."""
        if days:
            await self._make(lambda file: file.put_daily(account, target, days, reader))

    async def range_record(self, account: int, endpoint: str) -> RangeRecord:
        """See `hourlyclicks.store.protocol.Store.range_record`."""
        return await self._run(lambda file: file.range_record(account, endpoint))

    async def change_range_record(self, account: int, endpoint: str, change: RangeChange) -> RangeRecord:
        """See `hourlyclicks.store.protocol.Store.change_range_record`."""
        record: RangeRecord = await self._make(
            lambda file: file.change_range_record(account, endpoint, change)
        )
        return record

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
        peek: bool = False,
    ) -> tuple[R, int]:
        """See `hourlyclicks.store.protocol.Store.pace`."""
        if peek and (seen := await self._run(lambda file: file.peek(account, change, of))) is not None:
            return seen
        taken: tuple[R, int] = await self._make(lambda file: file.pace(account, change, of))
        return taken

    async def _commit(self, changes: Sequence[_Work]) -> list[Any]:
        return await self._run(lambda file: file.change(changes))

    @abstractmethod
    async def _run(self, work: Callable[[SqliteFile], T]) -> T:
        """Run an operation on the tables."""
