"""Callers that leave, and clients that are closed, while requests are in flight, on real sockets.

Both ends of a socket are in one event loop, and its time is virtual: no test waits for an answer.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, DateRange, Limits, Plan, RetryPolicy, Timeout, UsageError
from hourlyclicks.events import RequestDone
from hourlyclicks.simulator import (
    Hang,
    Late,
    Rule,
    Script,
    Simulator,
    Status,
    VirtualEventLoop,
    run_virtual,
)
from hourlyclicks.store import open_store
from tests.client.stories import END, LINK, START

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from hourlyclicks.events import Event
    from hourlyclicks.simulator import VirtualClock

MONTH = DateRange.of(START, END)
SLOT = 0.15
"""Seconds that the server takes for an answer."""


def on_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on an event loop whose time is virtual."""

    @functools.wraps(test)
    def run(*given: Any, **named: Any) -> None:  # noqa: ANN401 - passed through
        run_virtual(test(*given, **named))

    return run


def clock_of_the_loop() -> VirtualClock:
    """Return the clock of the test."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualEventLoop)
    return loop.clock


def slow(**options: Any) -> Simulator:  # noqa: ANN401 - passed through
    """Return a server that takes its time."""
    faults = Script(Rule(Late(SLOT)))
    return Simulator(limits=(), concurrency=0, clock=clock_of_the_loop(), **({"faults": faults} | options))


def open_client(upstream: Simulator, path: Path | None, **options: Any) -> Client:  # noqa: ANN401 - passed through
    """Return a client with two requests in flight at a time."""
    given: dict[str, Any] = {"limits": Limits(concurrency=2), "clock": clock_of_the_loop()} | options
    return Client(upstream.key, base_url=upstream.url, store=path, **given)


async def requests_of(upstream: Simulator, number: int) -> None:
    """Wait until the server has got so many requests."""
    async with asyncio.timeout(30):
        while upstream.counters.requests < number:  # noqa: ASYNC110 - the server has nothing to wait on
            await asyncio.sleep(0.005)


def counted(client: Client) -> Callable[[], int]:
    """Return what tells how many requests a client has sent from now on; they may arrive later."""
    done: list[Event] = []
    client.subscribe(lambda event: done.append(event) if isinstance(event, RequestDone) else None)
    return lambda: len(done) + client.state().in_flight


async def nothing_more(upstream: Simulator) -> int:
    """Return how many requests the server has got, which must be all for two slots."""
    requests = upstream.counters.requests
    await asyncio.sleep(2 * SLOT)
    assert upstream.counters.requests == requests
    return requests


async def kept(client: Client) -> int:
    """Return how many days of the month are in the store."""
    series = await client.peek(MONTH, LINK)
    return len(MONTH) - len(series.missing_days)


async def fetch(client: Client) -> object:
    """Fetch a month."""
    return await client.fetch(START, END, LINK)


async def stream(client: Client) -> object:
    """Stream a month."""
    async with client.stream(START, END, LINK) as days:
        return [day async for day in days]


async def backfill(client: Client) -> object:
    """Bring a month into the store."""
    return await client.backfill(START, END, [LINK])


CALLS: list[Callable[[Client], Awaitable[object]]] = [fetch, stream, backfill]


@pytest.mark.parametrize("call", CALLS)
@on_virtual_time
async def test_nothing_is_sent_for_a_caller_that_has_left(
    call: Callable[[Client], Awaitable[object]], path: Path
) -> None:
    """It ends at once; what is in flight is completed and stored, and no other request is sent."""
    async with slow() as upstream, open_client(upstream, path) as client:
        sent_by = counted(client)
        calling = asyncio.ensure_future(call(client))
        await requests_of(upstream, 5)
        arrived, sent = upstream.counters.requests, sent_by()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert 1 <= client.state().in_flight <= 2
        assert client.state().calls == 0
        await asyncio.sleep(2 * SLOT)
        total = await nothing_more(upstream)
        assert arrived <= total <= sent
        assert client.state().in_flight == 0
        assert await kept(client) == total
        assert [task for task in asyncio.all_tasks() if "hourlyclicks/jobs" in repr(task)] == []


@on_virtual_time
async def test_sums_of_days_for_a_caller_that_has_left(path: Path) -> None:
    """The same for `daily`: the sums that are in flight are stored, and no other request is sent."""
    async with slow() as upstream, open_client(upstream, path, limits=None, plan=Plan.PREMIUM) as client:
        sent_by = counted(client)
        calling = asyncio.ensure_future(client.daily("2024-01-01", "2024-12-31", LINK))
        await requests_of(upstream, 2)
        arrived, sent = upstream.counters.requests, sent_by()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await asyncio.sleep(2 * SLOT)
        total = await nothing_more(upstream)
        assert arrived <= total <= sent
        assert client.state().in_flight == 0
    async with open_store(path) as store:
        series = await (await store.account()).daily("2024-01-01", "2024-12-31", LINK)
    assert len(series.range) - len(series.missing_days) >= 14 * total


@on_virtual_time
async def test_a_stream_that_is_left_early(path: Path) -> None:
    """Leaving a stream stores what is in flight, as a cancelled call does."""
    async with slow() as upstream, open_client(upstream, path) as client:
        sent_by = counted(client)
        async with client.stream(START, END, LINK) as days:
            await anext(days)
            await requests_of(upstream, 4)
            arrived, sent = upstream.counters.requests, sent_by()
        await asyncio.sleep(2 * SLOT)
        total = await nothing_more(upstream)
        assert arrived <= total <= sent
        assert await kept(client) == total


@on_virtual_time
async def test_a_day_whose_caller_has_left(path: Path) -> None:
    """A single day that is in flight is stored; one that waits is never sent."""
    async with slow() as upstream, open_client(upstream, path, limits=Limits(concurrency=1)) as client:
        days = [asyncio.create_task(client.day(day, LINK)) for day in (START, "2024-03-02")]
        await requests_of(upstream, 1)
        for day in days:
            day.cancel()
        await asyncio.gather(*days, return_exceptions=True)
        await asyncio.sleep(SLOT)
        assert await nothing_more(upstream) == 1
        assert await client.peek(START, LINK) is not None


@on_virtual_time
async def test_a_failed_request_is_not_repeated_for_a_caller_that_has_left(path: Path) -> None:
    """If the request in flight fails, it is not sent again, for a day or for a month."""
    upstream = slow(faults=Script(Rule(Status(500))), latency=(SLOT, SLOT))
    retry = RetryPolicy(base=0.01, cap=0.01)
    async with upstream, open_client(upstream, path, retry=retry) as client:
        for call in (client.day(START, LINK), client.fetch("2024-03-02", END, LINK)):
            sent = upstream.counters.requests
            calling = asyncio.create_task(call)
            await requests_of(upstream, sent + 1)
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
        await asyncio.sleep(SLOT)
        await nothing_more(upstream)


@on_virtual_time
async def test_followers_are_unaffected(path: Path) -> None:
    """A call that follows the request of another one gets its day when that one leaves."""
    async with slow() as upstream, open_client(upstream, path) as client:
        month = asyncio.create_task(client.fetch(START, END, LINK))
        await requests_of(upstream, 4)
        in_flight = [day for (_, day) in upstream.counters.asked][-2:]
        followers = [asyncio.create_task(client.day(day, LINK)) for day in in_flight]
        await asyncio.sleep(0)
        month.cancel()
        assert [day.date for day in await asyncio.gather(*followers)] == in_flight
        assert set(upstream.counters.asked.values()) == {1}


@on_virtual_time
async def test_a_caller_that_comes_after_one_that_has_left(path: Path) -> None:
    """A request that is completed for its own sake is followed by the next caller of its day."""
    async with slow() as upstream, open_client(upstream, path) as client:
        for first in (client.day(START, LINK), client.fetch("2024-03-02", "2024-03-02", LINK)):
            sent = upstream.counters.requests
            leaving = asyncio.create_task(first)
            await requests_of(upstream, sent + 1)
            leaving.cancel()
            await asyncio.sleep(0)
            day = START if not sent else "2024-03-02"
            assert (await client.day(day, LINK)).date == dt.date.fromisoformat(day)
            assert upstream.counters.requests == sent + 1


@on_virtual_time
async def test_without_a_store_the_request_is_abandoned() -> None:
    """Nothing could be kept, so the connection is closed at once."""
    async with slow() as upstream, open_client(upstream, None) as client:
        calling = asyncio.create_task(client.fetch(START, END, LINK))
        await requests_of(upstream, 5)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert client.state().in_flight == 0
        assert client.state().in_flight_elsewhere == 2
        await nothing_more(upstream)


# -- closing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS)
@on_virtual_time
async def test_closing_keeps_what_is_answered(
    call: Callable[[Client], Awaitable[object]], path: Path
) -> None:
    """With calls under way, closing waits for requests in flight: every answer of the server is stored."""
    async with slow() as upstream:
        client = open_client(upstream, path)
        async with client:
            calling = asyncio.ensure_future(call(client))
            day = asyncio.create_task(client.day("2024-05-01", LINK))
            await requests_of(upstream, 6)
        with pytest.raises(UsageError, match="closed"):
            await calling
        await asyncio.gather(day, return_exceptions=True)
        sent = await nothing_more(upstream)
        assert upstream.counters.count(status=200) == sent
        async with open_client(upstream, path) as again:
            assert await kept(again) == sent - upstream.counters.asked[LINK, dt.date(2024, 5, 1)]


@pytest.mark.parametrize("grace", [None, 0.2, 0])
@on_virtual_time
async def test_closing_waits_no_longer_than_its_grace(grace: float | None, path: Path) -> None:
    """Requests that are not answered are abandoned after a second, or after the grace that is given."""
    async with slow(faults=Script(Rule(Hang()))) as upstream:
        client = open_client(upstream, path, timeout=Timeout(total=60, read=60))
        calling = asyncio.create_task(client.backfill(START, END, [LINK]))
        await requests_of(upstream, 2)
        began = asyncio.get_running_loop().time()
        await client.close(grace=grace)
        took = asyncio.get_running_loop().time() - began
        with pytest.raises(UsageError, match="closed") as caught:
            await calling
    assert caught.value.report is not None
    expected = 1.0 if grace is None else grace
    assert took == pytest.approx(expected, abs=0.1)


async def test_what_a_grace_is(path: Path) -> None:
    """It is a number from 0 on."""
    client = Client("0123456789abcdef", store=path)
    for wrong in (-1, "1", float("nan")):
        with pytest.raises(UsageError, match="grace must be a number from 0"):
            await client.close(grace=wrong)  # type: ignore[arg-type]  # wrong on purpose
    await client.close(grace=0)
