"""The state of one account that processes share, where it is kept: in the store of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from hourlyclicks.coordination.processes import is_gone, process_of
from hourlyclicks.coordination.state_copies import CopiedStep

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable

    from hourlyclicks.coordination.state import Process
    from hourlyclicks.coordination.state_copies import StateCopies
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.leases import LeaseStore
    from hourlyclicks.store.protocol import Change, Store

R = TypeVar("R")


class SharedState:
    """Where the processes of an account find what they share.

    Args:
        store: the store of the account.
        account: returns the number of the account in the store, which its first use opens.
        copies: the copies outside of the store; ``None``: there are none.
    """

    def __init__(
        self, store: Store, account: Callable[[], Awaitable[int]], copies: StateCopies | None = None
    ) -> None:
        self._store = store
        self._account = account
        self._copies = copies

    async def change(
        self, step: Change[R], *, of: tuple[Target, dt.date] | None = None, peek: bool = False
    ) -> tuple[R, int]:
        """Take one step, exclusively; see `Store.pace`."""
        account, copies = await self._account(), self._copies
        if copies is None:
            return await self._store.pace(account, step, of=of, peek=peek)
        copies.salt = copies.salt or await self._store.salt()
        copied = CopiedStep(copies, step)
        taken = await self._store.pace(account, copied, of=of, peek=peek)
        if copied.copied is not None:
            copies.stored(copied.copied)
        return taken

    async def ask_holder(self, here: Process) -> int | None:
        """Ask the holder of the account's lease to share the limits; return when the lease ended, if it has.

        Only a store that can keep leases ever says that there is one.

        Args:
            here: this process, which knows others on its machine that have ended.
        """
        account, store = await self._account(), cast("LeaseStore", self._store)
        leases = await store.leases(account)
        gone = [lease.holder.name for lease in leases if is_gone(process_of(lease.holder), here)]
        return await store.ask_holder(account, gone=gone)
