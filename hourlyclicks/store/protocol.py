"""The interface of a store: a SQLite file, or a PostgreSQL database.

A store belongs to no event loop before it is opened, and may be given to several clients. Each method is one
transaction: it is complete when the method returns, and cancelling the caller does not undo it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from hourlyclicks.errors import StoreError

if TYPE_CHECKING:
    import datetime as dt
    from collections import Counter
    from collections.abc import Mapping, Sequence

    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.range_record import RangeRecord
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness, Reader
    from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, PutResult, Revision
    from hourlyclicks.store.target_summary import TargetSummary

R = TypeVar("R")

Change: TypeAlias = Callable[[str | None, int, "LedgerEntry | None"], tuple[str | None, R]]
"""A step of the shared limiter. It takes the stored text of its state, or ``None`` if there is none, the
moment in nanoseconds on the clock that all users of this store share, and the ledger entry of a day. It
returns the new text, or ``None`` if it is unchanged, and a result. If it has a method ``write_copy``, a
store in a SQLite file calls that with the new text, within the transaction."""

RangeChange: TypeAlias = Callable[["RangeRecord"], "RangeRecord"]
"""A change of what is known of an endpoint for ranges. It takes what the store has, and returns what it
should have. It may be called several times, so it has no other effect."""


class NoStoreError(StoreError):
    """There is no store to read; a command that writes would create it."""


class Store(Protocol):
    """Keeps days, and the shared state of the limiter.

    An account is a number that `account` returns. Every method raises `StoreError` when it fails.
    """

    async def open(self) -> None:
        """Connect, and migrate the tables; may be called again."""
        ...

    async def close(self) -> None:
        """Complete the operations under way and disconnect; may be called again."""
        ...

    async def salt(self) -> bytes:
        """Return the 32 random bytes with which the fingerprints of this store are keyed."""
        ...

    async def account(self, fingerprint: str) -> int:
        """Return the number of an account, which is created if necessary."""
        ...

    async def accounts(self) -> Mapping[str, int]:
        """Return the number of each account by its fingerprint, in the order of creation."""
        ...

    async def targets(self, account: int, *, failing: bool = False) -> list[Target]:
        """Return the targets with ledger entries.

        Args:
            account: the account.
            failing: only targets with failed days.
        """
        ...

    async def entries(self, account: int, target: Target, days: DateRange) -> list[LedgerEntry]:
        """Return the ledger entries of a range, in order; days without an entry are left out."""
        ...

    async def known_range(self, account: int, target: Target) -> DateRange | None:
        """Return the days from the first with a ledger entry to the last; ``None``: there is none."""
        ...

    async def count_by_state(
        self, account: int, target: Target, days: DateRange, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """Count the days of a range in each state.

        Args:
            account: the account.
            target: the target.
            days: the range.
            reader: counts each day in the state that this reader computes; ``None``: in the stored state.
        """
        ...

    async def count_failures(
        self, account: int, targets: Sequence[Target], days: DateRange
    ) -> list[tuple[Failure, int]]:
        """Return why days of some targets failed, and how many for each kind of reason, in any order.

        Reasons with the same error, code and status are one kind; one of their texts is returned.

        Args:
            account: the account.
            targets: the targets.
            days: the range.
        """
        ...

    async def summarize(
        self,
        account: int,
        targets: Sequence[Target],
        days: DateRange | None,
        *,
        freshness: Freshness,
        now: dt.datetime,
    ) -> list[TargetSummary]:
        """Return for each target how many days are in each state, and the newest complete day.

        Intended for a few hundred targets at a time; more are to be divided over several calls.

        Args:
            account: the account.
            targets: the targets, each once, also unknown ones.
            days: the range; ``None``: of each target from the first day with a ledger entry to the last.
            freshness: the reader of the days, and which of them would be requested again.
            now: the present moment.
        """
        ...

    async def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """Return the days of a range that have figures, in order. Intended for a few hundred at a time."""
        ...

    async def revisions(self, account: int, target: Target, days: DateRange) -> list[Revision]:
        """Return the replaced figures of a range, in the order of days and revisions."""
        ...

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
        """Write an answer: its rows and its ledger entry in one transaction, on the disk when this returns.

        Replaced figures that differ become a revision.

        Args:
            account: the account.
            target: the target.
            day: the answer; it is dropped if a better one is stored. If it lacks hours of the stored figures
                and no answer before did, it only puts these in doubt.
            requests: the number of requests that it took.
            reader: computes the state of the stored figures; ``None``: every stored stamp and state is right.
            refresh: whether it was requested to refresh the day: then it is the better one in any case.
        """
        ...

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
        """Write one answer for several days, all of them in one transaction or none.

        Args:
            account: the account.
            target: the target.
            days: what the answer says of each day, each once; see `put`.
            requests: the number of requests that it took. They count for the first of the days, so that the
                ``attempts`` of all days add up to the number of requests.
            endpoint: the version of the endpoint that gave it, such as ``"v3"``; ``None``: ``"v2"``.
            reader: as in `put`.
            refresh: as in `put`.

        Returns:
            The result of each day, in the order of the days.
        """
        ...

    async def record_failure(self, account: int, target: Target, entry: LedgerEntry) -> None:
        """Record that a day failed or was rejected; stored figures and their state are kept.

        Args:
            account: the account.
            target: the target.
            entry: state, moment and reason; its ``attempts`` are added to the stored number. A failed day
                without any says where a target begins, and is only recorded if neither that day nor an
                earlier one is known.
        """
        ...

    async def doubt(self, account: int, target: Target, day: dt.date) -> bool:
        """Put the figures of a day in doubt, so that it is provisional and is requested again.

        The figures are kept. The next answer with as many hours ends the doubt.

        Returns:
            Whether the day has figures, and they were not in doubt before.
        """
        ...

    async def read_daily(self, account: int, target: Target, days: DateRange) -> list[DailyClicks]:
        """Return the sums of the days of a range that are stored, in order."""
        ...

    async def put_daily(
        self, account: int, target: Target, days: Sequence[DailyClicks], *, reader: Reader
    ) -> None:
        """Write the sums of days in one transaction; they are on the disk when this returns.

        Args:
            account: the account.
            target: the target.
            days: the days, each of them once; what a better answer has stored is kept.
            reader: checks the stored time stamps.
        """
        ...

    async def range_record(self, account: int, endpoint: str) -> RangeRecord:
        """Return what is known of an endpoint for ranges of days; if nothing is, that of a new account.

        Args:
            account: the account.
            endpoint: its name, such as ``"clicks-by-hour/v3"``.
        """
        ...

    async def change_range_record(self, account: int, endpoint: str, change: RangeChange) -> RangeRecord:
        """Change what is known of an endpoint for ranges of days, exclusively, and return it.

        Args:
            account: the account.
            endpoint: its name.
            change: the change.
        """
        ...

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
        peek: bool = False,
    ) -> tuple[R, int]:
        """Take one step of the shared limiter, exclusively.

        Args:
            account: the account.
            change: the step; it may be called several times, and the last result counts.
            of: the day whose ledger entry the step needs.
            peek: whether to try the step without a transaction first. If it changes nothing, that is all.

        Returns:
            The result of the step, and the moment that was passed to it.
        """
        ...
