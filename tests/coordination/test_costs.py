"""What the shared limit costs: transactions and statements of the store, counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, DateRange, Limits, Link, Plan
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.coordination.leases import Leases
from hourlyclicks.events import DayDone
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.simulator import Simulator
from hourlyclicks.store import postgres_connection
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.sqlite import SqliteStore
from hourlyclicks.store.sqlite_file import SqliteFile
from tests.coordination.clients import START, run_clients, served_by
from tests.sizes import sized

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hourlyclicks.events import Event
    from tests.coordination.clients import Fleet
    from tests.store.databases import PreparedDatabases

pytestmark = pytest.mark.no_cover  # tracing would triple its time; other tests run the same lines

DAYS = DateRange.of("2020-01-02", sized("2020-02-01", "2020-03-01"))
STEADY = len(DAYS) - 20
ACCOUNTS = 100
LINK = Link("kYdr", "https://vvd.bz")
BOUND_BY_RATE = Limits(rates=(Rate(1, 0.005),), guard=0.0, concurrency=1)
BOUND_BY_CONCURRENCY = Limits(rates=(), concurrency=3)


class Statements(Counter[str]):
    """Counts the statements of a store by their first words.

    Attributes:
        marks: how many transactions had been committed when each day was done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[int] = []

    def add(self, text: str) -> None:
        """Count one."""
        self[text.split(None, 1)[0].upper()] += 1

    def mark(self, event: Event) -> None:
        """Note how many transactions there were, if a day is done."""
        if isinstance(event, DayDone):
            self.marks.append(self.commits)

    @property
    def commits(self) -> int:
        """How many transactions were committed."""
        return self["COMMIT"]

    @property
    def others(self) -> int:
        """How many statements there were besides the beginnings and ends of transactions."""
        return self.total() - self["BEGIN"] - self["COMMIT"]

    @property
    def steady(self) -> int:
        """How many transactions were committed for `STEADY` days between the first and the last."""
        return self.marks[STEADY + 10] - self.marks[10]


async def backfill(
    store: SqliteStore | PostgresStore, limits: Limits, statements: Statements | None = None
) -> Statements:
    """Fetch some days, and return the statements that this took after the first of them."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.0, 0.0))
    statements = Statements() if statements is None else statements
    async with Client(
        upstream.key,
        limits=limits,
        transport=upstream.transport(),
        base_url="http://localhost",
        store=store,
        on_event=statements.mark,
    ) as client:
        await client.day(START, LINK)
        if isinstance(store, SqliteStore):
            await store._run(lambda file: file._db.set_trace_callback(statements.add))
        statements.clear()
        await client.backfill(DAYS.start, DAYS.end, [LINK])
    await store.close()
    assert upstream.counters.requests == len(DAYS) + 1
    return statements


@pytest.mark.parametrize("limits", [BOUND_BY_RATE, BOUND_BY_CONCURRENCY], ids=["rate", "concurrency"])
async def test_a_day_takes_two_commits_in_a_file(path: Path, limits: Limits) -> None:
    """One with the slot and one with the answer, and fewer than nine other statements.

    The run itself takes a few: it releases the slot of the call before it, waits for the first one, and ends.
    """
    found = await backfill(SqliteStore(path), limits)
    assert found.steady <= 2 * STEADY + limits.concurrency  # the last may be the beginnings of the next days
    assert found.commits <= 2 * len(DAYS) + 5
    assert found.others <= 9 * len(DAYS)


@pytest.mark.parametrize("limits", [BOUND_BY_RATE, BOUND_BY_CONCURRENCY], ids=["rate", "concurrency"])
async def test_a_day_takes_two_commits_in_a_postgres_database(
    prepared_databases: PreparedDatabases, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    """As in a file."""
    connect, statements = postgres_connection.connect, Statements()

    async def logged(dsn: str, **options: Any) -> Any:  # noqa: ANN401 - a connection
        db: Any = await connect(dsn, **options)
        db.add_query_logger(lambda query: statements.add(query.query))
        return db

    monkeypatch.setattr(postgres_connection, "connect", logged)
    await backfill(PostgresStore(await prepared_databases.new()), limits, statements)
    assert STEADY <= statements.steady <= 2 * STEADY + limits.concurrency
    assert len(DAYS) <= statements.commits <= 2 * len(DAYS) + 15
    assert statements.others <= 10 * len(DAYS) + 40


async def test_many_clients_of_a_postgres_database_take_three_commits_a_request(
    prepared_databases: PreparedDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although each of them waits for the responses of all others."""
    connect, statements, clients = postgres_connection.connect, Statements(), sized(6, 16)

    async def logged(dsn: str, **options: Any) -> Any:  # noqa: ANN401 - a connection
        db: Any = await connect(dsn, **options)
        db.add_query_logger(lambda query: statements.add(query.query))
        return db

    monkeypatch.setattr(postgres_connection, "connect", logged)
    upstream = Simulator(limits=(), concurrency=1, latency=(0.01, 0.01))
    dsn = await prepared_databases.new()
    stores = [PostgresStore(dsn) for _ in range(clients)]
    await stores[0].open()
    async with AsyncExitStack() as stack:
        pool = [
            await stack.enter_async_context(
                Client(
                    upstream.key,
                    limits=Limits(rates=(), concurrency=1),
                    transport=upstream.transport(),
                    base_url="http://localhost",
                    store=store,
                )
            )
            for store in stores
        ]
        links = [Link(f"x{number}", "https://vvd.bz") for number in range(clients)]
        statements.clear()
        await asyncio.gather(
            *(client.backfill(START, "2020-01-02", [link]) for client, link in zip(pool, links, strict=True))
        )
        commits = statements.commits
    for store in stores:
        await store.close()
    assert (upstream.counters.requests, upstream.counters.over_concurrency) == (2 * clients, 0)
    assert set(upstream.counters.asked.values()) == {1}
    assert commits <= 3 * 2 * clients + 2 * clients  # each of them also finds its account, and leaves


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the transactions of all SQLite stores, and the looks at the state without one."""
    counts: Counter[str] = Counter()

    def counting(name: str) -> Callable[..., Any]:
        method = getattr(SqliteFile, name)

        def counted(file: SqliteFile, *args: Any) -> Any:  # noqa: ANN401 - passed through
            counts[name] += 1
            return method(file, *args)

        return counted

    for name in ("change", "peek"):
        monkeypatch.setattr(SqliteFile, name, counting(name))
    return counts


def test_one_client_that_waits_for_its_own_responses_asks_nothing(path: Path, taken: Counter[str]) -> None:
    """However long they take; every ten seconds it looks, without a transaction, whether it is to stop."""
    upstream = Simulator(limits=(), concurrency=3, latency=(30.0, 30.0))

    async def scenario(fleet: Fleet) -> None:
        await fleet.backfill(fleet.join(), 30)

    fleet = run_clients(path, upstream, Limits(rates=(), concurrency=3), scenario)
    assert taken["change"] <= 2 * 30
    assert taken["peek"] <= fleet.members[0].ended / 10


@pytest.mark.parametrize("bound_by", ["rate", "concurrency"])
@pytest.mark.parametrize("clients", sized([4], [4, 16]))
def test_transactions_do_not_grow_with_the_clients(
    path: Path, taken: Counter[str], clients: int, bound_by: str
) -> None:
    """Each request takes less than three, whether it waits for a window or for the responses of others.

    One grants the slot, one takes the answer, and only some have to change what a client waits for.
    """
    days = sized(48, 160)
    if bound_by == "rate":
        upstream, limits = served_by(Plan.BUSINESS), Plan.BUSINESS.limits
    else:
        limits = Limits(rates=(), concurrency=3)
        upstream = Simulator(limits=(), concurrency=3, latency=(0.25, 0.25))

    async def scenario(fleet: Fleet) -> None:
        pool = [fleet.join() for _ in range(clients)]
        await asyncio.gather(*(fleet.backfill(member, days // clients) for member in pool))

    run_clients(path, upstream, limits, scenario)
    counters = upstream.counters
    assert (counters.requests, counters.over_limit, counters.over_concurrency) == (days, 0, 0)
    assert set(counters.asked.values()) == {1}
    assert taken["change"] <= (2.7 if clients == 4 else 2.9) * days  # each client begins and ends, too


# -- within a lease ---------------------------------------------------------------------------------------


async def leased_backfills(store: SqliteStore | PostgresStore, accounts: int) -> Statements:
    """Fetch three days of some accounts within leases, and return all statements that this took."""
    upstreams = [Simulator(limits=(), concurrency=0, latency=(0.0, 0.0)) for _ in range(accounts)]
    statements = Statements()

    async def work(leases: Leases, upstream: Simulator, number: int) -> None:
        lease = await leases.take(partial(fingerprint_of, f"account {number}"), f"account {number}")
        assert isinstance(lease, AccountLease)
        async with Client(
            upstream.key,
            account=f"account {number}",
            limits=BOUND_BY_RATE,
            transport=upstream.transport(),
            base_url="http://localhost",
            store=lease.store,
        ) as client:
            assert (await client.backfill(START, "2020-01-03", [LINK])).complete
        await leases.release(lease)

    async with store, Leases(store) as leases:
        if isinstance(store, SqliteStore):
            await store._run(lambda file: file._db.set_trace_callback(statements.add))
        statements.clear()
        async with asyncio.TaskGroup() as group:
            for number, upstream in enumerate(upstreams):
                group.create_task(work(leases, upstream, number))
    return statements


async def test_days_within_leases_share_commits_in_a_file(path: Path) -> None:
    """At most 7.7 statements a day, with those that take leases and give them back, and four for a commit.

    How many changes one commit has depends on the disk.
    """
    found = await leased_backfills(SqliteStore(path), ACCOUNTS)
    assert found.commits <= 0.5 * 3 * ACCOUNTS
    assert found.total() <= 7.7 * 3 * ACCOUNTS + 4 * found.commits


async def test_days_within_leases_share_commits_in_a_postgres_database(
    prepared_databases: PreparedDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a file."""
    connect, statements = postgres_connection.connect, Statements()

    async def logged(dsn: str, **options: Any) -> Any:  # noqa: ANN401 - a connection
        db: Any = await connect(dsn, **options)
        db.add_query_logger(lambda query: statements.add(query.query))
        return db

    monkeypatch.setattr(postgres_connection, "connect", logged)
    store = PostgresStore(await prepared_databases.new())
    await store.open()
    statements.clear()
    await leased_backfills(store, ACCOUNTS)
    assert statements.commits <= 0.5 * 3 * ACCOUNTS
    assert statements.total() <= 8 * 3 * ACCOUNTS
