"""What is known of endpoints for ranges, in a SQLite file: its statements, and the conversion of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.range_record import RangeRecord, Witness
from hourlyclicks.store.ledger import target_of
from hourlyclicks.store.sqlite_cells import as_written, date_of, moment_of, text_of

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3

    from hourlyclicks.store.protocol import RangeChange

_READ = """SELECT cap_days, refused_at, from_first, to_last, first_included, last_included, proved_at,
    witness, witness_first, witness_last, compared_at, unusable_at
    FROM range_endpoints WHERE account_id = ? AND endpoint = ?"""
_PUT = "INSERT OR REPLACE INTO range_endpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def read(db: sqlite3.Connection, account: int, endpoint: str) -> RangeRecord:
    """Return what is known of an endpoint."""
    row = db.execute(_READ, (account, endpoint)).fetchone()
    return RangeRecord() if row is None else _record(row)


def change(db: sqlite3.Connection, account: int, endpoint: str, step: RangeChange) -> RangeRecord:
    """Change it, within a transaction; see `hourlyclicks.store.protocol.Store.change_range_record`."""
    before = read(db, account, endpoint)
    record = step(before)
    if record != before:
        db.execute(_PUT, (account, endpoint, *_cells(record)))
    return record


def _record(row: tuple[Any, ...]) -> RangeRecord:
    days, refused, first, last, first_included, last_included, proved, *witness, compared, unusable = row
    with as_written():
        return RangeRecord(
            cap=RangeCap(days),
            refused_at=_moment(refused),
            proof=RangeProof(int(first), int(last), bool(first_included), bool(last_included)),
            proved_at=_moment(proved),
            witness=None if witness[0] is None else _witness(*witness),
            compared_at=_moment(compared),
            unusable_at=_moment(unusable),
        )


def _witness(target: str, first: str, last: str) -> Witness:
    return Witness(target_of(target), DateRange(date_of(first), date_of(last)))


def _cells(record: RangeRecord) -> tuple[Any, ...]:
    proof, witness = record.proof, record.witness
    return (
        record.cap.days,
        _text(record.refused_at),
        proof.from_first,
        proof.to_last,
        proof.first_included,
        proof.last_included,
        _text(record.proved_at),
        *((None,) * 3 if witness is None else _texts(witness)),
        _text(record.compared_at),
        _text(record.unusable_at),
    )


def _texts(witness: Witness) -> tuple[str, str, str]:
    return str(witness.target), str(witness.days.start), str(witness.days.end)


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else moment_of(text)


def _text(moment: dt.datetime | None) -> str | None:
    return None if moment is None else text_of(moment)
