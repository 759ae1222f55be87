"""A store whose PostgreSQL server is away, restarts, is busy, or is cut off."""

from __future__ import annotations

import asyncio
import datetime as dt
import getpass
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.model.targets import Group
from hourlyclicks.store import postgres, postgres_connection
from hourlyclicks.store.ledger import DayState, LedgerEntry, PutResult
from hourlyclicks.store.postgres import PostgresStore
from tests.model.strategies import FIRST, NOON, a_day
from tests.sizes import sized
from tests.store.answers import ALL, FAILED, LATER, ME, count_one, day, failure, look
from tests.store.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.store.locations import DatabaseLocation
    from tests.store.server import PostgresServer


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stores try again sooner."""
    monkeypatch.setattr(postgres, "_FIRST_PAUSE", 0.01)


@pytest.fixture
async def proxy(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    """Run a proxy to the server that can break."""
    async with Proxy(postgres_server.port) as proxy:
        yield proxy


@pytest.fixture
async def proxied(
    postgres_server: PostgresServer, database: DatabaseLocation, proxy: Proxy
) -> AsyncIterator[PostgresStore]:
    """Open a store behind that proxy, with a day and a step in it."""
    name = database.dsn.rpartition("/")[2]
    store = PostgresStore(postgres_server.dsn(name, port=proxy.port))
    account = await store.account("me")
    await store.put(account, ME, a_day(FIRST, 1), requests=1)
    await store.pace(account, count_one)
    yield store
    await store.close()


@pytest.mark.parametrize("how", sized([signal.SIGQUIT], [signal.SIGINT, signal.SIGQUIT]))
async def test_a_restart_is_survived(
    postgres_server: PostgresServer, database: DatabaseLocation, how: signal.Signals
) -> None:
    """While the server is shut down, or crashes, writing only takes longer; each day counts once."""
    store, account = await database.account()
    days = list(ALL)[: sized(60, len(ALL))]
    dates = iter(days)
    reached = {len(days) // 6: asyncio.Event(), len(days) // 2: asyncio.Event()}

    async def work() -> None:
        for date in dates:
            number = ALL.index(date)
            assert await store.put(account, Group(number % 3), a_day(date), requests=1) == PutResult(1)
            await store.pace(account, count_one)
            if number in reached:
                reached[number].set()

    workers = [asyncio.create_task(work()) for _ in range(6)]
    for event in reached.values():
        await event.wait()
        await asyncio.to_thread(postgres_server.stop, how)
        await asyncio.to_thread(postgres_server.start)
    await asyncio.gather(*workers)
    entries = [entry for number in range(3) for entry in await store.entries(account, Group(number), ALL)]
    assert sorted(entry.date for entry in entries) == days
    assert {entry.attempts for entry in entries} == {1}
    assert int((await store.pace(account, look))[0] or 0) >= len(days)


async def test_a_restart_between_two_calls_is_survived(
    postgres_server: PostgresServer, database: DatabaseLocation
) -> None:
    """Connections that died meanwhile are not used."""
    store, account = await database.account()
    await asyncio.gather(*[store.pace(account, count_one) for _ in range(10)])
    postgres_server.stop()
    postgres_server.start()
    assert (await store.pace(account, count_one))[0] == 11


async def test_connections_that_are_ended_are_made_anew(database: DatabaseLocation) -> None:
    """An administrator may end them at any moment."""
    store, account = await database.account()
    steps = [asyncio.create_task(store.pace(account, count_one)) for _ in range(200)]
    while not all(step.done() for step in steps):
        await database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ '^hourlyclicks '"
        )
        done = sum(step.done() for step in steps)
        while pending := [step for step in steps if not step.done()]:
            if len(steps) - len(pending) >= done + 10:  # however slow the machine is, it gets on
                break
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    taken = sorted(number for number, _ in await asyncio.gather(*steps))
    assert len(set(taken)) == 200
    assert int((await store.pace(account, look))[0] or 0) == taken[-1]


async def test_a_server_that_stays_away_is_given_up(
    postgres_server: PostgresServer, database: DatabaseLocation
) -> None:
    """The error comes when the patience is over; the store works again when the server does."""
    store = PostgresStore(database.dsn, patience=0.3)
    account = await store.account("me")
    postgres_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match=r"it cannot be reached|connection") as caught:
                await store.put(account, ME, a_day(FIRST), requests=1)
            assert str(caught.value).startswith("the store postgresql://127.0.0.1:")
    finally:
        postgres_server.start()
    assert await store.put(account, ME, a_day(FIRST), requests=1) == PutResult(1)
    await store.close()


async def test_a_host_that_does_not_exist_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first connection it may be mistyped; the patience is for a server that was there."""

    def nowhere(host: str, *_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, f"unknown host {host}")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    store = PostgresStore("postgresql://me:secret@no-such-host.invalid:5432/clicks", patience=3600.0)
    said = "the store postgresql://no-such-host.invalid:5432/clicks: it cannot be reached"
    with pytest.raises(StoreError, match=said):
        async with asyncio.timeout(60):
            await store.open()
    await store.close()


async def test_a_block_that_cannot_be_entered_leaves_nothing_open(
    database: DatabaseLocation, proxied: PostgresStore
) -> None:
    """A connection was made, and then the tables could not be read."""
    await proxied.close()
    await database.sql("UPDATE properties SET value = '99' WHERE name = 'version'")
    with pytest.raises(StoreError, match="version 99"):
        await proxied.__aenter__()
    assert proxied._pool._idle == []
    assert proxied._loop is None


async def test_a_port_on_which_nothing_listens_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first connection: the server may be about to start, or the address wrong."""
    monkeypatch.setattr(postgres, "_FIRST_PATIENCE", 0.1)
    store = PostgresStore("postgresql://me:secret@127.0.0.1:1/clicks", patience=3600.0)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/clicks: it cannot be reached"):
        async with asyncio.timeout(60):
            await store.open()
    await store.close()


async def test_a_process_without_a_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has no name, when the address names none either."""

    def no_user() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", no_user)
    monkeypatch.delenv("PGUSER", raising=False)
    store = PostgresStore("postgresql://127.0.0.1:1/clicks")
    with pytest.raises(StoreError, match="its address names no user"):
        await store.open()
    await store.close()


@pytest.mark.parametrize("code", ["40001", "40P01", "53300", "55P03", "57014", "57P03", "08006"])
async def test_what_passes_is_tried_again(database: DatabaseLocation, code: str) -> None:
    """After a deadlock, a conflict, or a busy server the day is stored, once."""
    store, account = await database.account()
    await fail_at_first(database, code, times=2)
    assert await store.put(account, ME, a_day(FIRST), requests=1) == PutResult(1)
    assert [entry.attempts for entry in await store.entries(account, ME, ALL)] == [1]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("53100", "the disk is full"),
        ("42501", "the user is not allowed to do that"),
        ("25006", "it cannot be written"),
        ("P0001", "as wanted"),
    ],
)
async def test_what_stays_is_said_at_once(database: DatabaseLocation, code: str, words: str) -> None:
    """The next call succeeds; nothing is left of the first."""
    store, account = await database.account()
    await fail_at_first(database, code, times=1)
    with pytest.raises(StoreError, match=f": {words}$"):
        await store.put(account, ME, a_day(FIRST), requests=1)
    assert await store.entries(account, ME, ALL) == []
    assert await store.put(account, ME, a_day(FIRST), requests=1) == PutResult(1)


@pytest.mark.parametrize("anew", [True, False])
async def test_tables_that_are_dropped_are_noticed(database: DatabaseLocation, *, anew: bool) -> None:
    """Before the next request, also if another client has made them anew; a store that is opened works."""
    store, account = await database.account()
    await store.pace(account, count_one)
    await store.put(account, ME, a_day(FIRST), requests=1)
    await database.sql("DROP SCHEMA hourlyclicks CASCADE")
    if anew:
        _, again = await database.account()
        assert again == account
    words = "were dropped or restored while it was in use" if anew else "its tables were dropped: start again"
    with pytest.raises(StoreError, match=words):
        await store.pace(account, count_one)
    await store.close()
    assert (await store.pace(await store.account("me"), count_one))[0] == 1


async def test_an_account_that_is_deleted_is_noticed(database: DatabaseLocation) -> None:
    """With all that it had."""
    store, account = await database.account()
    await store.pace(account, count_one)
    await database.sql("TRUNCATE accounts CASCADE")
    with pytest.raises(StoreError, match="what it held was deleted while it was in use"):
        await store.pace(account, count_one)


async def test_a_line_that_vanishes_is_an_error(database: DatabaseLocation) -> None:
    """Only a store may change the tables; a change without a row is rolled back."""
    store, account = await database.account()
    await store.put(account, ME, a_day(FIRST), requests=1)
    await database.sql("CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    await database.sql("CREATE TRIGGER skip BEFORE UPDATE ON days FOR EACH ROW EXECUTE FUNCTION skip()")
    with pytest.raises(StoreError, match="a day has vanished: another program has changed it"):
        await store.record_failure(account, ME, failure())


async def fail_at_first(database: DatabaseLocation, code: str, *, times: int) -> None:
    """Let every change of a day fail for some times."""
    await database.sql("CREATE SEQUENCE tries")  # which no rollback sets back
    await database.sql(
        f"""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SET search_path = hourlyclicks AS $$ BEGIN
            IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'as wanted' USING ERRCODE = '{code}'; END IF;
            RETURN NEW; END $$"""
    )
    await database.sql("CREATE TRIGGER fail AFTER INSERT OR UPDATE ON days EXECUTE FUNCTION fail()")


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("lost", ["lost_questions", "lost_answers"])
async def test_a_day_counts_once_whether_its_commit_was_heard_or_not(
    proxied: PostgresStore, proxy: Proxy, lost: str, times: int
) -> None:
    """The result is as if nothing had happened, and its requests are added once."""
    account = await proxied.account("me")
    setattr(proxy, lost, times)
    revised = a_day(FIRST, 2, at=LATER)
    assert await proxied.put(account, ME, revised, requests=3) == PutResult(2, revised=True)
    assert getattr(proxy, lost) == 0
    setattr(proxy, lost, times)
    assert await proxied.put(account, ME, a_day(FIRST, 9), requests=5) == PutResult(2, dropped=True)
    setattr(proxy, lost, times)
    await proxied.record_failure(account, ME, LedgerEntry(FIRST, DayState.FAILED, NOON, 7, reason=FAILED))
    assert await proxied.read(account, ME, ALL) == [revised]
    assert await proxied.entries(account, ME, ALL) == [
        LedgerEntry(FIRST, DayState.FINAL, LATER, 16, 2, FAILED, 12)
    ]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("lost", ["lost_questions", "lost_answers"])
async def test_changes_of_one_day_in_one_transaction_count_once(
    proxied: PostgresStore, proxy: Proxy, lost: str, times: int
) -> None:
    """Each of them, with its own result, however often the acknowledgement of the commit is lost."""
    account = await proxied.account("me")
    setattr(proxy, lost, times)
    answers = [a_day(FIRST, number, at=LATER + dt.timedelta(hours=number)) for number in (2, 3, 4)]
    kept = await asyncio.gather(
        *(proxied.put(account, ME, each, requests=10) for each in answers),
        proxied.record_failure(account, ME, LedgerEntry(FIRST, DayState.FAILED, NOON, 100, reason=FAILED)),
    )
    assert getattr(proxy, lost) == 0
    assert kept[:3] == [PutResult(number, revised=True) for number in (2, 3, 4)]
    (entry,) = await proxied.entries(account, ME, ALL)
    assert (entry.attempts, entry.revision, entry.reason) == (131, 4, FAILED)
    replaced = await proxied.revisions(account, ME, ALL)
    assert [each.day for each in replaced] == [a_day(FIRST, 1), *answers[:2]]


@pytest.mark.parametrize("lost", ["lost_questions", "lost_answers"])
async def test_an_answer_for_several_days_counts_once(
    proxied: PostgresStore, proxy: Proxy, lost: str
) -> None:
    """So does a change of one of these days in the same transaction, before or after it."""
    account = await proxied.account("me")
    setattr(proxy, lost, 2)
    later = LATER + dt.timedelta(hours=1)
    days = [a_day(day(number), number + 2, at=LATER) for number in range(3)]
    _, results, _ = await asyncio.gather(
        proxied.put(account, ME, a_day(day(1), 1), requests=10),
        proxied.put_days(account, ME, days, requests=3, endpoint="v3"),
        proxied.put(account, ME, a_day(day(2), 9, at=later), requests=20),
    )
    assert getattr(proxy, lost) == 0
    assert [result.revision for result in results] == [2, 2, 1]
    found = await proxied.entries(account, ME, ALL)
    assert [(entry.attempts, entry.revision) for entry in found] == [(4, 2), (10, 2), (20, 2)]


async def test_changes_count_once_when_their_transaction_is_given_up(
    proxied: PostgresStore, proxy: Proxy
) -> None:
    """The commit was not heard; when it is repeated one of the changes fails, and each is tried alone."""
    account = await proxied.account("me")
    proxy.lost_answers = 1
    attempts = []

    def step(text: str | None, _now: int, _entry: object) -> tuple[str, None]:
        attempts.append(text)
        if len(attempts) > 1:
            raise ZeroDivisionError
        return "new", None

    kept, _, broken = await asyncio.gather(
        proxied.put(account, ME, a_day(FIRST, 2, at=LATER), requests=10),
        proxied.record_failure(account, ME, LedgerEntry(FIRST, DayState.FAILED, NOON, 100, reason=FAILED)),
        proxied.pace(account, step),
        return_exceptions=True,
    )
    assert attempts == ["1", "new", "new"]
    assert isinstance(broken, ZeroDivisionError)
    assert kept == PutResult(2, revised=True)
    (entry,) = await proxied.entries(account, ME, ALL)
    assert (entry.attempts, entry.revision, entry.reason) == (111, 2, FAILED)


async def test_a_server_is_waited_for_in_vain_once(proxied: PostgresStore, proxy: Proxy) -> None:
    """The next operation fails at its first error, until one has succeeded."""
    account = await proxied.account("me")
    proxied._patience = 0.3
    visits = []
    for away in (True, True, False, True):
        before, proxy.away = proxy.visits, away
        if away:
            with pytest.raises(StoreError, match="the store postgresql://"):
                await proxied.targets(account)
        else:
            assert await proxied.targets(account) == [ME]
        visits.append(proxy.visits - before)
    first, second, success, again = visits
    assert first > 1 < again
    assert second == success == 1


async def test_a_step_is_taken_again_when_its_commit_was_not_heard(
    proxied: PostgresStore, proxy: Proxy
) -> None:
    """It is, from the stored state, which is the old one or that of the step itself."""
    account = await proxied.account("me")
    proxy.lost_questions = 1
    assert (await proxied.pace(account, count_one))[0] == 2
    proxy.lost_answers = 1
    assert (await proxied.pace(account, count_one))[0] == 4
    assert (await proxied.pace(account, look))[0] == "4"


async def test_a_silent_server_is_given_up(
    proxied: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pulled cable blocks no call forever, nor a close."""
    account = await proxied.account("me")
    await proxied.close()
    monkeypatch.setattr(postgres_connection, "ANSWER", 0.5)
    await asyncio.gather(*[proxied.pace(account, count_one) for _ in range(3)])
    monkeypatch.setattr(postgres_connection, "CONNECT", 0.1)
    proxied._patience = 0.3
    proxy.silent = True
    with pytest.raises(StoreError, match="it does not answer"):
        await proxied.pace(account, count_one)
    await proxied.close()


async def test_a_server_that_was_silent_is_used_again(
    proxied: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting calls continue when it answers again; a step may be taken twice after a late answer."""
    account = await proxied.account("me")
    await proxied.close()
    monkeypatch.setattr(postgres_connection, "ANSWER", 0.1)
    monkeypatch.setattr(postgres_connection, "CONNECT", 1.0)
    await proxied.open()
    proxy.silent = True
    step = asyncio.create_task(proxied.pace(account, count_one))
    await asyncio.wait({step}, timeout=0.3)
    assert not step.done()
    proxy.silent = False
    assert (await step)[0] >= 2
