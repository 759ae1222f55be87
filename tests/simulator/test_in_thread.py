"""A simulator in a thread of its own."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import AuthenticationError, Client, Link, RetryPolicy, ServerError
from hourlyclicks.errors import UsageError
from hourlyclicks.events import ClockSkew
from hourlyclicks.simulator import Rule, Script, Simulator, Status

if TYPE_CHECKING:
    from hourlyclicks import HourlySeries

LINK = Link("kYdr", "https://vvd.bz")
WEEK = "2025-04-01", "2025-04-07"


async def fetch(server: Simulator) -> HourlySeries:
    """Fetch a week with a client of its own."""
    async with server.client() as client:
        return await client.fetch(*WEEK, LINK)


def test_synchronous_code_is_answered() -> None:
    """A blocking request from the thread that started the server gets its answer."""
    with Simulator.in_thread() as server:
        request = urllib.request.Request(  # noqa: S310 - http on loopback
            f"{server.url}/api/statistics/v2/clicks-by-hour?ymd=2025-04-01",
            headers={"Authorization": f"APIKey {server.key}", "User-Agent": "acme/1.0"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            assert answer.status == 200
    assert server.counters.statuses == {200: 1}


def test_any_loop_is_answered() -> None:
    """Clients in several event loops, in several threads at a time, get the truth."""
    with Simulator.in_thread(limits=(), concurrency=0) as server:
        found: list[HourlySeries] = []
        threads = [
            threading.Thread(target=lambda: found.append(asyncio.run(fetch(server)))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [server.truth(LINK, *WEEK)] * 4
        assert server.counters.count(status=200) == 28


async def test_a_loop_that_stands_still_does_not_stop_it() -> None:
    """The test may block its own event loop, as a synchronous test client does."""
    with Simulator.in_thread() as server:
        waiting = threading.Thread(target=lambda: asyncio.run(fetch(server)))
        waiting.start()
        waiting.join(30)
        assert server.counters.requests == 7


def test_faults_are_set_while_it_runs() -> None:
    """The next request has the new fault."""
    with Simulator.in_thread(limits=()) as server:
        assert asyncio.run(fetch(server)).missing_days == ()
        server.faults = Script(Rule(Status(501)))
        with pytest.raises(ServerError):
            asyncio.run(fetch(server))
        server.faults = None
        assert asyncio.run(fetch(server)) == server.truth(LINK, *WEEK)


def test_it_ends_with_the_block() -> None:
    """Neither a thread nor a listening socket is left, and it can be entered again."""
    running = Simulator.in_thread()
    addresses = []
    for _ in range(2):
        with running as server:
            addresses.append(server.url)
        with pytest.raises(UsageError, match="in_thread"):
            _ = server.url
    assert not [thread for thread in threading.enumerate() if thread.name == "hourlyclicks-simulator"]
    for url in addresses:
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 - http on loopback


def test_it_runs_once_at_a_time() -> None:
    """Entering it twice is an error that leaves the first one running."""
    with Simulator.in_thread() as server:
        running = Simulator.in_thread()
        with running, pytest.raises(UsageError, match="running already"):
            running.__enter__()
        assert server.url


def test_a_port_in_use_is_reported() -> None:
    """What prevents the start is raised by ``with``."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = Simulator.in_thread(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            running.__enter__()
    assert not [thread for thread in threading.enumerate() if thread.name == "hourlyclicks-simulator"]


def test_an_error_of_the_block_is_not_delayed_by_connections() -> None:
    """An idle connection that stays open does not hold up the end."""
    with Simulator.in_thread() as server:
        host, port = server.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), 5)
    with connection:
        assert connection.recv(1) == b""


def test_a_reset_begins_anew() -> None:
    """Counters, limits and faults are as at first."""
    with Simulator.in_thread(limits=[(7, 3600.0)]) as server:
        for _ in range(3):
            server.faults = Script(Rule(Status(500), times=1))
            asyncio.run(fetch_patiently(server))
            assert server.counters.faults == {"Status": 1}
            assert (server.counters.requests, len(server.seen), server.max_in_window(60)) == (2, 2, 2)
            server.reset()
            assert server.faults is None
            assert (server.counters.requests, len(server.seen), server.max_in_window(60)) == (0, 0, 0)


async def fetch_patiently(server: Simulator) -> None:
    """Fetch one day, however often it fails."""
    async with server.client(retry=RetryPolicy(base=0.01)) as client:
        await client.day("2025-04-01", LINK)


def test_a_reset_counts_what_is_in_service() -> None:
    """A request that began before it is not counted as less than none afterwards."""
    with Simulator.in_thread() as server:
        server._app.counters.in_service = 2
        server.reset()
        assert (server.counters.in_service, server.counters.max_concurrent) == (2, 2)
        assert server.counters.requests == 0


async def test_a_client_suits_its_server() -> None:
    """It has the key, the URL, the limits, the zone and the time of the server."""
    keys = {"first-key-of-acme": "business", "second-key-of-acme": "personal"}
    with Simulator.in_thread(keys=keys, today=dt.date(2025, 4, 7), timezone="Asia/Seoul") as server:
        events: list[object] = []
        async with server.client(on_event=events.append) as client:
            assert isinstance(client, Client)
            series = await client.fetch("2025-04-01", "2025-04-07", LINK)
        assert series == server.truth(LINK, "2025-04-01", "2025-04-07")
        assert series.provisional_days == (series.range.end,)
        assert [event for event in events if isinstance(event, ClockSkew)] == []
        async with server.client("second-key-of-acme") as client:
            await client.day("2025-04-01", LINK)
        assert server.counters.count(key="second-key-of-acme", status=200) == 1
        async with server.client("a-key-of-umbrella") as client:
            with pytest.raises(AuthenticationError):
                await client.day("2025-04-01", LINK)
        assert server.counters.over_limit == 0
