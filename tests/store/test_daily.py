"""The sums of days in a store of each kind, and figures that an audit puts in doubt."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import StoreError
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.targets import Link
from hourlyclicks.store.daily import LARGEST, is_due, to_write
from hourlyclicks.store.freshness import SKEW, Freshness, Reader
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.opening import store_of
from tests.model.strategies import FIRST, NOON, a_day
from tests.store.answers import ALL, LATER, ME, day
from tests.store.locations import SqliteLocation
from tests.store.test_kills import where

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.locations import Location

READER = Reader(NOON + dt.timedelta(hours=1))
MOMENTS = st.sampled_from([NOON, LATER, READER.now + 2 * SKEW])


def a_sum(
    date: dt.date, clicks: int | None = 7, *, at: dt.datetime = NOON, final: bool = True
) -> DailyClicks:
    """Return the sum of a day."""
    return DailyClicks(date, clicks, clicks, at, final)


SUMS = st.builds(a_sum, st.just(FIRST), st.sampled_from([None, 0, 7]), at=MOMENTS, final=st.booleans())


@given(SUMS, SUMS)
def test_the_later_answer_is_kept(one: DailyClicks, other: DailyClicks) -> None:
    """Figures are never lost to an answer without them, and a stamp in the future counts for nothing."""
    kept = to_write([other], {FIRST: one}, READER)
    if READER.in_future(one.fetched_at):
        assert kept == [other]
    elif one.reported and not other.reported:
        assert kept == []
    else:
        assert bool(kept) is (other.fetched_at >= one.fetched_at)


@pytest.mark.parametrize(
    ("known", "refresh", "due"),
    [
        (None, False, True),
        (a_sum(FIRST), False, False),
        (a_sum(FIRST, None), False, False),
        (a_sum(FIRST), True, True),
        (a_sum(NOON.date(), final=False), False, True),
        (a_sum(FIRST, at=READER.now + 2 * SKEW), False, True),
    ],
)
def test_a_final_day_is_not_due(known: DailyClicks | None, due: bool, *, refresh: bool) -> None:  # noqa: FBT001 - parametrized
    """A missing, provisional or wrongly stamped day is, and any day of a refresh."""
    freshness = Freshness(READER.now - dt.timedelta(minutes=1), refresh=refresh)
    assert is_due(known, freshness, READER.now) is due


@pytest.mark.parametrize("new_location", ["sqlite", "postgres", "memory"], indirect=True)
async def test_sums_are_read_as_they_were_written(location: Location) -> None:
    """Day by day, by account and target, apart from the hours, which they leave alone."""
    store, account = await location.account()
    link = Link("kYdr", "https://vvd.bz")
    sums = [a_sum(day(0), LARGEST), a_sum(day(1), None), a_sum(day(3), 0, final=False)]
    await store.put_daily(account, link, sums, reader=READER)
    await store.put_daily(account, link, [], reader=READER)
    assert await store.read_daily(account, link, ALL) == sums
    assert await store.read_daily(account, ME, ALL) == []
    assert await store.read_daily(await store.account("you"), link, ALL) == []
    assert await store.targets(account) == []
    await store.put(account, link, a_day(FIRST), requests=1)
    better = [a_sum(day(1), None, at=LATER), a_sum(day(3), 9, at=LATER), a_sum(day(0), None, at=LATER)]
    await store.put_daily(account, link, better, reader=READER)
    assert await store.read_daily(account, link, ALL) == [sums[0], *better[:2]]
    assert [len(await store.read(account, link, ALL)), await store.targets(account)] == [1, [link]]
    assert await location.sql("SELECT CAST(date AS TEXT), clicks FROM daily ORDER BY 1") == [
        (str(each.date), each.clicks) for each in (sums[0], *better[:2])
    ]
    with pytest.raises(StoreError):
        await store.put_daily(account, link, [a_sum(FIRST, LARGEST + 1, at=LATER)], reader=READER)


@pytest.mark.parametrize("new_location", ["sqlite", "postgres", "memory"], indirect=True)
async def test_figures_in_doubt_are_requested_again(location: Location) -> None:
    """They are kept and provisional, until an answer has as many hours; one with fewer needs another."""
    store, account = await location.account()
    fetched = READER.now - dt.timedelta(minutes=10)
    await store.put(account, ME, a_day(FIRST, at=fetched), requests=1, reader=READER)
    assert await store.doubt(account, ME, FIRST)
    assert not await store.doubt(account, ME, FIRST)
    assert not await store.doubt(account, ME, day(1))
    (entry,) = await store.entries(account, ME, ALL)
    assert (entry.state, entry.doubted_at, entry.attempts) == (DayState.PROVISIONAL, fetched, 1)
    assert READER.state(entry) is DayState.PROVISIONAL
    assert Freshness(READER.now, patient=True).is_stale(entry, READER.now)
    held = [attrs.evolve(a_day(FIRST, at=fetched), final=False)]
    assert await store.read(account, ME, ALL) == held
    fewer = a_day(FIRST, None, at=READER.now)
    assert (await store.put(account, ME, fewer, requests=1, reader=READER)).doubted_at == READER.now
    assert await store.read(account, ME, ALL) == held
    await store.put(account, ME, a_day(FIRST, 5, at=READER.now), requests=1, reader=READER)
    (entry,) = await store.entries(account, ME, ALL)
    assert (READER.state(entry), entry.revision, entry.attempts) == (DayState.FINAL, 2, 3)


async def test_cells_of_another_program_are_an_error(path: Path) -> None:
    """SQLite accepts any value; what is no count is not returned."""
    location = SqliteLocation(path)
    store, account = await location.account()
    await store.put_daily(account, ME, [a_sum(FIRST)], reader=READER)
    await location.sql("UPDATE daily_sums SET clicks = NULL")
    with pytest.raises(StoreError, match="another program has changed it"):
        await store.read_daily(account, ME, ALL)
    await location.close()


async def test_a_reader_changes_nothing(location: Location) -> None:
    """It reads the sums, and cannot write them or put figures in doubt."""
    store, account = await location.account()
    await store.put_daily(account, ME, [a_sum(FIRST)], reader=READER)
    reader = store_of(where(location), read_only=True)
    assert await reader.read_daily(account, ME, ALL) == [a_sum(FIRST)]
    for change in (
        reader.put_daily(account, ME, [a_sum(FIRST, 8)], reader=READER),
        reader.doubt(account, ME, FIRST),
    ):
        with pytest.raises(StoreError, match="read-only"):
            await change
    await reader.close()
