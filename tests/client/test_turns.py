"""Which call goes first, and how long it takes."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Client, Lane, Plan, UsageError
from hourlyclicks.clock import SECOND
from hourlyclicks.events import Progress
from hourlyclicks.simulator import Simulator, run_virtual
from tests.client.stories import END, KEY, LINK, START, free, simulate

if TYPE_CHECKING:
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import VirtualClock


@pytest.mark.parametrize("lane", [Lane.INTERACTIVE, Lane.BACKFILL])
def test_a_day_does_not_wait_for_a_running_fetch(lane: Lane) -> None:
    """A `day` awaited during a fetch of ten years waits for at most one slot."""
    upstream = Simulator(plan="premium", latency=(0.1, 0.1))

    async def main(client: Client, clock: VirtualClock) -> None:
        run = asyncio.create_task(client.fetch("2015-01-01", "2024-12-31", LINK, lane=lane))
        await clock.sleep(333.3)
        asked = upstream.counters.requests
        await client.day("2014-12-31", LINK)
        assert upstream.counters.requests - asked <= 2
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    simulate(upstream, main, limits=None, plan=Plan.PREMIUM)
    assert upstream.counters.over_limit == 0


@pytest.mark.parametrize("lane", [Lane.INTERACTIVE, Lane.BACKFILL])
def test_a_day_that_a_fetch_has_queued_is_no_slower(lane: Lane) -> None:
    """A `day` that the fetch itself has in the queue waits for at most one slot, too."""
    upstream = Simulator(plan="premium", latency=(0.1, 0.1))

    async def main(client: Client, clock: VirtualClock) -> None:
        run = asyncio.create_task(client.fetch("2015-01-01", "2024-12-31", LINK, lane=lane))
        await clock.sleep(30)
        asked = upstream.counters.requests
        waiting = dt.date(2015, 1, 1) + dt.timedelta(days=asked + Plan.PREMIUM.limits.concurrency + 1)
        await client.day(waiting, LINK)
        assert upstream.counters.requests - asked <= 2
        assert upstream.counters.asked[LINK, waiting] == 1
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    simulate(upstream, main, limits=None, plan=Plan.PREMIUM)


def test_identical_days_in_flight_are_one_request() -> None:
    """Each call for a day that is in flight waits for the same answer."""
    upstream = free()

    async def main(client: Client, _clock: VirtualClock) -> None:
        fetches = [client.fetch(START, END, LINK) for _ in range(3)]
        days = [client.day("2024-03-01", LINK) for _ in range(50)]
        results = await asyncio.gather(*fetches, *days)
        assert results[0] == results[1] == results[2]
        assert all(day is results[3] for day in results[3:])

    simulate(upstream, main)
    assert upstream.counters.asked[LINK, dt.date(2024, 3, 1)] == 1


def test_an_estimate_is_what_it_then_takes() -> None:
    """The estimate, made before anything is sent, is within 2 % of the run, and names the rate."""
    upstream = Simulator(plan="premium", latency=(0.125, 0.125))

    async def main(client: Client, clock: VirtualClock) -> None:
        estimate = client.estimate("2024-01-01", "2024-12-31")
        assert (estimate.requests, estimate.binding) == (366, "rate")
        assert client.estimate("2024-01-01", "2024-12-31", targets=10).requests == 3660
        began = clock.monotonic()
        await client.fetch("2024-01-01", "2024-12-31", LINK)
        assert (clock.monotonic() - began) / SECOND == pytest.approx(estimate.seconds, rel=0.02)
        with pytest.raises(UsageError):
            client.estimate("2024-01-01", "2024-12-31", targets=-1)

    simulate(upstream, main, limits=None, plan=Plan.PREMIUM)


def test_the_eta_is_right_throughout_a_fetch() -> None:
    """At every tenth of a run, the ETA is within 3 % of the time it takes, or one window."""
    upstream = Simulator(plan="enterprise", latency=(0.05, 0.2))
    promises: list[tuple[int, Progress]] = []

    async def main(clock: VirtualClock) -> None:
        def record(event: Event) -> None:
            if isinstance(event, Progress) and event.done % 36 == 0:
                promises.append((clock.monotonic(), event))

        client = Client(
            KEY, plan=Plan.ENTERPRISE, transport=upstream.transport(clock), clock=clock, on_event=record
        )
        async with client:
            await client.fetch("2024-01-01", "2024-12-25", LINK)
        end = clock.monotonic()
        assert len(promises) == 10
        for moment, progress in promises:
            left = (end - moment) / SECOND
            assert progress.eta == pytest.approx(left, rel=0.03, abs=2.0)
            assert progress.total == 360

    run_virtual(main)
