"""A store in memory, as tests of applications use it; the tests of all stores run on it as well."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Client, Limits, Link, Plan, Rate
from hourlyclicks.clock import SECOND
from hourlyclicks.errors import StoreError
from hourlyclicks.simulator import Simulator, run_virtual
from hourlyclicks.store import MemoryStore, open_store
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.sqlite import SqliteStore
from tests.model.strategies import FIRST, a_day
from tests.store.answers import ALL, ME, count_one, figures, look

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.simulator import VirtualClock

LINK = Link("kYdr", "https://vvd.bz")


def test_clients_share_days_and_limit() -> None:
    """Two clients at the same time request each day once, within one limit; a third one requests nothing."""
    upstream = Simulator(plan="business", latency=(0.01, 0.2))

    async def scenario(clock: VirtualClock) -> None:
        store = MemoryStore(clock=clock)

        def client() -> Client:
            transport = upstream.transport(clock)
            return Client(upstream.key, plan=Plan.BUSINESS, clock=clock, transport=transport, store=store)

        async with client() as one, client() as other:
            await asyncio.gather(
                one.backfill("2025-01-01", "2025-03-31", [LINK]),
                other.fetch("2025-01-01", "2025-03-31", LINK),
            )
        async with client() as third:
            series = await third.fetch("2025-01-01", "2025-03-31", LINK)
        assert series.missing_days == ()
        async with open_store(store) as reader:
            account = await reader.account()
            states = await account.count_by_state(LINK)
        assert states[DayState.FINAL] + states[DayState.EMPTY] == 90

    run_virtual(scenario)
    assert set(upstream.counters.asked.values()) == {1}
    assert (upstream.counters.requests, upstream.counters.over_limit) == (90, 0)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_clock_of_the_client_is_that_of_the_store(kind: str, path: Path) -> None:
    """A store that has no clock of its own lets requests go by the virtual one, in each of two runs."""
    store = MemoryStore() if kind == "memory" else SqliteStore(path)
    limits = Limits([Rate(5, 1.0)], guard=0.0)

    async def scenario(clock: VirtualClock, month: int) -> None:
        upstream = Simulator(limits=[(5, 1.0)])
        transport = upstream.transport(clock)
        client = Client(upstream.key, limits=limits, clock=clock, transport=transport, store=store)
        async with client:
            await client.backfill(f"2025-{month:02}-01", f"2025-{month:02}-28", [LINK])
        await store.close()
        assert (upstream.counters.requests, upstream.counters.over_limit) == (28, 0)
        assert clock.monotonic() < 8 * SECOND, "28 days take six windows, and one after another clock"

    for month in (1, 2):
        run_virtual(partial(scenario, month=month))


def test_it_has_no_thread_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a test leaves nothing behind, and can use it on one event loop after the other."""
    monkeypatch.chdir(tmp_path)
    store, threads = MemoryStore(), threading.active_count()

    async def put() -> int:
        account = await store.account("me")
        await store.put(account, ME, a_day(FIRST), requests=1)
        assert threading.active_count() == threads
        await store.close()
        return account

    account = asyncio.run(put())
    assert asyncio.run(store.read(account, ME, ALL)) == [a_day(FIRST)]
    assert list(tmp_path.iterdir()) == []


def test_threads_may_share_it() -> None:
    """As in an application that is tested in a thread of its own: no step is lost."""
    store = MemoryStore()
    account = asyncio.run(store.account("me"))

    async def count() -> None:
        await asyncio.gather(*[store.pace(account, count_one) for _ in range(20)])

    threads = [threading.Thread(target=asyncio.run, args=(count(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asyncio.run(store.pace(account, look))[0] == "80"


async def test_an_error_names_it() -> None:
    """As any other store does."""
    store = MemoryStore()
    assert repr(store) == "<MemoryStore>"
    with pytest.raises(StoreError, match="the store in memory: "):
        await store.put(await store.account("me"), ME, figures([2**63] * 24), requests=1)


@pytest.mark.usefixtures("own_garbage")
async def test_it_may_be_left_open() -> None:
    """Its connection is closed when it is deleted, else newer versions of Python warn."""
    store = MemoryStore()
    db = store._file._db
    del store
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError):
        db.execute("SELECT 1")
