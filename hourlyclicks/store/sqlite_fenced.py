"""A store in SQLite as the holder of a lease uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks.store.fencing import Fenced, make_fenced
from hourlyclicks.store.sqlite_leases import WithinLease
from hourlyclicks.store.sqlite_operations import SqliteOperations

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.store.leases import Fence
    from hourlyclicks.store.sqlite_file import SqliteFile

T = TypeVar("T")


class FencedSqlite(Fenced, SqliteOperations):
    """A store in SQLite within one lease.

    Args:
        fence: the lease.
        run: runs an operation of the store.
        make: makes a change of the store.
        file: the path of its file; ``None``: it is in memory.
    """

    def __init__(
        self,
        fence: Fence,
        run: Callable[[Callable[[SqliteFile], Any]], Awaitable[Any]],
        make: Callable[[Callable[[SqliteFile], Any]], Awaitable[Any]],
        file: str | None,
    ) -> None:
        # Without changes of its own, which would take memory for each of many accounts.
        self.lease = fence
        self.file = file
        self._run_there = run
        self._make = lambda work: make_fenced(fence, make(WithinLease(fence, work)))

    async def _run(self, work: Callable[[SqliteFile], T]) -> T:
        result: T = await self._run_there(work)
        return result
