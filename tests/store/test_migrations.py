"""Stores of older versions: they are read as they are, and migrated when they are opened to write."""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
import re
import shutil
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from yarl import URL

from hourlyclicks import Client, Limits
from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import StoreError
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.model.range_record import RangeRecord
from hourlyclicks.model.targets import Account, Link
from hourlyclicks.simulator import Simulator
from hourlyclicks.store import (
    postgres_database,
    postgres_migration,
    sqlite_file,
    sqlite_migration,
    sqlite_open,
    sqlite_schema,
)
from hourlyclicks.store.freshness import Freshness, Reader
from hourlyclicks.store.ledger import DayState, LedgerEntry, Revision
from hourlyclicks.store.migration import Migration
from hourlyclicks.store.opening import store_of
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.schema import DAILY, LEASES, RANGES, scripts
from hourlyclicks.store.sqlite import SqliteStore
from tests.forked import forked
from tests.model.strategies import FIRST, NOON, a_day
from tests.sizes import sample, sized
from tests.store.answers import ALL, LATER, ME, day
from tests.store.locations import SqliteLocation
from tests.store.migrating_process import migrate
from tests.store.older_stores import CLICKS, DAY, cells, older_database, older_file
from tests.store.summaries import day_by_day
from tests.store.test_kills import where
from tests.store.test_read_only import everything
from tests.store.test_schema import DEFINED, definition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.store.protocol import Store
    from tests.store.locations import DatabaseLocation, Location, NewLocation

ROOT = Path(__file__).parents[2]
DAYS_OF_VERSION_2 = 31
OLDER_STATE = (
    '{"seen":5,"longest":61,"released":[1,2],"flights":{},"claims":{},"lines":{},"served":{"a":1},'
    '"pause":[0,0,false,false],"brake":[0,0,1,false],"even":0}'
)
"""The state of the limiter as those versions wrote it; that of the older tables is made up."""
TARGETS = (Account(), Link("kYdr", "https://vvd.bz"))


@pytest.fixture
async def location(new_location: NewLocation) -> Location:
    """Make a location without tables."""
    return await new_location(bare=True)


async def make_older(location: Location, version: int) -> None:
    """Make a store of an older version in a location that is empty."""
    if isinstance(location, SqliteLocation):
        older_file(location.path, version)
    else:
        await older_database(where(location), version)


@pytest.fixture(params=[1, 2])
async def version(request: pytest.FixtureRequest, location: Location) -> int:
    """Make a store of an older version, and return which."""
    number: int = request.param
    await make_older(location, number)
    return number


@pytest.fixture
async def older(location: Location) -> Location:
    """Make a store of version 2, which has days in every state."""
    await make_older(location, 2)
    return location


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy three days at a time."""
    for module in (sqlite_migration, postgres_migration):
        monkeypatch.setattr(module, "BATCH", 3)


async def content(store: Store) -> Mapping[object, object]:
    """Return all that a store reads of the first account."""
    account = (await store.accounts())["me"]
    return {
        (target, name): await getattr(store, name)(account, target, ALL)
        for target in await store.targets(account)
        for name in ("entries", "read", "revisions", "count_by_state")
    }


async def test_no_cell_is_changed(location: Location, version: int) -> None:
    """Whatever the state of a day, and in every table and view that there was."""
    before = await cells(location, version)
    assert len(before[0]) == {1: 2, 2: DAYS_OF_VERSION_2}[version]
    await location.open()
    assert await cells(location, version) == before


async def test_older_tables_are_read_as_they_are(location: Location, version: int) -> None:
    """The same is read before and after, and reading changes nothing."""
    before = await cells(location, version)
    reader = store_of(where(location), read_only=True)
    found = await content(reader)
    assert [key for key, value in found.items() if value]
    assert await cells(location, version) == before
    assert await content(await location.open()) == found
    assert await content(reader) == found
    await reader.close()


async def test_the_states_of_older_days_are_computed(location: Location, version: int) -> None:
    """Also by a reader with a clock, one by one and for many targets, and failing targets are known."""
    reader = store_of(where(location), read_only=True)
    account = (await reader.accounts())["me"]
    states = await reader.count_by_state(account, ME, ALL, reader=Reader(NOON))
    entries = await reader.entries(account, ME, ALL)
    assert states.total() == len(entries)
    freshness = Freshness(NOON)
    [summary] = await reader.summarize(account, [ME], None, freshness=freshness, now=NOON)
    assert summary == day_by_day(ME, entries, None, freshness=freshness, now=NOON)
    assert len(await reader.targets(account, failing=True)) == (version > 1) * len(TARGETS)
    await reader.close()


async def test_a_migrated_store_is_used(location: Location, version: int) -> None:
    """As any other one; what was replaced afterwards is a revision."""
    store, account = await location.account()
    (known,) = [each for each in await store.read(account, ME, ALL) if each.date == FIRST]
    answer = a_day(FIRST, 7, at=LATER)
    await store.put(account, ME, answer, requests=1)
    await store.put(account, ME, a_day(FIRST, 7, at=LATER.replace(hour=20)), requests=1)
    if version == 1:
        assert await store.revisions(account, ME, ALL) == [Revision(1, known)]
    assert (await store.account("third")) == version + 1


async def test_a_backfill_resumes_in_an_older_store(location: Location, version: int) -> None:
    """What the older version had completed is not requested again, everything else is."""
    store, account = await location.account()
    name = fingerprint_of("acme", await store.salt())
    await location.sql(f"UPDATE accounts SET fingerprint = '{name}' WHERE id = {account}")  # noqa: S608 - hexadecimal
    await location.sql(f"UPDATE pacing SET state = '{OLDER_STATE}'")  # noqa: S608 - our own
    period = DateRange(FIRST, day(DAYS_OF_VERSION_2 - 1))
    entries, now = await store.entries(account, ME, period), SystemClock().wall()
    complete = {entry.date for entry in entries if not Freshness(now, patient=True).is_stale(entry, now)}
    assert len(complete) >= version
    upstream = Simulator(limits=(), concurrency=0, latency=(0.0, 0.0))
    client = Client(
        upstream.key,
        account="acme",
        limits=Limits(concurrency=4),
        transport=upstream.transport(SystemClock()),
        store=store,
    )
    async with client:
        report = await client.backfill(period.start, period.end, [ME])
    asked = {URL(f"?{arrival.query}").query["ymd"] for arrival in upstream.seen}
    assert {str(date) for date in set(period) - complete} == asked
    assert (report.remaining, report.reused + report.refused) == (0, len(complete))


@pytest.mark.parametrize("before", sample(range(DAILY - 1, len(scripts("sqlite"))), 2))
async def test_a_backfill_goes_on_in_the_store_of_each_later_version(
    location: Location, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """What a run stored in the tables of an older version, the last one included, is not requested again."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.0, 0.0))
    half, period = day(4), DateRange(FIRST, day(9))

    async def backfill(end: dt.date) -> BackfillReport:
        client = Client(
            upstream.key,
            limits=Limits(concurrency=4),
            transport=upstream.transport(SystemClock()),
            store=await location.open(),
        )
        async with client:
            return await client.backfill(period.start, end, TARGETS)

    with monkeypatch.context() as patch:
        only(before, patch)
        assert (await backfill(half)).complete
    report = await backfill(period.end)
    assert (report.complete, report.reused, report.done) == (True, 10, 10)
    assert len({arrival.query for arrival in upstream.seen}) == len(upstream.seen) == 20
    reader = store_of(where(location), read_only=True)
    (account,) = (await reader.accounts()).values()
    for target in TARGETS:
        assert [each.date for each in await reader.read(account, target, period)] == list(period)
    await reader.close()
    only(before, monkeypatch)
    with pytest.raises(StoreError, match=r"a newer hourlyclicks .*update hourlyclicks"):
        await location.open()


def only(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process know the tables up to a version only."""
    for module in (sqlite_migration, sqlite_open, sqlite_schema, postgres_migration):
        monkeypatch.setattr(module, "LATEST", version)
    monkeypatch.setattr(sqlite_schema, "tables", lambda kind: "".join(scripts(kind)[:version]))
    if version < LEASES:  # accounts were found by one fingerprint
        monkeypatch.setattr(sqlite_file, "_ACCOUNT", "SELECT id FROM accounts WHERE fingerprint = :of")
        find = "SELECT id FROM hourlyclicks.accounts WHERE fingerprint = $1"
        monkeypatch.setattr(postgres_database, "_ACCOUNT", find)


async def test_a_store_without_sums(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has none to read, gets the tables when it is opened, and is too new for the version before."""
    with monkeypatch.context() as patch:
        only(DAILY - 1, patch)
        store, account = await location.account()
        await store.put(account, ME, a_day(FIRST), requests=1)
    reader = store_of(where(location), read_only=True)
    assert await reader.read_daily(account, ME, ALL) == []
    assert await reader.read(account, ME, ALL) == [a_day(FIRST)]
    newer = await location.open()
    sums = [DailyClicks(FIRST, 1, 1, NOON, final=True)]
    await newer.put_daily(account, ME, sums, reader=Reader(NOON))
    assert await newer.read(account, ME, ALL) == [a_day(FIRST)]
    await store.put(account, ME, a_day(FIRST, 2, at=LATER), requests=1)  # it is open, and may go on
    assert await newer.read_daily(account, ME, ALL) == sums
    only(DAILY - 1, monkeypatch)
    with pytest.raises(StoreError, match=r"a newer hourlyclicks .*update hourlyclicks"):
        await location.open()
    await reader.close()


async def test_a_store_without_records_of_ranges(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has none to read, and is migrated in place."""
    with monkeypatch.context() as patch:
        only(RANGES - 1, patch)
        store, account = await location.account()
        await store.put(account, ME, a_day(FIRST), requests=1)
    reader = store_of(where(location), read_only=True)
    assert await reader.range_record(account, "clicks-by-hour/v3") == RangeRecord()
    assert await reader.read(account, ME, ALL) == [a_day(FIRST)]
    newer, record = await location.open(), RangeRecord(compared_at=NOON)
    await newer.change_range_record(account, "clicks-by-hour/v3", lambda _: record)
    await store.put(account, ME, a_day(FIRST, 2, at=LATER), requests=1)  # it is open, and may go on
    assert await newer.range_record(account, "clicks-by-hour/v3") == record
    only(RANGES - 1, monkeypatch)
    with pytest.raises(StoreError, match=r"a newer hourlyclicks .*update hourlyclicks"):
        await location.open()
    await reader.close()


async def test_a_migrated_store_has_the_tables_of_a_new_one(
    older: Location, new_location: NewLocation
) -> None:
    """Nothing else is left."""
    await older.open()
    new = await new_location()
    await new.open()
    if isinstance(new, SqliteLocation):
        found = [
            [(*names, definition(sql)) for *names, sql in await each.sql(DEFINED)] for each in (older, new)
        ]
    else:
        query = """SELECT table_name, column_name, data_type, column_default, is_nullable
            FROM information_schema.columns WHERE table_schema = 'hourlyclicks'
            ORDER BY table_name, ordinal_position"""
        found = [await each.sql(query) for each in (older, new)]
    assert found[0] == found[1] != []


@pytest.mark.usefixtures("small_batches")
async def test_the_progress_is_reported(older: Location) -> None:
    """After each batch."""
    steps: list[tuple[int, int]] = []
    store = store_of(where(older), on_migration=lambda done, total: steps.append((done, total)))
    await store.open()
    await store.close()
    assert steps[:2] == [(3, DAYS_OF_VERSION_2), (6, DAYS_OF_VERSION_2)]
    assert steps[-1] == (DAYS_OF_VERSION_2, DAYS_OF_VERSION_2)
    store = store_of(where(older), on_migration=lambda *_: pytest.fail("it is migrated"))
    await store.open()
    await store.close()


def migrate_until(location: Location, batches: int) -> int:
    """Let a process migrate a store, kill it after some batches, and return how many days it has copied."""
    here, there = multiprocessing.Pipe()
    process, copied = forked(migrate, where(location), there), 0
    for _ in range(batches):
        copied = here.recv()
        here.send("go on")
    process.kill()  # within the next batch
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it was done too soon"
    for end in (here, there):
        end.close()
    return copied


async def test_a_killed_migration_goes_on(older: Location) -> None:
    """After a SIGKILL the store is as before to all readers, and the next migration copies only the rest."""
    before = await cells(older, 2)
    copied = 0
    for _ in range(sized(2, 4)):
        more = migrate_until(older, 2)
        assert more > copied
        copied = more
        assert await cells(older, 2) == before
        reader = store_of(where(older), read_only=True)
        assert len(await reader.read(1, ME, ALL)) == 13
        await reader.close()
    await older.open()
    assert await cells(older, 2) == before


@pytest.mark.usefixtures("small_batches")
async def test_a_store_that_is_closed_stops_its_migration(
    older: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the batch under way; the next one goes on."""
    before = await cells(older, 2)
    steps: list[int] = []
    loop, stopped, stop = asyncio.get_running_loop(), threading.Event(), Migration.stop

    def stop_and_say(migration: Migration) -> None:
        stop(migration)
        stopped.set()

    monkeypatch.setattr(Migration, "stop", stop_and_say)

    def close_after_a_batch(done: int, _: int) -> None:
        steps.append(done)
        if len(steps) == 1:
            closed.append(asyncio.run_coroutine_threadsafe(store.close(), loop))
        if isinstance(older, SqliteLocation):  # else this is the thread of the event loop
            stopped.wait()

    closed: list[Future[None]] = []
    store = store_of(where(older), on_migration=close_after_a_batch)
    with pytest.raises(StoreError, match="the next command continues it"):
        await store.open()
    await asyncio.wrap_future(closed[0])
    assert len(steps) < DAYS_OF_VERSION_2 // 3
    assert await cells(older, 2) == before
    await older.open()
    assert await cells(older, 2) == before


NEW_DAY = DAY.format("2020-01-01", "empty", 0, 1)
OLDER_PUT = """DELETE FROM hours WHERE series_id = 1 AND date = '{date}';
    INSERT INTO hours (series_id, date, hour, clicks, unique_users) VALUES (1, '{date}', 3, {n}, {n});
    UPDATE days SET hours = 1, attempts = attempts + 1 WHERE series_id = 1 AND date = '{date}'"""
CHANGED = {"2024-02-25": 11, "2024-03-12": 12}
"""A day of the first batch, and one of a later one."""


async def change_as_an_older_process(location: Location) -> None:
    """Add a day, and change two others, each in a transaction."""
    changes = [NEW_DAY, *[OLDER_PUT.format(date=date, n=n) for date, n in CHANGED.items()]]
    if isinstance(location, SqliteLocation):
        with closing(sqlite3.connect(location.path, isolation_level=None)) as db:
            for change in changes:
                db.executescript(f"BEGIN; {change}; COMMIT")
    else:
        other: Any = await asyncpg.connect(where(location), server_settings={"search_path": "hourlyclicks"})
        for change in changes:
            await other.execute(change)
        await other.close()


@pytest.mark.usefixtures("small_batches")
async def test_what_an_older_process_writes_meanwhile_is_not_lost(older: Location) -> None:
    """Whether the day was copied before, was not yet, or was not there."""

    def change(done: int, _total: int) -> None:
        if done == 6:
            with ThreadPoolExecutor(1) as thread:  # with an event loop of its own
                thread.submit(asyncio.run, change_as_an_older_process(older)).result()

    store = store_of(where(older), on_migration=change)
    await store.open()
    found = await older.sql(CLICKS)
    for date, n in CHANGED.items():
        assert [row[3:6] for row in found if row[:3] == (1, "account", date)] == [(3, n, n)]
    first, *rest = await store.entries(1, ME, DateRange(dt.date(2020, 1, 1), ALL.end))
    assert first.state is DayState.EMPTY
    assert len(rest) == 15
    await store.close()


async def test_an_older_process_that_still_writes_is_refused_in_words(older: Location) -> None:
    """It reads why, and nothing it wrote is mixed with the new tables."""
    await older.open()
    with pytest.raises(
        (sqlite3.IntegrityError, asyncpg.RaiseError), match="a newer hourlyclicks has changed its tables"
    ):
        await older.sql(OLDER_PUT.split(";")[1].format(date="2024-02-25", n=1))


async def test_both_versions_of_the_endpoint_write_the_series_of_an_older_store(older: Location) -> None:
    """No target has two series, and an older process that would make another one is refused."""
    before = await older.sql("SELECT id, target FROM series ORDER BY id")
    store = await older.open()
    await store.put_days(1, ME, [a_day(FIRST, 7, at=LATER)], requests=1, endpoint="v3")
    assert await older.sql("SELECT id, target FROM series ORDER BY id") == before
    assert await older.sql("SELECT DISTINCT endpoint FROM series") == [("clicks-by-hour",)]
    with pytest.raises(
        (sqlite3.IntegrityError, asyncpg.RaiseError), match="a newer hourlyclicks has changed its tables"
    ):
        await older.sql(
            "INSERT INTO series (account_id, endpoint, target) VALUES (1, 'clicks-by-hour/v2', 'group 7')"
        )


# -- files ----------------------------------------------------------------------------------------------


async def test_an_older_file_is_migrated_while_another_process_uses_it(path: Path) -> None:
    """The statements of the other connection are planned again."""
    older_file(path, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        assert other.execute("SELECT count(*) FROM days").fetchone() == (2,)
        store = SqliteStore(path)
        await store.open()
        other.execute(DAY.format(day(2), "empty", 0, 1))
        other.execute("INSERT OR REPLACE INTO pacing VALUES (?, ?)", (1, "text"))
    (entry,) = (await store.entries(await store.account("me"), ME, ALL))[2:]
    assert (entry.date, entry.state, entry.doubted_at) == (day(2), DayState.EMPTY, None)
    await store.close()


@pytest.mark.parametrize("number", [1, 2])
async def test_a_kill_within_a_script_leaves_a_file_that_opens(
    path: Path, tmp_path: Path, number: int
) -> None:
    """What was written of the new tables is undone, and done again as a whole."""
    older_file(path, number)
    copy = tmp_path / "left.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")  # so that it is written before it is committed
        db.execute("BEGIN IMMEDIATE")
        for statement in re.sub("--.*", "", scripts("sqlite")[number]).split(";")[:-6]:
            db.execute(statement)
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{end}", f"{copy}{end}")
    store = SqliteStore(copy)
    entries = await store.entries(await store.account("me"), ME, ALL)
    assert entries[0] == LedgerEntry(FIRST, DayState.FINAL, NOON, 3 - number, 1, hours=entries[0].hours)
    await store.close()


async def test_a_store_that_cannot_be_written_is_read_in_its_own_version(path: Path) -> None:
    """No copy of it is made, and no file next to it."""
    older_file(path, 2)
    before = everything(path.parent)
    store = SqliteStore(path, read_only=True)
    assert await content(store)
    await store.close()
    assert everything(path.parent) == before


# -- databases ------------------------------------------------------------------------------------------


@pytest.fixture
async def older_tables(empty_database: DatabaseLocation) -> DatabaseLocation:
    """Make the tables of version 2."""
    await older_database(empty_database.dsn, 2)
    return empty_database


async def test_a_statement_that_was_planned_before_is_planned_again(older_tables: DatabaseLocation) -> None:
    """The connection of another program goes on reading."""
    other: Any = await asyncpg.connect(older_tables.dsn)
    try:
        query = "SELECT count(*) FROM hourlyclicks.days"
        assert await other.fetchval(query) == DAYS_OF_VERSION_2
        await older_tables.open()
        assert await other.fetchval(query) == DAYS_OF_VERSION_2
    finally:
        await other.close()


async def test_permissions_are_kept(older_tables: DatabaseLocation) -> None:
    """A role that could read the tables can read them and the new view."""
    name = await older_tables.new_user()
    await older_tables.sql(f"GRANT USAGE ON SCHEMA hourlyclicks TO {name}")
    await older_tables.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA hourlyclicks TO {name}")
    await older_tables.open()
    analyst: Any = await asyncpg.connect(older_tables.dsn.replace("clicker:", f"{name}:"))
    try:
        for table in ("daily", "daily_sums", "range_endpoints"):
            assert await analyst.fetchval(f"SELECT count(*) FROM hourlyclicks.{table}") == 0  # noqa: S608 - ours
        for table in ("days", "hours", "clicks", "hourly", "revisions", "series"):
            assert await analyst.fetchval(f"SELECT count(*) FROM hourlyclicks.{table}")  # noqa: S608 - ours
    finally:
        await analyst.close()


async def test_views_that_depend_on_the_tables_are_named(older_tables: DatabaseLocation) -> None:
    """They would be dropped, so it is left to their owner."""
    await older_tables.sql("CREATE VIEW public.mine AS SELECT * FROM hourlyclicks.hours")
    store = PostgresStore(older_tables.dsn)
    with pytest.raises(StoreError, match=r"drop these.*view mine depends on"):
        await store.open()
    await store.close()
    await older_tables.sql("DROP VIEW public.mine")
    await (await older_tables.open()).close()
