"""Several clients with one store: pauses, some that leave, and a store that is slow or damaged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import pytest

from hourlyclicks import Client, DateRange, Limits, Link
from hourlyclicks.clock import SECOND
from hourlyclicks.errors import StoreError, UsageError
from hourlyclicks.events import Paused, Resumed
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.simulator import Rule, Script, Simulator, retry_after, run_virtual
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import EmptyAnswers
from tests.coordination.clients import MONTH, START, run_clients

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.store.protocol import Change
    from tests.coordination.clients import Fleet


R = TypeVar("R")


# -- pauses -----------------------------------------------------------------------------------------------


def test_one_429_pauses_all_clients(path: Path) -> None:
    """A 429 of one client pauses all, and then there is one probe."""
    upstream = Simulator(
        limits=(), concurrency=0, latency=(0.1, 0.1), faults=Script(Rule(retry_after("30"), number={20}))
    )
    arrivals: list[float] = []

    async def scenario(fleet: Fleet) -> None:
        pool = [fleet.join() for _ in range(3)]
        await asyncio.gather(*(fleet.backfill(member, 15) for member in pool))
        arrivals.extend(arrival.at / SECOND for arrival in upstream.seen)

    fleet = run_clients(path, upstream, Limits(concurrency=3), scenario)
    assert [member.count(Paused) for member in fleet.members] == [1, 1, 1]
    assert all(member.count(Resumed) <= 1 for member in fleet.members)
    assert any(member.count(Resumed) for member in fleet.members)
    late = sorted(moment for moment in arrivals if moment > 20)
    assert late[0] >= 30
    assert late[1] - late[0] >= 0.1
    assert upstream.counters.requests == 46


def test_a_long_pause_ends_one_backfill_and_the_others_continue(path: Path) -> None:
    """A backfill that is told to wait for hours stops with a report, and no client hangs."""
    upstream = Simulator(
        limits=(), concurrency=0, latency=(0.1, 0.1), faults=Script(Rule(retry_after("5000"), number={5}))
    )

    async def scenario(fleet: Fleet) -> None:
        pool = [fleet.join() for _ in range(2)]
        await asyncio.gather(*(fleet.backfill(member, 15) for member in pool))

    fleet = run_clients(path, upstream, Limits(concurrency=2), scenario)
    stopped = sorted(member.report.stopped for member in fleet.members if member.report)
    assert stopped == ["complete", "rate_limited"]


# -- leaving ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_a_client_that_leaves_releases_its_slot_at_once(path: Path, how: str) -> None:
    """The others continue when its request is answered, and wait for neither its lease nor queue entry."""
    upstream = Simulator(limits=(), concurrency=1, latency=(1.0, 1.0))

    async def scenario(fleet: Fleet) -> None:
        leaving, staying = fleet.join(), fleet.join()
        task = asyncio.create_task(fleet.backfill(leaving, 30))
        await fleet.clock.sleep(0.5)
        going_on = asyncio.create_task(fleet.backfill(staying, 3))
        await fleet.clock.sleep(1.0)
        if how == "closed":
            await leaving.client.close()
        else:
            task.cancel()
        (error,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(error, UsageError if how == "closed" else asyncio.CancelledError)
        await going_on
        assert staying.ended <= 2.0 + 3 * 2.0 + 0.1

    run_clients(path, upstream, Limits(), scenario)


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_a_client_that_leaves_releases_its_claims_at_once(path: Path, how: str) -> None:
    """A day that was being requested can be requested by the next process without waiting for a lease."""
    upstream = Simulator(limits=(), concurrency=0, latency=(1.0, 1.0))

    async def scenario(fleet: Fleet) -> None:
        leaving, staying = fleet.join(), fleet.join()
        task = asyncio.create_task(leaving.client.day(START, leaving.link))
        await fleet.clock.sleep(1.5)
        if how == "closed":
            await leaving.client.close()
        else:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await staying.client.day(START, leaving.link)
        assert fleet.now <= 1.5 + 2.0 + 0.5

    run_clients(path, upstream, Limits(concurrency=2), scenario)


# -- the text in the store --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '"state"', '{"seen": 1}', "7", "\0", '{"seen": NaN}']
)
def test_a_state_that_cannot_be_read(path: Path, text: str) -> None:
    """All waiting calls get a `StoreError`, and nothing is sent."""

    async def main(clock: VirtualClock) -> None:
        store, transport = SqliteStore(path, clock=clock), EmptyAnswers(clock)
        client = Client("a-key-of-mine", transport=transport, clock=clock, store=store)
        async with client:
            await client.day(START, Link("x", "https://vvd.bz"))
            account = next(iter((await store.accounts()).values()))
            await store.pace(account, lambda _text, _now, _entry: (text, None))
            calls = [client.day(day, Link("x", "https://vvd.bz")) for day in list(DateRange.of(*MONTH))[1:4]]
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(error) for error in errors] == [StoreError] * 3
            assert transport.requests == 1
        await store.close()

    run_virtual(main)


class SlowStore(SqliteStore):
    """A store whose next step brings its result late, as when a process is stopped for a while."""

    delay = 0.0

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
        peek: bool = False,
    ) -> tuple[R, int]:
        """See `hourlyclicks.store.protocol.Store.pace`."""
        result = await super().pace(account, change, of=of, peek=peek)
        delay, self.delay = self.delay, 0.0
        await self.shared_clock.clock.sleep(delay)
        return result


def test_a_response_that_comes_while_the_arbiter_is_asked_is_not_missed(path: Path) -> None:
    """The answer to wait for it comes after it, and the waiting call is served all the same."""
    upstream = Simulator(limits=(), concurrency=1, latency=(0.25, 0.25))

    async def main(clock: VirtualClock) -> None:
        store, link = SlowStore(path, clock=clock), Link("x", "https://vvd.bz")
        transport = upstream.transport(clock)
        async with Client(
            upstream.key, limits=Limits(rates=()), transport=transport, clock=clock, store=store
        ) as client:
            first = asyncio.create_task(client.day(MONTH[0], link))
            await clock.sleep(0.1)
            store.delay = 2.0
            await asyncio.wait_for(asyncio.gather(first, client.day(MONTH[1], link)), 60)
        await store.close()

    run_virtual(main)


def test_a_slot_that_comes_too_late_is_not_used(path: Path) -> None:
    """A client that gets its slot only after the lease has expired takes another; the limit holds."""
    upstream = Simulator(limits=((1, 60.0),), concurrency=1, latency=(1.0, 1.0))

    async def main(clock: VirtualClock) -> None:
        slow, quick = SlowStore(path, clock=clock), SqliteStore(path, clock=clock)
        slow.delay = 102.0  # the lease of 40 s, then a window: the other client may just send
        link, limits = Link("x", "https://vvd.bz"), Limits(rates=(Rate(1),))
        clients = [
            Client(upstream.key, limits=limits, transport=upstream.transport(clock), clock=clock, store=store)
            for store in (slow, quick)
        ]
        late = asyncio.create_task(clients[0].day(MONTH[0], link))
        await clock.sleep(1)
        await clients[1].day(MONTH[1], link)
        await late
        for client in clients:
            await client.close()
        for store in (slow, quick):
            await store.close()

    run_virtual(main)
    assert (upstream.counters.requests, upstream.counters.over_limit) == (2, 0)
