"""Looks at the shared state that take no query, because the server tells of each change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import pytest

from hourlyclicks.store import postgres_listener
from hourlyclicks.store.postgres import PostgresStore
from tests.store.answers import count_one, look

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.store.postgres_days import Connection
    from tests.store.bouncer import Bouncer
    from tests.store.locations import DatabaseLocation

T = TypeVar("T")


class CountingStore(PostgresStore):
    """A store that counts what it does on connections."""

    queries = 0

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        self.queries += 1
        return await super()._run(work)

    async def count_queries(self, account: int, looks: int) -> tuple[set[str | None], int]:
        """Look so many times; return what was seen, and how many queries this took."""
        before = self.queries
        seen = {(await self.pace(account, look, peek=True))[0] for _ in range(looks)}
        return seen, self.queries - before


async def listening(store: CountingStore, account: int) -> None:
    """Look until the store listens."""
    async with asyncio.timeout(30):
        while not store._listener._is_listening:
            await store.pace(account, look, peek=True)


async def sees(store: CountingStore, account: int, text: str) -> None:
    """Look until a text is seen."""
    async with asyncio.timeout(30):
        while True:
            if (await store.pace(account, look, peek=True))[0] == text:
                return
            await asyncio.sleep(0)  # a look without a query lets nothing else run


async def test_a_look_takes_no_query_until_the_state_changes(
    database: DatabaseLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of another store is notified; one of its own is seen at once; the clock goes on."""
    monkeypatch.setattr(postgres_listener, "USED_FOR", 1 << 62)
    store, other = CountingStore(database.dsn), await database.open()
    account = await store.account("me")
    await other.pace(account, count_one)
    await listening(store, account)
    assert await store.count_queries(account, 50) == ({"1"}, 1)
    first = (await store.pace(account, look, peek=True))[1]
    assert (await store.pace(account, look, peek=True))[1] > first
    await other.pace(account, count_one)
    await sees(store, account, "2")
    await store.pace(account, count_one)
    assert (await store.pace(account, look, peek=True))[0] == "3"
    await store.close()


async def test_a_text_is_not_used_for_long(
    database: DatabaseLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if no change was notified, it is read again after a while."""
    monkeypatch.setattr(postgres_listener, "USED_FOR", 0)
    store = CountingStore(database.dsn)
    account = await store.account("me")
    await store.pace(account, count_one)
    await listening(store, account)
    assert await store.count_queries(account, 5) == ({"1"}, 5)
    await store.close()


async def test_without_its_connection_each_look_is_a_query(
    database: DatabaseLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the server has ended the connection, changes are seen all the same, and it listens again."""
    monkeypatch.setattr(postgres_listener, "USED_FOR", 1 << 62)
    store, other = CountingStore(database.dsn), await database.open()
    account = await store.account("me")
    await other.pace(account, count_one)
    await listening(store, account)
    await store.count_queries(account, 2)
    await database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")
    await other.pace(account, count_one)
    await sees(store, account, "2")
    monkeypatch.setattr(store._listener, "_try_at", 0)
    await listening(store, account)
    await sees(store, account, "2")
    await store.close()


async def test_nothing_is_heard_through_a_pooler(bouncer: Bouncer, pooled_database: DatabaseLocation) -> None:
    """Each look is a query, and no connection is made to listen again and again."""
    store = CountingStore(bouncer.dsn(pooled_database.dsn))
    account = await store.account("me")
    await store.pace(account, count_one)
    await store.count_queries(account, 1)
    while store._listener._task is not None:
        await asyncio.wait([store._listener._task])
    assert await store.count_queries(account, 5) == ({"1"}, 5)
    assert store._listener._task is None
    await store.close()


@pytest.mark.parametrize("payload", ["", "x", "-1", "9" * 7999, "\N{SUPERSCRIPT TWO}", None])
async def test_any_notification_is_harmless(database: DatabaseLocation, payload: str | None) -> None:
    """Every role may send one; a wrong one changes nothing, and takes no memory."""
    store = CountingStore(database.dsn)
    account = await store.account("me")
    await store.pace(account, count_one)
    await listening(store, account)
    for text in (payload, str(account + 1)):
        store._listener._notified(None, 0, postgres_listener.CHANNEL, text)
    assert list(store._listener._changes) == [account]
    assert (await store.count_queries(account, 3))[0] == {"1"}
    await store.close()
