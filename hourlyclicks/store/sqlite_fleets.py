"""Runs over many accounts in a SQLite file; see `hourlyclicks.store.fleets`."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks.clock import SECOND
from hourlyclicks.store.fleets import KEPT, REPORTED_WITHIN, FleetEntry, StoredFleet
from hourlyclicks.store.leases import Holder

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable

    from hourlyclicks.store.sqlite_file import SqliteFile

T = TypeVar("T")

_REPORT = """INSERT INTO fleets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (run) DO UPDATE
    SET seen = excluded.seen, active = excluded.active, waiting = excluded.waiting,
        requests = excluded.requests"""
_STOP = "UPDATE fleets SET stop = 1 WHERE run = ?"
_IS_STOPPED = "SELECT stop FROM fleets WHERE run = ?"
_FORGET = "DELETE FROM fleets WHERE run = ? OR seen NOT BETWEEN ? AND ?"
_LIST = """SELECT run, name, host, machine, pid, started, began, active, waiting, requests, seen, stop
    FROM fleets WHERE seen BETWEEN ? AND ? ORDER BY began, run"""
"""One that was seen later than now is of before the machine was started: its clock has begun anew."""


class SqliteFleets:
    """The runs over many accounts in SQLite; see `hourlyclicks.store.fleets.FleetStore`."""

    _make: Callable[[Callable[[SqliteFile], Any]], Awaitable[Any]]

    async def report_fleet(self, entry: FleetEntry) -> bool:
        """See `hourlyclicks.store.fleets.FleetStore.report_fleet`."""
        return bool(await self._make(lambda file: file.at_now(lambda db, now: _report(db, now, entry))))

    async def end_fleet(self, run: str) -> None:
        """See `hourlyclicks.store.fleets.FleetStore.end_fleet`."""

        def forget(db: sqlite3.Connection, now: int) -> None:
            db.execute(_FORGET, (run, now - round(KEPT * SECOND), now))

        await self._make(lambda file: file.at_now(forget))

    async def fleets(self) -> list[StoredFleet]:
        """See `hourlyclicks.store.fleets.FleetStore.fleets`."""
        return await self._run(lambda file: file.at_now(_fleets))

    async def stop_fleets(self, runs: list[str]) -> None:
        """See `hourlyclicks.store.fleets.FleetStore.stop_fleets`."""

        def ask(db: sqlite3.Connection, _: int) -> None:
            db.executemany(_STOP, [(run,) for run in runs])

        await self._make(lambda file: file.at_now(ask))

    @abstractmethod
    async def _run(self, work: Callable[[SqliteFile], T]) -> T:
        """Run an operation on the tables."""


def _report(db: sqlite3.Connection, now: int, entry: FleetEntry) -> bool:
    """Keep a report, within a transaction."""
    run, name, (_, *process), age, *counts = entry
    db.execute(_REPORT, (run, name, *process, now - round(age * SECOND), now, *counts))
    return bool(db.execute(_IS_STOPPED, (run,)).fetchone()[0])


def _fleets(db: sqlite3.Connection, now: int) -> list[StoredFleet]:
    found = []
    for run, name, host, machine, pid, started, began, *counts, seen, stop in db.execute(
        _LIST, (now - round(REPORTED_WITHIN * SECOND), now)
    ):
        holder = Holder(run, host, machine, pid, started)
        entry = FleetEntry(run, name, holder, (now - began) / SECOND, *counts)
        found.append(StoredFleet(entry, (now - seen) / SECOND, bool(stop)))
    return found
