"""What is known of an endpoint for ranges in a store of each kind, by account and endpoint."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.range_record import RangeRecord, Witness
from hourlyclicks.model.targets import Link
from hourlyclicks.store.opening import store_of
from tests.model.strategies import NOON
from tests.store.test_kills import where

if TYPE_CHECKING:
    from hourlyclicks.store.protocol import Store
    from tests.store.locations import Location

V3, SUMS = "clicks-by-hour/v3", "clicks-by-date/v2"
HOUR = dt.timedelta(hours=1)
FULL = RangeRecord(
    cap=RangeCap(14),
    refused_at=NOON,
    proof=RangeProof(14, 13, first_included=True),
    proved_at=NOON + HOUR,
    witness=Witness(Link("가/+%", "https://vvd.bz"), DateRange.of("2024-02-20", "2024-03-04")),
    compared_at=NOON + 2 * HOUR,
    unusable_at=NOON + 3 * HOUR,
)


async def put(store: Store, account: int, record: RangeRecord) -> RangeRecord:
    """Put a record in the place of the stored one."""
    return await store.change_range_record(account, V3, lambda _: record)


@pytest.mark.parametrize("new_location", ["sqlite", "postgres", "memory"], indirect=True)
async def test_a_record_is_kept(location: Location) -> None:
    """As a whole and with nothing in it, apart from that of other endpoints and accounts."""
    store, account = await location.account()
    assert await store.range_record(account, V3) == RangeRecord()
    for record in (FULL, RangeRecord(), attrs.evolve(FULL, cap=MONTH, witness=None)):
        assert await put(store, account, record) == record
        assert await store.range_record(account, V3) == record
        assert await (await location.open()).range_record(account, V3) == record
    assert await store.range_record(account, SUMS) == RangeRecord()
    assert await store.range_record(await store.account("another"), V3) == RangeRecord()


@pytest.mark.parametrize("new_location", ["sqlite", "postgres", "memory"], indirect=True)
async def test_changes_at_the_same_time_are_all_made(location: Location) -> None:
    """Each is given what the one before has left, also of another store object."""
    (one, account), (two, _) = await location.account(), await location.account()

    def further(record: RangeRecord) -> RangeRecord:
        return attrs.evolve(record, proof=RangeProof(record.proof.from_first + 1))

    await asyncio.gather(
        *(store.change_range_record(account, V3, further) for store in (one, two) for _ in range(5))
    )
    assert (await one.range_record(account, V3)).proof.from_first == 10


async def test_it_is_read_but_not_changed_read_only(location: Location) -> None:
    """As everything in a store that is opened so."""
    store, account = await location.account()
    await put(store, account, FULL)
    reader = store_of(where(location), read_only=True)
    assert await reader.range_record(account, V3) == FULL
    with pytest.raises(StoreError, match="read-only"):
        await reader.change_range_record(account, V3, lambda _: RangeRecord())
    assert await reader.range_record(account, V3) == FULL
    await reader.close()


async def test_a_cell_of_another_program(location: Location) -> None:
    """An unreadable target is reported as such."""
    store, account = await location.account()
    await put(store, account, FULL)
    await location.sql("UPDATE range_endpoints SET witness = 'none'")
    with pytest.raises(StoreError, match="is no target: another program has changed it"):
        await store.range_record(account, V3)
