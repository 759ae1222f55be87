"""A client with a store: what it reads, what it requests, and what it stores."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Account, ApiError, IncompleteSeriesError, Link, UsageError
from hourlyclicks.errors import StoreError
from hourlyclicks.events import DayDone, DayRevised, Progress
from hourlyclicks.simulator import Rule, Script, Status
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import END, LINK, START, free, simulate
from tests.truths import differences

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks import Client, HourlySeries
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import Simulator, VirtualClock

TODAY = dt.date(2025, 6, 1)


async def fetch_all(client: Client, _: VirtualClock) -> HourlySeries:
    """Fetch a month."""
    return await client.fetch(START, END, LINK)


async def stream_all(client: Client, _: VirtualClock) -> list[Any]:
    """Stream a month."""
    async with client.stream(START, END, LINK) as days:
        return [day async for day in days]


async def ask_all(client: Client, _: VirtualClock) -> list[Any]:
    """Request three days."""
    return [await client.day(f"2024-03-0{number}", LINK) for number in (1, 2, 3)]


WAYS = [fetch_all, stream_all, ask_all]


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_final_day_is_never_requested_again(path: Path, first: Any, second: Any) -> None:  # noqa: ANN401 - stories
    """What one call has fetched, any other call of any client reads from the store."""
    upstream = free()
    simulate(upstream, first, store=path)
    found = simulate(upstream, second, store=str(path))
    assert set(upstream.counters.asked.values()) == {1}
    assert found == simulate(upstream, second, store=path)
    assert upstream.counters.requests == (3 if first is second is ask_all else 31)


def test_the_figures_are_those_of_the_api(path: Path) -> None:
    """Every cell from the store is what the server had sent."""
    upstream = free()
    fetched = simulate(upstream, fetch_all, store=path)
    stored = simulate(upstream, fetch_all, store=path)
    assert stored == fetched
    assert differences(stored, upstream) == []


def test_a_provisional_day_is_requested_again(path: Path) -> None:
    """Today is requested by every call, and yesterday until it is final."""
    upstream = free()

    async def story(client: Client, clock: VirtualClock) -> None:
        for expected in (2, 4):
            await client.fetch(TODAY - dt.timedelta(1), TODAY, LINK)
            assert upstream.counters.requests == expected
        await clock.sleep(3600)
        await client.fetch(TODAY - dt.timedelta(1), TODAY, LINK)
        assert upstream.counters.requests == 6
        await client.fetch(TODAY - dt.timedelta(1), TODAY, LINK)
        assert upstream.counters.requests == 7

    simulate(upstream, story, store=path)


def test_a_refreshed_day_is_requested(path: Path) -> None:
    """`refresh` requests final days; a change is reported and stored."""
    events: list[Event] = []

    async def refresh(client: Client, clock: VirtualClock) -> None:
        await clock.sleep(60)
        await client.day(START, LINK, refresh=True)
        await client.fetch(START, END, LINK, refresh=True)
        await clock.sleep(60)  # some days have lost an hour, which is believed only when it is confirmed
        async with client.stream(START, END, LINK, refresh=True) as days:
            assert len([day async for day in days]) == 31

    simulate(free(seed=1), fetch_all, store=path)
    upstream = free(seed=2)
    simulate(upstream, refresh, store=path, on_event=events.append)
    assert upstream.counters.requests == 1 + 31 + 31
    assert 20 < sum(isinstance(event, DayRevised) for event in events) <= 31
    assert differences(simulate(upstream, fetch_all, store=path), upstream) == []
    assert upstream.counters.requests == 63


@pytest.mark.parametrize("refresh", [True, False])
def test_a_rejected_day_is_an_error_from_the_store(path: Path, *, refresh: bool) -> None:
    """Without a request, with the error of the API, unless `retry_refused` is set."""
    bad = dt.date(2024, 3, 5)
    upstream = free(faults=Script(Rule(Status(404, body=b'{"code": 9}'), day=bad)))

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(ApiError):  # nothing else was answered yet, so that it has only failed
            await client.day(bad, LINK)
        await check_fetch(client)  # asks for it once, and once more to be sure
        assert upstream.counters.asked[LINK, bad] == 3
        for _again in range(2):
            with pytest.raises(ApiError) as caught:
                await client.day(bad, LINK, refresh=refresh)
            assert (caught.value.status, caught.value.day, caught.value.target) == (404, bad, LINK)
        await check_fetch(client, refresh=refresh)

    async def check_fetch(client: Client, *, refresh: bool = False) -> None:
        with pytest.raises(IncompleteSeriesError) as lacking:
            await client.fetch(START, END, LINK, refresh=refresh)
        assert lacking.value.series.missing_days == (bad,)
        assert set(lacking.value.failures) == {bad}

    simulate(upstream, story, store=path)
    assert upstream.counters.asked[LINK, bad] == (6 if refresh else 3)


def test_progress_counts_what_the_store_has(path: Path) -> None:
    """The first event counts the days in the store, the last one all days."""
    events: list[Event] = []

    async def half(client: Client, _: VirtualClock) -> None:
        await client.fetch(START, "2024-03-15", LINK)

    simulate(free(), half, store=path)
    simulate(free(), fetch_all, store=path, on_event=events.append)
    progress = [event for event in events if isinstance(event, Progress)]
    assert (progress[0].done, progress[0].total) == (15, 31)
    assert [event.done for event in progress] == list(range(15, 32))
    assert (progress[-1].eta, progress[-1].failed) == (0.0, 0)
    assert all(0 <= event.eta < 100 for event in progress)
    assert sum(isinstance(event, DayDone) for event in events) == 16


def test_targets_and_accounts_are_kept_apart(path: Path) -> None:
    """Another target or another account has other days."""
    upstream = free()

    async def story(client: Client, _: VirtualClock) -> None:
        for target in (LINK, Link("b", "https://vvd.bz"), Account()):
            await client.day(START, target)

    simulate(upstream, story, store=path)
    assert upstream.counters.requests == 3
    simulate(upstream, story, store=path, account="another one")
    assert upstream.counters.requests == 6
    simulate(upstream, story, store=path, account="another one")
    assert upstream.counters.requests == 6


@pytest.mark.parametrize("name", ["one", "two"])
def test_an_account_with_a_name_survives_its_key(path: Path, name: str) -> None:
    """With a name, a new key finds what the old one had fetched; without one it does not."""
    for key, requests in (("key-number-one", 1), ("key-number-two", 0 if name == "one" else 1)):
        upstream = free(keys={key: "enterprise"})

        async def story(client: Client, _: VirtualClock) -> None:
            await client.day(START, LINK)

        simulate(upstream, story, store=path, account=name if name == "one" else None)
        assert upstream.counters.requests == requests


def test_a_store_of_the_callers_is_not_closed(path: Path) -> None:
    """It can be used by several clients and afterwards."""

    async def story(client: Client, _: VirtualClock) -> None:
        await client.day(START, LINK)
        await client.close()
        assert store._thread is not None
        assert len(await store.accounts()) == 1
        await store.close()

    store = SqliteStore(path)
    simulate(free(), story, store=store)


def test_many_callers_of_one_day(path: Path) -> None:
    """They share one request, with and without a store."""
    upstream = free()

    async def story(client: Client, _: VirtualClock) -> None:
        days = await asyncio.gather(*(client.day(START, LINK) for _ in range(20)))
        assert len(set(map(id, days))) <= 20
        assert all(day == days[0] for day in days)

    simulate(upstream, story, store=path)
    assert upstream.counters.requests == 1


@pytest.mark.parametrize("store", [5, "", b"x.db", "redis://here", object(), "a\0b"])
def test_what_is_no_store(store: Any) -> None:  # noqa: ANN401 - anything
    """Anything else is a usage error at once."""
    with pytest.raises(UsageError):
        simulate(free(), fetch_all, store=store)


@pytest.mark.parametrize("account", [5, b"me", "a\0b", "\ud800"])
def test_what_is_no_account(path: Path, account: Any) -> None:  # noqa: ANN401 - anything
    """An account's name is text."""
    with pytest.raises(UsageError):
        simulate(free(), fetch_all, store=path, account=account)


def test_a_file_that_is_no_store(path: Path) -> None:
    """It is a `StoreError` of the first call, and nothing is sent."""
    path.write_bytes(b"this is not a database, it is a text of some length" * 100)
    upstream: Simulator = free()
    for story in WAYS:
        with pytest.raises(StoreError, match=r"clicks\.db"):
            simulate(upstream, story, store=path)
    assert upstream.counters.requests == 0
