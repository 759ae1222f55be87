"""What all runs of an event loop have in common in one store: the leases, and the reports to others.

A queue runs each job of a process with a call of `run_jobs`. Hundreds of them with a renewal and a report
each would keep a database busy with waiting; so one statement renews all leases.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import attrs

from hourlyclicks.coordination.leases import Leases
from hourlyclicks.fleet.reporting import FleetReporter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hourlyclicks.clock import Clock
    from hourlyclicks.store.fleets import FleetStore
    from hourlyclicks.store.leases import LeaseStore


@attrs.define
class SharedLeases:
    """What the runs have in common.

    Args:
        leases: the leases that this process holds.
        reporter: tells other processes of the runs.
        users: how many runs use them now.
    """

    leases: Leases
    reporter: FleetReporter
    users: int = 0

    @classmethod
    def new(cls, store: LeaseStore, clock: Clock) -> SharedLeases:
        """Return it for a store that no run uses yet.

        Raises:
            UsageError: the store keeps no leases.
        """
        leases = Leases(store, clock=clock)
        return cls(leases, FleetReporter(cast("FleetStore", store), leases.holder, clock))


_IN_USE: dict[tuple[int, asyncio.AbstractEventLoop], SharedLeases] = {}
"""By the identity of the store, which exists as long as a run uses it, and by the event loop of the runs."""


@asynccontextmanager
async def shared_in(store: LeaseStore, clock: Clock) -> AsyncIterator[SharedLeases]:
    """Return what the runs of an event loop share in a store; the last of them gives the leases back.

    Raises:
        UsageError: the store keeps no leases.
    """
    key = id(store), asyncio.get_running_loop()
    shared = _IN_USE.get(key) or SharedLeases.new(store, clock)
    _IN_USE[key] = shared
    shared.users += 1
    try:
        yield shared
    finally:
        shared.users -= 1
        if not shared.users:
            del _IN_USE[key]
            await shared.leases.close()
            await shared.reporter.close()
