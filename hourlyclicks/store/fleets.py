"""Runs over many accounts, as they report themselves: a row for each process and name.

A run that holds leases takes no steps of the shared limit, so it cannot be seen there. It reports every few
seconds, and learns by the same statement whether it is asked to stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from hourlyclicks.store.leases import Holder

REPORTED_WITHIN = 300.0
"""Seconds without a report after which a run is considered dead."""

KEPT = 86_400.0
"""Seconds after which the last report of a run that is dead is deleted."""


class FleetEntry(NamedTuple):
    """What a run reports.

    Args:
        run: its name, which no other one has.
        name: the name it was given; empty: none.
        holder: its process.
        age: the seconds since it began.
        active: how many accounts are active.
        waiting: how many are known that are neither active nor done.
        requests: how many requests those that are active still have to send.
    """

    run: str
    name: str
    holder: Holder
    age: float
    active: int
    waiting: int
    requests: int


class StoredFleet(NamedTuple):
    """What a run has reported last.

    Args:
        entry: what it was; the age is that of now.
        silent: the seconds since the report.
        stop: whether it is asked to stop.
    """

    entry: FleetEntry
    silent: float
    stop: bool


class FleetStore(Protocol):
    """A store that knows the runs over many accounts, besides what `LeaseStore` does."""

    async def report_fleet(self, entry: FleetEntry) -> bool:
        """Keep what a run reports, and return whether it is asked to stop."""
        ...

    async def end_fleet(self, run: str) -> None:
        """Forget a run that is over, and those that have been dead for long."""
        ...

    async def fleets(self) -> list[StoredFleet]:
        """Return the runs that have reported within `REPORTED_WITHIN`, in the order in which they began."""
        ...

    async def stop_fleets(self, runs: list[str]) -> None:
        """Ask runs to stop."""
        ...
