"""What is known of endpoints for ranges, in a PostgreSQL database: its statements, and its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.range_record import RangeRecord, Witness
from hourlyclicks.store.ledger import target_of
from hourlyclicks.store.schema import RANGES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    import asyncpg

    from hourlyclicks.store.postgres_days import Connection
    from hourlyclicks.store.protocol import RangeChange

    ReadRanges: TypeAlias = Callable[[Connection, int, str], Awaitable[RangeRecord]]

_READ = "SELECT * FROM hourlyclicks.range_endpoints WHERE account_id = $1 AND endpoint = $2"
_NEW = """INSERT INTO hourlyclicks.range_endpoints
    (account_id, endpoint, from_first, to_last, first_included, last_included)
    VALUES ($1, $2, 0, 0, FALSE, FALSE) ON CONFLICT DO NOTHING"""
_SET = """UPDATE hourlyclicks.range_endpoints SET
    cap_days = $3, refused_at = $4, from_first = $5, to_last = $6, first_included = $7, last_included = $8,
    proved_at = $9, witness = $10, witness_first = $11, witness_last = $12, compared_at = $13,
    unusable_at = $14 WHERE account_id = $1 AND endpoint = $2"""


async def read(db: Connection, of: int, endpoint: str) -> RangeRecord:
    """Return what is known of an endpoint."""
    return _record(await db.fetchrow(_READ, of, endpoint))


async def _read_nothing(_db: Connection, _of: int, _endpoint: str) -> RangeRecord:
    """Return that nothing is known: the tables are older."""
    return RangeRecord()


def stored_ranges(version: int) -> ReadRanges:
    """Return what reads it in the tables of a version."""
    return read if version >= RANGES else _read_nothing


class ChangeRanges:
    """Change what is known of an endpoint.

    Args:
        of: the account.
        endpoint: the name of the endpoint.
        step: see `hourlyclicks.store.protocol.Store.change_range_record`.
    """

    def __init__(self, of: int, endpoint: str, step: RangeChange) -> None:
        self._of = of
        self._endpoint = endpoint
        self._step = step

    async def __call__(self, db: Connection, _rows: object) -> RangeRecord:
        """Make the change within a transaction."""
        held = f"{_READ} FOR NO KEY UPDATE"
        row = await db.fetchrow(held, self._of, self._endpoint)
        if row is None:
            await db.execute(_NEW, self._of, self._endpoint)
            row = await db.fetchrow(held, self._of, self._endpoint)
        before = _record(row)
        record = self._step(before)
        if record != before:
            await self._write(db, record)
        return record

    @property
    def order(self) -> tuple[bool, int, str]:
        """See `hourlyclicks.store.postgres_database.DatabaseChange.order`."""
        return False, self._of, f"ranges of {self._endpoint}"

    async def _write(self, db: Connection, record: RangeRecord) -> None:
        proof, witness = record.proof, record.witness
        target = None if witness is None else str(witness.target)
        first, last = (None, None) if witness is None else (witness.days.start, witness.days.end)
        await db.execute(
            _SET,
            self._of,
            self._endpoint,
            record.cap.days,
            record.refused_at,
            *(proof.from_first, proof.to_last, proof.first_included, proof.last_included),
            record.proved_at,
            *(target, first, last),
            record.compared_at,
            record.unusable_at,
        )


def _record(row: asyncpg.Record | None) -> RangeRecord:
    if row is None:
        return RangeRecord()
    target = row["witness"]
    return RangeRecord(
        cap=RangeCap(row["cap_days"]),
        refused_at=row["refused_at"],
        proof=RangeProof(row["from_first"], row["to_last"], row["first_included"], row["last_included"]),
        proved_at=row["proved_at"],
        witness=None
        if target is None
        else Witness(target_of(target), DateRange(row["witness_first"], row["witness_last"])),
        compared_at=row["compared_at"],
        unusable_at=row["unusable_at"],
    )
