"""A store on a PostgreSQL server: rights, settings, versions, and messages."""

from __future__ import annotations

import asyncio
import datetime as dt
import traceback
from typing import TYPE_CHECKING

import asyncpg
import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Link
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.postgres_address import place_of
from hourlyclicks.store.schema import LATEST
from tests.model.strategies import FIRST, NOON, a_day
from tests.store.answers import ALL, LARGEST, ME, count_one

if TYPE_CHECKING:
    from tests.store.locations import DatabaseLocation
    from tests.store.server import PostgresServer


async def error_of(dsn: str, *, patience: float = 60.0) -> str:
    """Return the error of opening a store."""
    store = PostgresStore(dsn, patience=patience)
    with pytest.raises(StoreError) as caught:
        await store.open()
    await store.close()
    return str(caught.value).removeprefix(f"the store {place_of(dsn)}: ")


@pytest.mark.parametrize(
    ("dsn", "name"),
    [
        ("postgresql://me:secret@db.example.com:5433/clicks", "postgresql://db.example.com:5433/clicks"),
        ("postgres://db.example.com/clicks", "postgresql://db.example.com/clicks"),
        ("postgresql://me@one,two:99/clicks?sslmode=require", "postgresql://one,two:99/clicks"),
        ("postgresql://[::1]/clicks", "postgresql://[::1]/clicks"),
        ("postgresql:///clicks?host=/var/run", "postgresql:///var/run/clicks"),
        ("postgresql://host?dbname=clicks&password=secret", "postgresql://host/clicks"),
        ("postgresql://host?database=clicks&user=me", "postgresql://host/clicks"),
        ("postgresql://", "postgresql://"),
        ("postgresql://me:sec/ret@host/clicks", "postgresql://host/clicks"),
        ("postgresql://me:sec?ret@host/clicks", "PostgreSQL"),
        ("postgresql://me:sec#ret@host/clicks", "postgresql://host/clicks"),
        ("postgresql://me:s@e@c:r@host/clicks", "postgresql://host/clicks"),
        ("postgresql://host/clicks?password=sec@ret", "PostgreSQL"),
        ("postgresql://me:secret", "postgresql://me:secret"),
        ("postgresql://host/secret!", "PostgreSQL"),
        ("", "postgresql://"),
    ],
)
def test_a_database_is_called_by_host_and_name(dsn: str, name: str) -> None:
    """What may be part of a password is left out."""
    assert place_of(dsn) == name
    assert repr(PostgresStore(dsn)) == f"<PostgresStore {name!r}>"


async def test_a_wrong_password_is_refused_at_once(postgres_server: PostgresServer) -> None:
    """It is not retried, and in no part of the error, not even among the locals of its frames."""
    stores = [PostgresStore(postgres_server.dsn(password="wr0ng-and-secret"))]  # noqa: S106 - a wrong one
    with pytest.raises(StoreError, match="the server rejects the user or the password") as caught:
        await stores[0].open()
    del stores
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "PostgresStore" in shown
    for text in (shown, repr(caught.value), str(caught.value.args)):
        assert "wr0ng" not in text
    assert caught.value.__context__ is None


async def test_what_an_address_lacks_is_said_at_once(postgres_server: PostgresServer) -> None:
    """A missing database and an invalid address are errors at once."""
    assert await error_of(postgres_server.dsn("nothing")) == "there is no such database"
    assert await error_of("postgresql://me:secret@host:port/clicks") == "its address cannot be read"
    assert await error_of("mysql://me:secret@host/clicks") == "its address cannot be read"


async def test_a_user_without_rights_is_told(empty_database: DatabaseLocation) -> None:
    """Neither making the tables nor using them is possible."""
    guest = empty_database.dsn.replace("clicker:", f"{await empty_database.new_user()}:")
    assert await error_of(guest) == "the user is not allowed to do that"
    await empty_database.open()
    assert await error_of(guest) == "the user is not allowed to do that"


async def test_a_schema_may_be_made_beforehand(empty_database: DatabaseLocation) -> None:
    """Then its owner needs no right to make one."""
    name = await empty_database.new_user()
    await empty_database.sql(f"CREATE SCHEMA hourlyclicks AUTHORIZATION {name}")
    store = PostgresStore(empty_database.dsn.replace("clicker:", f"{name}:"))
    await store.put(await store.account("me"), ME, a_day(FIRST), requests=1)
    await store.close()


async def test_newer_tables_are_refused(database: DatabaseLocation) -> None:
    """They are not touched."""
    store = await database.open()
    await store.close()
    await database.sql("UPDATE properties SET value = '99' WHERE name = 'version'")
    assert f"version 99, and only {LATEST} is known" in await error_of(database.dsn)
    assert await database.sql("SELECT value FROM properties WHERE name = 'version'") == [(b"99",)]


async def test_tables_of_another_program_are_not_touched(empty_database: DatabaseLocation) -> None:
    """Nothing is made next to them."""
    await empty_database.sql("CREATE SCHEMA hourlyclicks")
    await empty_database.sql("CREATE TABLE hourlyclicks.days (mine TEXT)")
    assert await error_of(empty_database.dsn) == 'relation "days" already exists'
    tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'hourlyclicks'"
    assert await empty_database.sql(tables) == [("days",)]


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
async def test_a_reason_that_the_server_cannot_hold_is_escaped(database: DatabaseLocation, text: str) -> None:
    """PostgreSQL has no NUL, and UTF-8 no half of a surrogate pair; the mark is kept all the same."""
    store, account = await database.account()
    await store.record_failure(
        account, ME, LedgerEntry(FIRST, DayState.FAILED, NOON, 1, reason=Failure("ApiError", text))
    )
    (entry,) = await store.entries(account, ME, ALL)
    assert entry.reason == Failure("ApiError", repr(text)[1:-1])


@pytest.mark.parametrize(
    "setting",
    [
        "default_transaction_isolation = 'serializable'",
        "default_transaction_isolation = 'repeatable read'",
        "default_transaction_read_only = on",
        "search_path = nowhere",
        "datestyle = 'German'",
        "synchronous_commit = off",
    ],
)
async def test_settings_of_the_server_make_no_difference(
    empty_database: DatabaseLocation, setting: str
) -> None:
    """Settings of the database do not change the results."""
    await empty_database.sql(f"ALTER DATABASE {empty_database.dsn.rpartition('/')[2]} SET {setting}")
    store, account = await empty_database.account()
    steps = await asyncio.gather(*[store.pace(account, count_one) for _ in range(20)])
    assert sorted(number for number, _ in steps) == list(range(1, 21))
    await store.put(account, ME, a_day(FIRST), requests=1)
    assert await store.read(account, ME, ALL) == [a_day(FIRST)]


async def test_a_commit_is_on_the_disk(empty_database: DatabaseLocation) -> None:
    """Even if the database is set to answer before it is."""
    await empty_database.sql(
        f"ALTER DATABASE {empty_database.dsn.rpartition('/')[2]} SET synchronous_commit = off"
    )
    store, account = await empty_database.account()
    await empty_database.sql(
        """CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE properties SET value = current_setting('synchronous_commit')::bytea WHERE name = 'seen';
            RETURN NEW; END $$"""
    )
    await empty_database.sql("INSERT INTO properties VALUES ('seen', '')")
    await empty_database.sql("CREATE TRIGGER look AFTER INSERT ON days EXECUTE FUNCTION look()")
    await empty_database.sql("ALTER FUNCTION look SET search_path = hourlyclicks")
    await store.put(account, ME, a_day(FIRST), requests=1)
    assert await empty_database.sql("SELECT value FROM properties WHERE name = 'seen'") == [(b"on",)]


async def test_a_store_holds_few_connections(database: DatabaseLocation) -> None:
    """However many tasks use it at once, there are four, and after closing none."""
    store, account = await database.account()
    assert isinstance(store, PostgresStore)
    reading = [asyncio.create_task(store.targets(account)) for _ in range(40)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(store._jobs) > 4
    await asyncio.gather(*reading)
    connections = list(store._pool._idle)
    assert 1 <= len(connections) <= 4
    await store.close()
    assert [db.is_closed() for db in connections] == [True] * len(connections)


def test_a_store_belongs_to_one_loop_at_a_time(postgres_server: PostgresServer) -> None:
    """It is said when it is used from another; closed, it may be opened there."""
    with asyncio.Runner() as one, asyncio.Runner() as other:
        store = PostgresStore(one.run(postgres_server.new_database()))
        one.run(store.open())
        with pytest.raises(StoreError, match="it was opened in another event loop"):
            other.run(store.open())
        one.run(store.close())
        other.run(store.open())
        other.run(store.close())


async def test_a_store_left_open_says_so(database: DatabaseLocation) -> None:
    """An unclosed store causes a ResourceWarning, as connections do."""
    store = PostgresStore(database.dsn)
    await store.open()
    (db,) = store._pool._idle
    store._pool._idle.clear()
    with pytest.warns(ResourceWarning, match="unclosed connection"):
        db.__del__()
    await db.close()


async def test_the_shared_clock_is_the_server_s(database: DatabaseLocation) -> None:
    """In nanoseconds since 1970."""
    store, account = await database.account()
    clock = "SELECT clock_timestamp()"
    before = (await database.sql(clock))[0][0]
    _, now = await store.pace(account, count_one)
    after = (await database.sql(clock))[0][0]
    moment = dt.datetime.fromtimestamp(now // 1000 / 1e6, dt.UTC)
    slack = dt.timedelta(microseconds=2)  # a float holds no more
    assert before - slack <= moment <= after + slack


async def test_large_counts_are_in_all_views(database: DatabaseLocation) -> None:
    """They are in other columns of the row; later figures of the day may be small again."""
    store, account = await database.account()
    views = "SELECT sum(clicks), min(unique_users) FROM hourly UNION ALL SELECT sum(clicks), 7 FROM hours"
    for number, clicks in enumerate([5, LARGEST, 6]):
        known = DayClicks(FIRST, (clicks,) * 24, (7,) * 24, NOON + number * dt.timedelta(days=1), final=True)
        await store.put(account, ME, known, requests=1)
        assert await store.read(account, ME, ALL) == [known]
        assert await database.sql(views) == [(24 * clicks, 7)] * 2


async def test_a_day_takes_little_space(empty_database: DatabaseLocation) -> None:
    """With all hours, its index and all: 350 bytes, in a table that is not tiny."""
    store, account = await empty_database.account()
    known = DayClicks(FIRST, tuple(range(9_000, 9_024)), tuple(range(24)), NOON, final=True)
    await store.put(account, ME, known, requests=1)
    columns = "series_id, attempts, fetched_at, revision, hours, state, clicks, unique_users"
    copies = f"SELECT date + n, {columns} FROM days, generate_series(1, 19999) AS n"  # noqa: S608 - ours
    await empty_database.sql(f"INSERT INTO days (date, {columns}) {copies}")
    await empty_database.sql("VACUUM days")
    ((size,),) = await empty_database.sql("SELECT pg_total_relation_size('days')")
    assert size / 20_000 < 355


async def test_anybody_can_select_from_the_tables(database: DatabaseLocation) -> None:
    """Any role can, with its own rights and PostgreSQL's own types."""
    store, account = await database.account()
    await store.put(account, Link("kYdr", "https://vvd.bz"), a_day(FIRST, 7), requests=3)
    db = await asyncpg.connect(database.dsn)
    row = await db.fetchrow("SELECT * FROM hourlyclicks.clicks ORDER BY hour LIMIT 1")
    await db.close()
    assert row is not None
    assert dict(row) == {
        "account_id": account,
        "target": "https://vvd.bz/kYdr",
        "date": FIRST,
        "hour": 0,
        "clicks": 7,
        "unique_users": 7,
        "state": DayState.FINAL,
    }
