"""Reading a store without a key."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hourlyclicks.store
from hourlyclicks import DateRange, StoreError, UsageError
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.store import open_store, stored_account
from hourlyclicks.store.coverage import cover
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, Revision
from hourlyclicks.store.protocol import NoStoreError
from hourlyclicks.store.stored_account import chunks
from tests.cli.filled_stores import LATER, LINK, TEAM, WHOLE, answer, days, fill, stock, trouble
from tests.store.locations import SqliteLocation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.locations import DatabaseLocation, Location

APRIL = DateRange.of("2025-04-01", "2025-04-30")


async def test_what_was_put_is_read(location: Location) -> None:
    """Accounts, targets, series, entries and counts are those of the store, in a file and in a database."""
    store, number = await location.account("a" * 32)
    put = [answer(day) for day in days("2025-04-03", 4)]
    for day in put:
        await store.put(number, LINK, day, requests=1)
    await store.record_failure(number, LINK, trouble(APRIL[20]))
    where = location.path if isinstance(location, SqliteLocation) else cast("DatabaseLocation", location).dsn
    async with open_store(where, timezone="UTC") as reader:
        [account] = await reader.accounts()
        assert (account.fingerprint, account.short, account.number) == ("a" * 32, "a" * 8, number)
        assert await account.targets() == [LINK]
        series = await account.series("2025-04-01", APRIL.end, LINK)
        assert series == merge_days(APRIL, put, target=LINK)
        assert (await account.series(APRIL.start, APRIL.end)).missing_days == tuple(APRIL)
        entries = await account.entries(LINK, APRIL)
        assert entries == await account.entries(LINK) == await store.entries(number, LINK, APRIL)
        assert await account.count_by_state(LINK) == {DayState.FINAL: 4, DayState.FAILED: 1}
        found = await account.coverage(LINK, APRIL, now=LATER)
        assert found == cover(LINK, entries, APRIL, now=LATER, zone=dt.UTC)
        assert (await account.coverage(LINK)).range == DateRange(put[0].date, APRIL[20])
        assert await store.known_range(number, LINK) == DateRange(put[0].date, APRIL[20])
        assert await store.known_range(number, TEAM) is None
        whole = DateRange(put[0].date, put[-1].date)
        assert await account.coverage(LINK, whole, now=LATER) == cover(
            LINK, entries[:4], whole, now=LATER, zone=dt.UTC
        )
        assert [each async for each in account.coverages([LINK, TEAM], APRIL, now=LATER)] == [
            await account.coverage(target, APRIL, now=LATER) for target in (LINK, TEAM)
        ]
        [summary] = await account.summarize(now=LATER)
        assert (summary.target, summary.range) == (LINK, DateRange(put[0].date, APRIL[20]))
        assert (summary.missing_days, summary.complete_days) == (14, 4)
        assert (summary.newest_complete, summary.due) == (put[-1].date, 15)
        assert [day async for day in account.days(APRIL.start, APRIL.end, LINK)] == put
        assert await account.history(LINK) == []
        assert await account.history(LINK, APRIL) == [Revision(1, day) for day in put]


async def test_replaced_figures_are_read(location: Location) -> None:
    """With the current ones, of the days whose figures were replaced or of those that are named."""
    store, number = await location.account("a" * 32)
    first, second, third = [answer(day) for day in days("2025-04-03", 3)]
    for day in (first, second, third):
        await store.put(number, LINK, day, requests=1)
    newer = attrs.evolve(second, clicks=(9, *second.clicks[1:]), fetched_at=LATER + dt.timedelta(hours=1))
    await store.put(number, LINK, newer, requests=1)
    where = location.path if isinstance(location, SqliteLocation) else cast("DatabaseLocation", location).dsn
    async with open_store(where) as reader:
        [account] = await reader.accounts()
        assert await account.history(LINK) == [Revision(1, second), Revision(2, newer)]
        both = DateRange(first.date, second.date)
        assert await account.history(LINK, both) == [
            Revision(1, first),
            Revision(1, second),
            Revision(2, newer),
        ]
        assert await account.history(LINK, DateRange(first.date, first.date)) == [Revision(1, first)]


def test_nothing_is_made_or_changed(tmp_path: Path) -> None:
    """The file stays as it is to the byte, and one that is not there stays away."""
    path = stock(tmp_path / "clicks.db")
    before = (path.read_bytes(), path.stat().st_mtime_ns, list(tmp_path.iterdir()))

    async def look() -> None:
        async with open_store(path) as store:
            account = await store.account()
            for target in await account.targets():
                await account.coverage(target)
                await account.series("2025-04-01", "2025-04-30", target)
        with pytest.raises(StoreError, match="no such file"):
            async with open_store(tmp_path / "none.db"):
                pass

    asyncio.run(look())
    assert (path.read_bytes(), path.stat().st_mtime_ns, list(tmp_path.iterdir())) == before


async def test_a_database_without_a_store_has_none(empty_database: DatabaseLocation) -> None:
    """The error says so, and no table is made."""
    with pytest.raises(NoStoreError, match="no store in this database"):
        async with open_store(empty_database.dsn):
            pass
    assert await empty_database.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'hourlyclicks'") == []


def test_an_account_is_found_by_its_name(path: Path) -> None:
    """By name, by the beginning of its fingerprint, or as the only one; otherwise all are named."""

    async def look() -> None:
        async with open_store(str(path)) as store:
            first, second = await store.accounts()
            for name in ("news", second.fingerprint, second.short):
                assert (await store.account(name)).number == second.number
            for unknown in ("olds", first.fingerprint[:7], "0" * 8):
                with pytest.raises(UsageError, match=f"{first.short}, {second.short}"):
                    await store.account(unknown)
            with pytest.raises(UsageError, match=f"2 accounts: name one.*{first.short}"):
                await store.account()
            found = await store.find(lambda salt: fingerprint_of("news", salt))
            assert found is not None
            assert found.number == second.number
            assert await store.find(lambda _: "0" * 32) is None

    fill(path, LINK, [])
    fill(path, LINK, [], account="news")
    asyncio.run(look())


def test_the_only_account_needs_no_name(path: Path) -> None:
    """An empty store is an error that says so; opened to write, the account is made."""

    async def look() -> None:
        async with open_store(path, read_only=False) as store:
            assert await store.accounts() == ()
            with pytest.raises(UsageError, match="it is empty"):
                await store.account()

    async def look_again() -> None:
        async with open_store(path) as store:
            assert (await store.account()).number == 1

    asyncio.run(look())
    fill(path, LINK, [])
    asyncio.run(look_again())


async def test_a_store_that_is_given_stays_open(location: Location) -> None:
    """It belongs to the program that made it."""
    store, number = await location.account()
    async with open_store(store) as reader:
        assert [account.number for account in await reader.accounts()] == [number]
    await store.put(number, LINK, answer(APRIL.start), requests=1)


async def test_failures_are_counted_by_kind(location: Location) -> None:
    """Texts of one kind are counted together; days outside the range or without a request are not."""
    store, number = await location.account()
    why = Failure("TimeoutError", "timed out")
    timeout = LedgerEntry(APRIL[3], DayState.FAILED, LATER, 2, reason=why)
    noted = attrs.evolve(trouble(APRIL[4]), attempts=0)
    known = [trouble(APRIL[0], text="a"), trouble(APRIL[1], text="b"), trouble(APRIL[2], refused=True)]
    for target in (LINK, TEAM):
        for entry in (*known, timeout, noted):
            await store.record_failure(number, target, entry)
    account = await open_store(store).account()
    found = await account.count_failures([LINK, TEAM, WHOLE])
    assert found == {Failure("ServerError", "a", None, 200): 4, why: 2}
    assert await account.count_failures([LINK], DateRange(APRIL[2], APRIL[4])) == {why: 1}


def test_a_target_with_figures_elsewhere_is_not_parked(path: Path) -> None:
    """All known days count, not only those of the range."""
    reason = Failure("ApiError", "no such link", 7, 200)
    rejections = [attrs.evolve(trouble(day), reason=reason) for day in days("2025-04-01", 5)]
    fill(path, LINK, [*rejections, answer(days("2025-05-01", 1)[0])])
    fill(path, TEAM, rejections)

    async def look() -> None:
        async with open_store(path) as store:
            account = await store.account()
            assert (await account.coverage(LINK, APRIL)).parked is None
            assert "no such link" in str((await account.coverage(TEAM, APRIL)).parked)

    asyncio.run(look())


@given(st.integers(1, 20), st.integers(1, 60))
def test_parts_cover_a_range_once(size: int, length: int) -> None:
    """The pages have each day once, in order, and none is longer than allowed."""
    range_ = DateRange(APRIL.start, APRIL.start + dt.timedelta(days=length - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_account, "_CHUNK", size)
        parts = list(chunks(range_))
    assert [day for part in parts for day in part] == list(range_)
    assert all(len(part) <= size for part in parts)


def test_the_public_names_are_there() -> None:
    """Each is imported when it is first used, and other names are none."""
    assert set(hourlyclicks.store.__all__) <= set(dir(hourlyclicks.store))
    assert all(hasattr(hourlyclicks.store, name) for name in hourlyclicks.store.__all__)
    with pytest.raises(AttributeError, match="no attribute 'opne_store'"):
        hourlyclicks.store.opne_store  # noqa: B018 - the access is what is tested


def test_a_store_is_a_path_or_an_address() -> None:
    """Anything else is refused before it is opened."""
    with pytest.raises(UsageError, match="a store is"):
        open_store(cast("str", 7))
    with pytest.raises(UsageError, match="zone"):
        open_store("clicks.db", timezone="Mars/Olympus")
