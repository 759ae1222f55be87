"""Runs over many accounts in a PostgreSQL database; see `hourlyclicks.store.fleets`.

Statements that change several rows lock them in order, so that two of them do not wait for each other.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, TypeVar

from hourlyclicks.store.fleets import KEPT, REPORTED_WITHIN, FleetEntry, StoredFleet
from hourlyclicks.store.leases import Holder
from hourlyclicks.store.postgres_catalog import has_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.store.postgres_days import Connection

T = TypeVar("T")

_NOW = "clock_timestamp()"
_REPORT = f"""INSERT INTO hourlyclicks.fleets AS known
    VALUES ($1, $2, $3, $4, $5, $6, {_NOW} - $7 * interval '1 second', {_NOW}, $8, $9, $10, FALSE)
    ON CONFLICT (run) DO UPDATE SET seen = EXCLUDED.seen, active = EXCLUDED.active,
        waiting = EXCLUDED.waiting, requests = EXCLUDED.requests
    RETURNING known.stop"""  # noqa: S608 - of constants
_STOP = """WITH wanted AS (
        SELECT run FROM hourlyclicks.fleets WHERE run = ANY ($1::text[]) ORDER BY run FOR NO KEY UPDATE)
    UPDATE hourlyclicks.fleets AS known SET stop = TRUE FROM wanted WHERE known.run = wanted.run"""
_FORGET = f"""WITH over AS (
        SELECT run FROM hourlyclicks.fleets WHERE run = $1 OR seen < {_NOW} - interval '{KEPT} seconds'
        ORDER BY run FOR UPDATE)
    DELETE FROM hourlyclicks.fleets AS known USING over WHERE known.run = over.run"""  # noqa: S608 - of constants
_LIST = f"""SELECT *, extract(epoch FROM {_NOW} - began)::float8 AS age,
        extract(epoch FROM {_NOW} - seen)::float8 AS silent
    FROM hourlyclicks.fleets WHERE seen > {_NOW} - interval '{REPORTED_WITHIN} seconds'
    ORDER BY began, run"""  # noqa: S608 - of constants


class PostgresFleets:
    """The runs over many accounts in PostgreSQL; see `hourlyclicks.store.fleets.FleetStore`."""

    async def report_fleet(self, entry: FleetEntry) -> bool:
        """See `hourlyclicks.store.fleets.FleetStore.report_fleet`."""
        run, name, (_, *process), age, *counts = entry
        return bool(await self._run(lambda db: db.fetchval(_REPORT, run, name, *process, age, *counts)))

    async def end_fleet(self, run: str) -> None:
        """See `hourlyclicks.store.fleets.FleetStore.end_fleet`."""
        await self._run(lambda db: db.execute(_FORGET, run))

    async def fleets(self) -> list[StoredFleet]:
        """See `hourlyclicks.store.fleets.FleetStore.fleets`."""
        return await self._run(_fleets)

    async def stop_fleets(self, runs: list[str]) -> None:
        """See `hourlyclicks.store.fleets.FleetStore.stop_fleets`."""
        self._refuse_changes()
        await self._run(lambda db: db.execute(_STOP, runs))

    @abstractmethod
    def _refuse_changes(self) -> None:
        """Raise `StoreError` if nothing must be changed."""

    @abstractmethod
    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run an operation."""


async def _fleets(db: Connection) -> list[StoredFleet]:
    if not await has_table(db, "fleets"):  # the tables are of an older version
        return []
    found = []
    for row in await db.fetch(_LIST):
        holder = Holder(row["run"], row["host"], row["machine"], row["pid"], row["started"])
        counts = row["active"], row["waiting"], row["requests"]
        entry = FleetEntry(row["run"], row["name"], holder, row["age"], *counts)
        found.append(StoredFleet(entry, row["silent"], row["stop"]))
    return found
