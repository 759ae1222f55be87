"""What a client tells of itself without a request: its state, and what its store has."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks import (
    ApiError,
    AuthenticationError,
    Client,
    ClientState,
    DateRange,
    DayClicks,
    HourlySeries,
    Lane,
    Limits,
    Link,
    Rate,
    UsageError,
)
from hourlyclicks.model.state import LaneState, PauseState, StoreState, WindowState
from hourlyclicks.simulator import Envelope, Rule, Script, Status, retry_after
from hourlyclicks.store import MemoryStore
from tests.client.stories import END, KEY, LINK, START, free, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.simulator import VirtualClock

TWO_RATES = Limits((Rate(100, 3600.0), Rate(9, 60.0)), concurrency=2)


def test_the_state_of_a_client_that_was_never_used() -> None:
    """It is told without an event loop, and sends nothing."""
    state = Client(KEY, limits=TWO_RATES).state()
    assert state.status == "unused"
    assert state.usable
    assert (state.calls, state.in_flight, state.in_flight_elsewhere, state.concurrency) == (0, 0, 0, 2)
    assert state.windows == (
        WindowState(requests=9, seconds=60.0, free=9),
        WindowState(requests=100, seconds=3600.0, free=100),
    )
    assert state.interactive == state.backfill == LaneState(waiting=0, unsent=0)
    assert (state.pauses, state.paused_until, state.opens_in) == ((), None, 0)
    assert (state.endpoint, state.store) == ("v2", None)


def test_slots_that_are_in_use() -> None:
    """Requests in flight and those of the last window take places; when they come back, they are free."""

    async def main(client: Client, clock: VirtualClock) -> None:
        await client.fetch(START, "2024-03-05", LINK)
        assert [window.free for window in client.state().windows] == [4, 95]
        fetch = asyncio.create_task(client.fetch("2024-04-01", "2024-04-20", LINK))
        days = [asyncio.create_task(client.day(f"2023-05-0{day}", LINK)) for day in (1, 2, 3)]
        await clock.sleep(0.01)
        state = client.state()
        assert (state.status, state.calls, state.in_flight, state.in_flight_elsewhere) == ("open", 1, 2, 0)
        assert [window.free for window in state.windows] == [2, 93]
        assert state.interactive.waiting == 3
        assert state.interactive.unsent == 18
        assert 0 < state.opens_in < 1
        await clock.sleep(10)
        assert [window.free for window in client.state().windows] == [0, 91]
        assert 45 < client.state().opens_in < 60
        fetch.cancel()
        await asyncio.gather(*days)
        await clock.sleep(7200)  # the request of the call that was cancelled may arrive for a while
        assert [window.free for window in client.state().windows] == [9, 100]
        assert client.state().interactive == LaneState(waiting=0, unsent=0)
        await client.close()
        assert client.state().status == "closed"
        assert not client.state().usable

    simulate(free(), main, limits=TWO_RATES)


def test_lanes_are_apart() -> None:
    """A backfill counts in its own lane."""

    async def main(client: Client, clock: VirtualClock) -> None:
        fetch = asyncio.create_task(client.fetch(START, END, LINK, lane=Lane.BACKFILL))
        await clock.sleep(0.01)
        state = client.state()
        assert state.interactive == LaneState(waiting=0, unsent=0)
        assert state.backfill.unsent == 29
        fetch.cancel()

    simulate(free(), main, limits=Limits(concurrency=2))


def test_a_pause_and_its_reason() -> None:
    """During a pause the state tells until when and why; as JSON the moment is a text in UTC."""
    upstream = free(faults=Script(Rule(retry_after("30"), times=1)))

    async def main(client: Client, clock: VirtualClock) -> None:
        day = asyncio.create_task(client.day(START, LINK))
        await clock.sleep(1)
        state = client.state()
        (pause,) = state.pauses
        assert pause == PauseState(until=pause.until, why="the server asks to wait")
        assert state.paused_until == pause.until
        assert 28 < (pause.until - clock.wall()).total_seconds() < 38
        values = json.loads(json.dumps(state.as_dict()))
        assert dt.datetime.fromisoformat(values["pauses"][0]["until"]) == pause.until
        assert values["pauses"][0]["lane"] is None
        await day
        assert client.state().pauses == ()

    simulate(upstream, main)


def test_backfills_that_pause_because_much_fails() -> None:
    """A pause of the backfills alone says so, and is no pause of all requests."""

    async def main(client: Client, clock: VirtualClock) -> None:
        fetch = asyncio.create_task(client.fetch("2020-01-01", END, LINK, lane=Lane.BACKFILL))
        async with asyncio.timeout(3600):
            while not client.state().pauses:
                await clock.sleep(1)
        (pause,) = client.state().pauses
        assert pause.lane == "backfill"
        assert "fail" in pause.why
        assert client.state().paused_until is None
        fetch.cancel()

    simulate(free(faults=Script(Rule(Status(500)))), main)


def test_a_rejected_key() -> None:
    """After the server has rejected the key, the client is not usable until `retry_key`."""

    async def main(client: Client, _: VirtualClock) -> None:
        with pytest.raises(AuthenticationError):
            await client.day(START, LINK)
        assert client.state().key_rejected
        assert not client.state().usable
        client.retry_key()
        assert client.state().usable

    simulate(free(faults=Script(Rule(Status(401)))), main)


def test_the_endpoint_for_ranges() -> None:
    """With ranges, the state tells which version is asked."""
    assert Client(KEY, endpoint="auto").state().endpoint == "v3"


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("clicks.db", StoreState(kind="sqlite", location="clicks.db")),
        (MemoryStore(), StoreState(kind="memory", location=None)),
        (
            "postgresql://user:secret-word@db.example/clicks",
            StoreState(kind="postgresql", location="postgresql://db.example/clicks"),
        ),
        (
            "postgresql://db.example/clicks?password=secret-word@1",
            StoreState(kind="postgresql", location=None),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_where_the_store_is(store: Any, expected: StoreState) -> None:  # noqa: ANN401 - of several kinds
    """The kind and the place of the store are told, never a password."""
    pytest.importorskip("asyncpg")
    state = Client(KEY, store=store).state()
    assert state.store == expected
    assert "secret-word" not in json.dumps(state.as_dict())
    assert KEY not in repr(state)


def test_the_values_fit_json() -> None:
    """Each attribute has a key of its name, and `usable` one more."""
    state = Client(KEY).state()
    values = json.loads(json.dumps(state.as_dict()))
    assert set(values) == {*(field.name for field in attrs.fields(ClientState)), "usable"}
    assert values["windows"] == [{"requests": 9, "seconds": 60.0, "free": 9}]


def test_other_processes_are_seen(path: Path) -> None:
    """Requests of another client with the same store take places as well."""

    async def main(client: Client, clock: VirtualClock) -> ClientState:
        other = Client(KEY, transport=upstream.transport(clock), clock=clock, limits=TWO_RATES, store=path)
        async with other:
            await client.day(START, LINK)
            await other.fetch(START, "2024-03-05", LINK)
            return other.state()

    upstream = free()
    state = simulate(upstream, main, limits=TWO_RATES, store=path)
    assert [window.free for window in state.windows] == [4, 95]


# -- peek -----------------------------------------------------------------------------------------------


def test_peeking_sends_nothing(path: Path) -> None:
    """A day in the store is returned as it is there, any other is None; no request is sent."""
    upstream = free()

    async def main(client: Client, _: VirtualClock) -> None:
        fetched = await client.fetch(START, "2024-03-05", LINK)
        today = await client.day("2025-06-01", LINK)
        requests = upstream.counters.requests
        assert await client.peek(START, LINK) == fetched[START]
        assert await client.peek(dt.date(2024, 3, 6), LINK) is None
        assert await client.peek(START) is None
        assert await client.peek("2025-06-01", LINK) == today
        assert not today.final
        month = await client.peek(DateRange.of(START, END), LINK)
        assert isinstance(month, HourlySeries)
        assert month[START:"2024-03-05"] == fetched
        assert len(month.missing_days) == 26
        assert upstream.counters.requests == requests

    simulate(upstream, main, store=path)


def test_a_day_without_figures_is_not_there(path: Path) -> None:
    """A day that failed or was rejected has no figures to return."""
    upstream = free(faults=Script(Rule(Envelope({"code": 9, "message": "no"}), day=dt.date(2024, 3, 2))))

    async def main(client: Client, _: VirtualClock) -> None:
        await client.fetch(START, END, LINK, strict=False)
        with pytest.raises(ApiError):
            await client.day("2024-03-02", LINK)
        assert await client.peek("2024-03-02", LINK) is None
        assert isinstance(await client.peek("2024-03-03", LINK), DayClicks)

    simulate(upstream, main, store=path)


def test_final_as_this_client_sees_it(path: Path) -> None:
    """Whether figures are final is judged with the zone of the client that looks."""

    async def fetch(client: Client, _: VirtualClock) -> None:
        assert (await client.day("2025-05-31", LINK)).final

    async def peek(client: Client, _: VirtualClock) -> None:
        day = await client.peek("2025-05-31", LINK)
        assert day is not None
        assert not day.final

    upstream = free()
    simulate(upstream, fetch, store=path, timezone="Asia/Seoul")
    simulate(upstream, peek, store=path)


def test_nothing_to_peek_into() -> None:
    """Without a store, after the end, or with a wrong argument it is an error that says so."""

    async def main(client: Client, _: VirtualClock) -> None:
        with pytest.raises(UsageError, match="without a store"):
            await client.peek(START, LINK)
        with pytest.raises(UsageError):
            await client.peek("yesterday", Link("a", "https://vvd.bz"))
        await client.close()
        with pytest.raises(UsageError, match="closed"):
            await client.peek(START, LINK)

    simulate(free(), main)
