"""The leases of all runs of this process in one store, so that one statement renews them.

A queue runs each job of a process with a call of `run_jobs`. Hundreds of them with a renewal each would keep
a database busy with waiting.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.coordination.leases import Leases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hourlyclicks.clock import Clock
    from hourlyclicks.store.leases import LeaseStore


@attrs.define
class _Shared:
    """The leases in one store.

    Args:
        leases: the leases.
        users: how many runs use them now.
    """

    leases: Leases
    users: int = 0


_IN_USE: dict[int, _Shared] = {}
"""By the identity of the store, which exists as long as a run uses it."""


@asynccontextmanager
async def leases_of(store: LeaseStore, clock: Clock) -> AsyncIterator[Leases]:
    """Return the leases that this process holds in a store; the last run that uses them gives them back.

    Raises:
        UsageError: the store keeps no leases.
    """
    shared = _IN_USE.get(id(store)) or _Shared(Leases(store, clock=clock))
    _IN_USE[id(store)] = shared
    shared.users += 1
    try:
        yield shared.leases
    finally:
        shared.users -= 1
        if not shared.users:
            del _IN_USE[id(store)]
            await shared.leases.close()
