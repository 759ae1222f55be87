"""What a store can do. The embedded one is a SQLite file, the shared one a PostgreSQL database.

A store belongs to nobody's event loop before it is opened, and may be given to several clients. Each method
is one transaction: it has happened as a whole when it returns, and a cancelled caller does not undo it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from hourlyclicks.errors import StoreError

if TYPE_CHECKING:
    import datetime as dt
    from collections import Counter
    from collections.abc import Mapping

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Reader
    from hourlyclicks.store.ledger import DayState, LedgerEntry, PutResult, Revision

R = TypeVar("R")

Change: TypeAlias = Callable[[str | None, int, "LedgerEntry | None"], tuple[str | None, R]]
"""A step of the shared pacing: takes the text that is kept of it (``None``: nothing yet), the moment in
nanoseconds on a clock that everybody at this store shares, and the mark of a day; returns the new text
(``None``: as it was) and a result."""


class NoStoreError(StoreError):
    """Where a store is to be read there is none yet; a command that writes would make it."""


class Store(Protocol):
    """Keeps days, and the pace of an account.

    An account is a number that `account` gives. Every method raises `StoreError` when it cannot do its work.
    """

    async def open(self) -> None:
        """Connect, and bring the tables up to date; may be called again."""
        ...

    async def close(self) -> None:
        """Finish what was begun and disconnect; may be called again."""
        ...

    async def salt(self) -> bytes:
        """Return the 32 random bytes that this store's fingerprints are keyed with."""
        ...

    async def account(self, fingerprint: str) -> int:
        """Return the number of an account, which is new if need be."""
        ...

    async def accounts(self) -> Mapping[str, int]:
        """Return the number of each account by its fingerprint, in the order they came."""
        ...

    async def targets(self, account: int, *, failing: bool = False) -> list[Target]:
        """Return the targets of which there are marks.

        Args:
            account: whose.
            failing: only those with days that failed.
        """
        ...

    async def entries(self, account: int, target: Target, days: DateRange) -> list[LedgerEntry]:
        """Return what is known of each day in a range, in order; days without a mark are left out."""
        ...

    async def count_by_state(
        self, account: int, target: Target, days: DateRange, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """Count the days of a range in each state.

        Args:
            account: whose.
            target: what was asked about.
            days: the range.
            reader: counts each day in the state in which this reader sees its mark; ``None``: in the state
                that is stored.
        """
        ...

    async def read(self, account: int, target: Target, days: DateRange) -> list[DayClicks]:
        """Return the days of a range that have figures, in order. Meant for a few hundred at a time."""
        ...

    async def revisions(self, account: int, target: Target, days: DateRange) -> list[Revision]:
        """Return the figures of a range that were replaced by others, in the order of days and revisions."""
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
        """Keep an answer: its rows and its mark at once, on the disk when this returns.

        Figures that it replaces by different ones become a revision.

        Args:
            account: whose.
            target: what was asked about.
            day: the answer; it is dropped if the store holds a better one, and only puts figures in doubt if
                it lacks some of their hours and none before it did.
            requests: how many were spent on it.
            reader: judges what the store holds; ``None``: every stamp and every state in it is true.
            refresh: whether it was asked for to refresh the day: then it is the better one in any case.
        """
        ...

    async def record_failure(self, account: int, target: Target, entry: LedgerEntry) -> None:
        """Note that a day failed or was refused; figures that are there stay, and so does their state.

        Args:
            account: whose.
            target: what was asked about.
            entry: state, moment and reason; its ``attempts`` are added to those noted before.
        """
        ...

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
    ) -> tuple[R, int]:
        """Take one step of the shared pacing, while nobody else can.

        Args:
            account: whose pace.
            change: the step.
            of: the day whose mark the step wants to see.

        Returns:
            The result of the step, and the moment it was given.
        """
        ...
