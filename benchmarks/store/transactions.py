"""How many transactions a request takes with a limit that is shared through a store, for up to 16 clients.

The clients share one key and one store, in this process, and wait for each other's responses. A transaction
that changes something is one durable commit. PostgreSQL takes part where a server is installed.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import asyncpg

from benchmarks.processes import fresh
from benchmarks.results import Claim, Section, Table
from benchmarks.store.stored_days import LINK, busy_days, range_of
from hourlyclicks import Client, Limits, Link
from hourlyclicks.simulator import Simulator
from hourlyclicks.store import postgres_database
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.sqlite_file import SqliteFile
from tests.store.server import PostgresServer, binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CLIENTS = (1, 4, 16)
LIMITS = Limits(concurrency=3)
LATENCY = (0.005, 0.01)
MOST, MOST_SHARED = 1.2, 2.5
"""Transactions a request, for one client and for several."""
MOST_BYTES = 512
"""Of a day in PostgreSQL."""


class Counter:
    """Counts calls."""

    def __init__(self) -> None:
        self.calls = 0

    def counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same, and is counted."""

        def counted(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - passed through
            self.calls += 1
            return function(*args, **options)

        return counted


@contextmanager
def transactions() -> Iterator[Counter]:
    """Count the transactions of all stores."""
    counter = Counter()
    with (
        mock.patch.object(SqliteFile, "change", counter.counting(SqliteFile.change)),
        mock.patch.object(postgres_database, "change", counter.counting(postgres_database.change)),
    ):
        yield counter


async def backfill(where: str, clients: int, days: int) -> None:
    """Let clients with a target each fetch so many days together."""
    upstream = Simulator(limits=(), concurrency=LIMITS.concurrency, latency=LATENCY)
    range_ = range_of(days // clients)
    async with AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(
                Client(
                    upstream.key,
                    limits=LIMITS,
                    transport=upstream.transport(),
                    base_url="http://localhost",
                    store=where,
                )
            )
            for _ in range(clients)
        ]
        links = [Link(f"link{number}", "https://vvd.bz") for number in range(clients)]
        await asyncio.gather(
            *(
                member.backfill(range_.start, range_.end, [link])
                for member, link in zip(members, links, strict=True)
            )
        )
    assert upstream.counters.requests == days // clients * clients
    assert not upstream.counters.over_concurrency


def a_request(where: str, clients: int, days: int) -> float:
    """Return how many transactions a request took."""
    with transactions() as counter:
        asyncio.run(backfill(where, clients, days))
    return counter.calls / (days // clients * clients)


async def bytes_a_day(where: str, days: int) -> float:
    """Put days into an empty PostgreSQL database, and return the bytes that each takes, indexes included."""
    store = PostgresStore(where)
    account = await store.account("me")
    for day in busy_days(days):
        await store.put(account, LINK, day, requests=1)
    await store.close()
    db = await asyncpg.connect(where)
    size = await db.fetchval("SELECT pg_total_relation_size('hourlyclicks.days')")
    await db.close()
    return int(size) / days


@contextmanager
def server() -> Iterator[PostgresServer | None]:
    """Run a PostgreSQL server; ``None`` where none is installed."""
    programs = binaries()
    if programs is None:
        yield None
        return
    running = PostgresServer(programs)
    try:
        running.start()
        yield running
    finally:
        running.remove()


def found(folder: Path, days: int) -> dict[str, dict[str, float]]:
    """Return the transactions of a request for each number of clients, in each kind of store there is.

    Args:
        folder: where the files are made.
        days: how many days the clients fetch together.
    """
    figures = {
        "SQLite": {
            str(clients): fresh(a_request, str(folder / f"{clients}.db"), clients, days)
            for clients in CLIENTS
        }
    }
    with server() as postgres:
        if postgres is not None:
            figures["PostgreSQL"] = {
                str(clients): fresh(a_request, asyncio.run(postgres.new_database()), clients, days)
                for clients in CLIENTS
            }
            where = asyncio.run(postgres.new_database())
            figures["bytes a day"] = {"PostgreSQL": asyncio.run(bytes_a_day(where, 10 * days))}
    return figures


def section(folder: Path, *, quick: bool, say: Callable[[str], None]) -> Section:
    """Count with stores in a folder."""
    days = 240 if quick else 480
    say(f"transactions of {days} requests with a shared limit")
    figures = found(folder, days)
    kinds = [kind for kind in ("SQLite", "PostgreSQL") if kind in figures]
    rows = tuple((kind, *(f"{figures[kind][str(clients)]:.2f}" for clients in CLIENTS)) for kind in kinds)
    head = ("", *(f"{clients} client{'s' * (clients > 1)}" for clients in CLIENTS))
    claims = [
        Claim(
            f"transactions a request, {kind}, {clients} client{'s' * (clients > 1)}",
            figures[kind][str(clients)],
            MOST if clients == 1 else MOST_SHARED,
        )
        for kind in kinds
        for clients in CLIENTS
    ]
    if "bytes a day" in figures:
        size = figures["bytes a day"]["PostgreSQL"]
        claims.append(Claim("bytes that a day of 220 clicks an hour takes in PostgreSQL", size, MOST_BYTES))
    remarks = () if len(kinds) > 1 else ("PostgreSQL was not measured: no server is installed.",)
    return Section(
        (Table("Transactions a request with a shared limit", head, rows),),
        tuple(claims),
        figures,
        remarks,
    )
