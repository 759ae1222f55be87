"""Sessions, event loops, and the end of a client."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from hourlyclicks import Client, DayClicks, Limits, Plan, Rate, RetryPolicy, UsageError
from hourlyclicks.simulator import Chances, Hang, Late, Rule, Script, Simulator, Status
from tests.client.stories import LINK, START, free, simulate
from tests.truths import differences

if TYPE_CHECKING:
    from hourlyclicks.simulator import Fault, VirtualClock


def test_calls_of_a_closed_client_are_errors() -> None:
    """After close every call is a UsageError; close may be called again."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        await client.close()
        await client.close()
        assert "closed" in repr(client)
        with pytest.raises(UsageError, match="closed"):
            await client.day("2024-03-01", LINK)
        with pytest.raises(UsageError, match="closed"):
            async with client:
                pass

    simulate(free(), main)


def test_closing_ends_running_calls() -> None:
    """Close ends running calls with a UsageError and what they have, and leaves no task."""

    async def main(client: Client, clock: VirtualClock) -> None:
        fetch = asyncio.create_task(client.fetch("2015-01-01", "2024-12-31", LINK))
        day = asyncio.create_task(client.day("2014-01-01", LINK))
        await clock.sleep(1)
        await client.close()
        results = await asyncio.gather(fetch, day, return_exceptions=True)
        assert isinstance(results[0], UsageError)
        assert results[0].series is not None
        assert isinstance(results[1], DayClicks)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    simulate(free(), main)


@pytest.mark.parametrize("fault", [Status(500), Late(25.0)])
def test_closing_ends_a_fetch_that_waits(fault: Fault) -> None:
    """Close ends a fetch at once, whether it waits for the next attempt or for an answer."""
    upstream = free(faults=Script(Rule(fault)))

    async def main(client: Client, clock: VirtualClock) -> None:
        fetch = asyncio.create_task(client.fetch("2024-03-01", "2024-03-31", LINK))
        await clock.sleep(0.5)
        closed = clock.monotonic()
        await client.close()
        with pytest.raises(UsageError, match="closed") as caught:
            await fetch
        assert clock.monotonic() == closed
        assert caught.value.series is not None
        assert asyncio.all_tasks() == {asyncio.current_task()}

    simulate(upstream, main, retry=RetryPolicy(base=100, cap=100))


def test_closing_ends_a_stream() -> None:
    """The reader of a stream gets what was answered, and then the error that the client is closed."""

    async def main(client: Client, clock: VirtualClock) -> None:
        async with client.stream("2024-03-01", "2024-03-31", LINK) as days:
            await anext(days)
            await clock.sleep(60)
            await client.close()
            rest = []
            with pytest.raises(UsageError, match="closed"):  # noqa: PT012 - which turn raises is open
                while True:
                    rest.append(await anext(days))
            assert len(rest) >= 4
            with pytest.raises(StopAsyncIteration):
                await anext(days)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    simulate(free(), main)


async def test_another_event_loop_is_an_error() -> None:
    """A client belongs to the loop it was first used on."""
    async with (
        Simulator() as upstream,
        Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM) as client,
    ):
        await client.day("2024-03-01", LINK)

        def elsewhere() -> None:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(client.day("2024-03-02", LINK))

        with pytest.raises(UsageError, match="loop"):
            await asyncio.to_thread(elsewhere)


async def test_the_own_session_sends_as_many_at_a_time_as_it_may() -> None:
    """With a concurrency of 3, three requests are at the server at a time, and never four."""
    async with Simulator(limits=(), concurrency=0, faults=Script(Rule(Hang()))) as upstream:
        async with Client(upstream.key, base_url=upstream.url, limits=Limits(concurrency=3)) as client:
            fetch = asyncio.create_task(client.fetch("2024-03-01", "2024-03-31", LINK))
            async with asyncio.timeout(20):
                while upstream.counters.in_service < 3:  # noqa: ASYNC110 - the server has nothing to wait on
                    await asyncio.sleep(0.005)
            fetch.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fetch
        assert upstream.counters.max_concurrent == 3


async def test_a_given_session_is_used_and_left_open() -> None:
    """A session that was given is used, and never closed."""
    async with Simulator() as upstream, aiohttp.ClientSession() as session:
        async with Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM, session=session) as client:
            day = await client.day("2024-03-01", LINK)
        assert day.date == dt.date(2024, 3, 1)
        assert not session.closed


async def test_an_own_session_is_closed() -> None:
    """The client's own session ends with it."""
    async with Simulator() as upstream:
        client = Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM)
        await client.day("2024-03-01", LINK)
        await client.close()
        with pytest.raises(UsageError):
            await client.day("2024-03-02", LINK)


@pytest.mark.usefixtures("own_garbage")
def test_forgetting_to_close_is_warned_about() -> None:
    """A client that held a connection and was never closed causes a ResourceWarning."""

    async def main() -> None:
        async with Simulator() as upstream:
            client = Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM)
            await client.day("2024-03-01", LINK)
            await asyncio.sleep(0)  # the task of the day ends
            transport: Any = client._engine._network.transport
            session, direct = transport._session, transport._direct  # aiohttp's own would warn, too
            del transport
            with pytest.warns(ResourceWarning, match="client was not closed"):  # noqa: PT031 - two halves of one act
                del client
                gc.collect()
            direct.release_connections()
            await session.close()

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(main())
    gc.collect()  # nothing else warns later, in another test


async def test_a_whole_run_over_a_real_socket() -> None:
    """With short limits, enforced, and faults, the series is exact, and there is no 429."""
    faults = Chances({Status(500): 0.05, Status(503): 0.05}, seed=2)
    upstream = Simulator(limits=((30, 6.0),), concurrency=2, time_scale=1 / 60, faults=faults)
    async with upstream:
        limits = Limits((Rate(30, 0.1),), concurrency=2, guard=0.02)
        retry = RetryPolicy(attempts=8, base=0.01, cap=0.05)
        async with Client(upstream.key, base_url=upstream.url, limits=limits, retry=retry) as client:
            series = await client.fetch(START, "2024-05-31", LINK)
    assert differences(series, upstream) == []
    assert upstream.counters.over_limit == upstream.counters.over_concurrency == 0
