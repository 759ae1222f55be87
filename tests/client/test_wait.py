"""The argument `wait`: a call that would be delayed for too long fails at once, and queues nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import Client, HourlySeries, Lane, Limits, Rate, RateLimitedError, UsageError
from hourlyclicks.clock import SECOND
from hourlyclicks.simulator import Late, Rule, Script, Status, retry_after
from tests.client.stories import KEY, LINK, START, free, simulate
from tests.sizes import examples

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.simulator import VirtualClock

NINE = Limits((Rate(9, 60.0),), concurrency=1)
FIRST = dt.date(2024, 3, 1)


def to(days: int) -> dt.date:
    """Return the last of so many days."""
    return FIRST + dt.timedelta(days - 1)


async def rejected(call: Any) -> RateLimitedError:  # noqa: ANN401 - any call
    """Return the error of a call that must be rejected."""
    with pytest.raises(RateLimitedError) as caught:
        await call
    return caught.value


def test_what_can_be_sent_at_once_is_let_through() -> None:
    """With `wait=0`, a range within the rate is fetched, however long the server takes for each day."""

    async def main(client: Client, _: VirtualClock) -> None:
        series = await client.fetch(START, to(9), LINK, wait=0)
        assert series.missing_days == ()

    simulate(free(), main, limits=NINE)


def test_what_would_wait_is_not_queued() -> None:
    """The tenth request of a minute is rejected at once; after `retry_after`, and not before, it is sent."""
    upstream = free()

    async def main(client: Client, clock: VirtualClock) -> None:
        await client.fetch(START, to(9), LINK)
        began = clock.monotonic()
        error = await rejected(client.day(to(10), LINK, wait=0))
        assert clock.monotonic() == began
        assert client.state().interactive.waiting == 0
        assert upstream.counters.requests == 9
        assert error.retry_after is not None
        assert 59 < error.retry_after < 61
        await clock.sleep(error.retry_after - 0.01)
        assert (await rejected(client.day(to(10), LINK, wait=0))).retry_after == pytest.approx(0.01)
        await clock.sleep(0.01)
        await client.day(to(10), LINK, wait=0)
        assert upstream.counters.requests == 10

    simulate(upstream, main, limits=NINE)


@settings(max_examples=examples(40), deadline=None)
@given(
    before=st.integers(0, 12),
    days=st.integers(1, 12),
    wait=st.floats(0, 130, allow_nan=False),
    concurrency=st.integers(1, 3),
)
def test_the_forecast_is_exact(before: int, days: int, wait: float, concurrency: int) -> None:
    """A call is let through exactly if its last request leaves no later than `wait` after it could have."""
    upstream = free()

    async def main(client: Client, clock: VirtualClock) -> None:
        latency = await settled_latency(client, clock)
        if before:
            await client.fetch("2023-03-01", dt.date(2023, 2, 28) + dt.timedelta(before), LINK)
        began, asked = clock.monotonic(), upstream.counters.requests
        error: RateLimitedError | None = None
        try:
            await client.fetch(START, to(days), LINK, wait=wait)
        except RateLimitedError as rejection:
            error = rejection
        if error is not None:
            assert (clock.monotonic(), upstream.counters.requests) == (began, asked)
            await client.fetch(START, to(days), LINK)
        delay = (clock.monotonic() - began) / SECOND - latency * -(-days // concurrency)
        if error is None:
            assert delay <= wait + 1e-3
        else:
            assert error.retry_after == pytest.approx(delay - wait, abs=1e-3)

    simulate(upstream, main, limits=Limits((Rate(9, 60.0),), concurrency=concurrency))


async def settled_latency(client: Client, clock: VirtualClock) -> float:
    """Return the seconds that an answer takes, once the client has measured it often enough; wait a while."""
    began = clock.monotonic()
    await client.day("2023-01-31", LINK)
    latency = (clock.monotonic() - began) / SECOND
    for number in range(100):
        await client.day(dt.date(2022, 1, 1) + dt.timedelta(number), LINK)
    await clock.sleep(1000)
    return latency


def test_calls_in_the_queue_count() -> None:
    """Calls that wait already go first, also those for single days; a backfill does not."""

    async def main(client: Client, clock: VirtualClock) -> None:
        await client.fetch(START, to(9), LINK)
        days = [asyncio.create_task(client.day(f"2023-05-{day:02}", LINK)) for day in range(1, 10)]
        await clock.sleep(1)
        error = await rejected(client.day("2023-06-01", LINK, wait=60))
        assert error.retry_after == pytest.approx(59, abs=2)
        await asyncio.gather(*days)
        backfill = asyncio.create_task(client.fetch("2022-01-01", "2022-03-01", LINK, lane=Lane.BACKFILL))
        await clock.sleep(1)
        await client.day("2023-06-01", LINK, wait=60)
        backfill.cancel()

    simulate(free(), main, limits=NINE)


def test_days_in_the_store_take_no_request(path: Path) -> None:
    """Only the days that are due count; a call whose days are all in the store is always let through."""
    upstream = free()

    async def main(client: Client, _: VirtualClock) -> None:
        await client.fetch(START, to(9), LINK)
        assert (await client.fetch(START, to(9), LINK, wait=0)).missing_days == ()
        assert (await client.day(START, LINK, wait=0)).date == FIRST
        error = await rejected(client.fetch(START, to(10), LINK, wait=0))
        assert error.retry_after == pytest.approx(60, abs=2)
        assert upstream.counters.requests == 9
        await rejected(client.fetch(START, to(9), LINK, wait=0, refresh=True))

    simulate(upstream, main, limits=NINE, store=path)


def test_a_day_on_its_way_is_waited_for() -> None:
    """A day whose request is in flight needs none of its own."""
    upstream = free()

    async def main(client: Client, clock: VirtualClock) -> None:
        await client.fetch(START, to(8), LINK)
        first = asyncio.create_task(client.day(to(9), LINK))
        await clock.sleep(0.01)
        assert await client.day(to(9), LINK, wait=0) == await first
        assert (await rejected(client.day(to(10), LINK, wait=0))).retry_after is not None
        assert upstream.counters.requests == 9

    simulate(upstream, main, limits=NINE)


def test_a_pause_counts() -> None:
    """During a pause, the delay is the rest of it."""
    upstream = free(faults=Script(Rule(retry_after("30"), day=FIRST, times=1)))

    async def main(client: Client, clock: VirtualClock) -> None:
        first = asyncio.create_task(client.day(START, LINK))
        await clock.sleep(5)
        (pause,) = client.state().pauses
        error = await rejected(client.day(to(2), LINK, wait=1))
        assert error.retry_after is not None
        left = (pause.until - clock.wall()).total_seconds()
        assert error.retry_after == pytest.approx(left + 0.05 - 1, abs=0.3)
        await client.day(to(2), LINK, wait=60)
        await first

    simulate(upstream, main, limits=Limits(concurrency=1))


@pytest.mark.parametrize("way", ["day", "fetch"])
def test_a_pause_that_begins_later_ends_the_call(way: str) -> None:
    """A call that was let through ends when a pause begins that is too long for it, and has what it had."""
    upstream = free(faults=Script(Rule(retry_after("300"), day=FIRST if way == "day" else to(3), times=1)))

    async def main(client: Client, clock: VirtualClock) -> None:
        began = clock.monotonic()
        if way == "day":
            error = await rejected(client.day(START, LINK, wait=10))
        else:
            error = await rejected(client.fetch(START, to(9), LINK, wait=10))
            assert isinstance(error.series, HourlySeries)
            assert len(list(error.series.days())) == 2
        assert clock.monotonic() - began < 1e9
        assert error.retry_after is not None
        assert 299 < error.retry_after <= 376
        await asyncio.sleep(0)  # the task of the day ends
        assert client.state().interactive.unsent == 0
        requests = upstream.counters.requests
        await clock.sleep(1000)
        assert upstream.counters.requests == requests
        await client.day(START, LINK, wait=0)

    simulate(upstream, main, limits=Limits(concurrency=1))


def test_a_short_pause_does_not_end_the_call() -> None:
    """A pause that ends in time only delays."""
    upstream = free(faults=Script(Rule(retry_after("5"), day=to(3), times=1)))

    async def main(client: Client, _: VirtualClock) -> None:
        assert (await client.fetch(START, to(9), LINK, wait=10)).missing_days == ()

    simulate(upstream, main, limits=Limits(concurrency=1))


def test_a_follower_is_not_ended_with_its_leader() -> None:
    """When a call ends because of a pause, another one for the same day, without a `wait`, gets the day."""
    upstream = free(faults=Script(Rule(retry_after("300"), times=1)))

    async def main(client: Client, _: VirtualClock) -> None:
        calls = [asyncio.create_task(client.day(START, LINK, wait=wait)) for wait in (None, 10, None)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result).__name__ for result in results] == ["DayClicks", "RateLimitedError", "DayClicks"]

    simulate(upstream, main, limits=Limits(concurrency=1))


def test_a_timeout_of_the_caller_stays_theirs() -> None:
    """An `asyncio.timeout` around a call with a `wait` raises TimeoutError."""
    upstream = free(faults=Script(Rule(Late(20.0))))

    async def main(client: Client, _: VirtualClock) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await client.fetch(START, to(9), LINK, wait=10)

    simulate(upstream, main, limits=Limits(concurrency=1))


@pytest.mark.parametrize("wait", [-1, "5", float("nan"), True, dt.timedelta(-1)])
def test_what_is_no_wait(wait: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A wait is a number from 0 on, or a timedelta."""

    async def main(client: Client, _: VirtualClock) -> None:
        with pytest.raises(UsageError, match="wait must be a number from 0"):
            await client.day(START, LINK, wait=wait)
        await client.day(START, LINK, wait=dt.timedelta(seconds=1))

    simulate(free(), main)


def test_other_processes_count(path: Path) -> None:
    """With a store, what another client has sent since is looked up, and counts."""
    upstream = free()

    async def main(client: Client, clock: VirtualClock) -> None:
        await client.day(START, LINK)
        await clock.sleep(200)
        other = Client(KEY, transport=upstream.transport(clock), clock=clock, limits=NINE, store=path)
        async with other:
            await other.fetch("2023-03-01", "2023-03-09", LINK)
        error = await rejected(client.day(to(2), LINK, wait=1))
        assert error.retry_after == pytest.approx(58, abs=3)
        assert upstream.counters.requests == 10

    simulate(upstream, main, limits=NINE, store=path)


@pytest.mark.parametrize("endpoint", ["auto", "v3"])
def test_ranges_count_as_requests(endpoint: Any) -> None:  # noqa: ANN401 - one of the choices
    """With ranges of days, a month takes few requests, and is let through where single days would not be."""

    async def main(client: Client, _: VirtualClock) -> None:
        assert (await client.fetch(START, to(31), LINK, wait=0)).missing_days == ()

    simulate(free(plan="enterprise"), main, limits=NINE, endpoint=endpoint)


def test_a_backfill_that_pauses_because_much_fails() -> None:
    """A call of the priority of backfills takes their pause into account; an interactive one does not."""
    upstream = free(faults=Script(Rule(Status(500), day=FIRST), Rule(Status(500), number=range(1, 40))))

    async def main(client: Client, clock: VirtualClock) -> None:
        failing = asyncio.create_task(client.fetch("2020-01-01", "2020-12-31", LINK, lane=Lane.BACKFILL))
        async with asyncio.timeout(3600):
            while not client.state().pauses:
                await clock.sleep(0.5)
        failing.cancel()
        await asyncio.gather(failing, return_exceptions=True)
        await rejected(client.fetch("2021-01-01", "2021-01-02", LINK, lane=Lane.BACKFILL, wait=1))
        assert not client.state().backfill.unsent

    simulate(upstream, main)
