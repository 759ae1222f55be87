"""A store as the holder of a lease uses it: every write checks the lease, in its own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hourlyclicks.errors import LeaseLostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from hourlyclicks.store.leases import Fence

R = TypeVar("R")


class Fenced:
    """What the stores of one lease have in common: they are opened and closed elsewhere.

    Attributes:
        lease: the lease.
    """

    lease: Fence

    async def open(self) -> None:
        """Do nothing: the store is open."""

    async def close(self) -> None:
        """Do nothing: others use the store."""

    async def salt(self) -> bytes:
        """See `hourlyclicks.store.protocol.Store.salt`."""
        return self.lease.salt

    async def account(self, fingerprint: str) -> int:
        """See `hourlyclicks.store.protocol.Store.account`; there is only that of the lease.

        Raises:
            UsageError: the client has the key of another account.
        """
        if fingerprint != self.lease.fingerprint:
            raise UsageError("the lease belongs to another account than the API key", fatal=True)
        return self.lease.account


async def make_fenced(fence: Fence, made: Awaitable[R]) -> R:
    """Wait until a write is kept, and note meanwhile that it is not.

    Raises:
        LeaseLostError: the lease was lost, and nothing was written.
    """
    fence.began()
    try:
        return await made
    except LeaseLostError as error:
        fence.was_lost(error)
        raise
    finally:
        fence.ended()
