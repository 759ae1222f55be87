"""Claims to days, and steps of the shared limit that end early."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, DateRange, Limits, Link
from hourlyclicks.clock import SECOND, SystemClock
from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.process_queue import SlotRequest
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.errors import StoreError
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.pacing.window import Slot
from hourlyclicks.simulator import Simulator, run_virtual
from hourlyclicks.store import MemoryStore
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import free, simulate
from tests.coordination.clients import run_clients
from tests.sizes import sized

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.store.ledger import PutResult
    from tests.coordination.clients import Fleet, Member

SAME = Link("same", "https://vvd.bz")
LIMITS = Limits(rates=(Rate(20, 60.0),), concurrency=3)
STALL = 90.0
"""Seconds; a claim that is not renewed ends after 40."""


def test_a_day_that_changes_is_requested_once_for_all_who_look(path: Path) -> None:
    """Two clients that look at today's figures at the same moment share a request, each time again."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.5, 0.5))
    requests: list[int] = []

    async def scenario(fleet: Fleet) -> None:
        pair = fleet.join(link=SAME), fleet.join(link=SAME)
        today = fleet.clock.wall().date()
        for _ in range(4):
            before = upstream.counters.requests
            await asyncio.gather(*(member.client.day(today, SAME) for member in pair))
            requests.append(upstream.counters.requests - before)
            await fleet.clock.sleep(120)

    run_clients(path, upstream, LIMITS, scenario)
    assert requests == [1, 1, 1, 1]


class StalledStore(SqliteStore):
    """A store that takes long to write the first day of a test, but not the others."""

    stalled = ""

    async def put(self, account: int, target: Target, day: DayClicks, **how: Any) -> PutResult:  # noqa: ANN401 - as in `Store`
        """Put it, after a while."""
        if str(day.date) == self.stalled:
            await self.shared_clock.clock.sleep(STALL)
        return await super().put(account, target, day, **how)


def test_a_claim_lasts_until_the_answer_is_stored(path: Path) -> None:
    """However long the store takes, as long as its holder takes steps for other days."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.5, 0.5))

    async def main(clock: VirtualClock) -> None:
        async def backfill(store: SqliteStore, *, after: float) -> None:
            await clock.sleep(after)
            async with Client(
                upstream.key, transport=upstream.transport(clock), clock=clock, store=store, limits=LIMITS
            ) as client:
                assert (await client.backfill("2020-01-01", "2020-02-29", [SAME])).complete
            await store.close()

        slow = StalledStore(path, clock=clock)
        slow.stalled = "2020-01-01"
        await asyncio.gather(
            backfill(slow, after=0), backfill(SqliteStore(path, clock=clock), after=STALL / 2)
        )

    run_virtual(main)
    assert set(upstream.counters.asked.values()) == {1}


class StalledRanges(SqliteStore):
    """A store that takes long to write the days of a range."""

    async def put_days(self, *what: Any, **how: Any) -> list[PutResult]:  # noqa: ANN401 - as in `Store`
        """Put them, after a while."""
        await self.shared_clock.clock.sleep(STALL)
        return await super().put_days(*what, **how)


def test_the_comparison_of_a_range_releases_no_claim(path: Path) -> None:
    """Another client reads the day that was compared with version 2 once it is stored with its range."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.5, 0.5), plan="enterprise")

    async def main(clock: VirtualClock) -> None:
        def client(store: SqliteStore, endpoint: EndpointChoice) -> Client:
            transport = upstream.transport(clock)
            return Client(
                upstream.key, transport=transport, clock=clock, store=store, limits=LIMITS, endpoint=endpoint
            )

        stores = StalledRanges(path, clock=clock), SqliteStore(path, clock=clock)
        async with client(stores[0], "auto") as first, client(stores[1], "v2") as second:
            run = asyncio.ensure_future(first.backfill("2020-01-01", "2020-01-31", [SAME]))
            await clock.sleep(STALL / 2)
            await second.day("2020-01-31", SAME)
            assert (await run).complete
        for store in stores:
            await store.close()

    run_virtual(main)
    assert upstream.counters.requests == 1 + 1  # the range and the comparison


def test_a_proof_waits_for_no_claim() -> None:
    """Of a process that asks for the same days, and may itself wait for a day of this one."""
    store, upstream = MemoryStore(), free(plan="enterprise", active_days=10)
    year, june = DateRange.of("2024-01-01", "2024-12-31"), DateRange.of("2024-06-01", "2024-06-30")
    options: dict[str, Any] = {"store": store, "endpoint": "auto"}

    async def prove(client: Client, _: VirtualClock) -> None:
        assert (await client.backfill(year.start, year.end, [SAME])).complete

    def claim(text: str | None, now: int, _: object) -> tuple[str | None, None]:
        days = tuple(f"{SAME} {day}" for day in year)
        arbiter = Arbiter(Limits(), ArbiterState.read(text), now=now, lease=300 * SECOND)
        assert isinstance(arbiter.reserve(SlotRequest("other", 1, 0, 1, 1, "", days)), Slot)
        return arbiter.close().write(), None

    async def check(client: Client, clock: VirtualClock) -> None:
        [account] = (await store.accounts()).values()
        await store.pace(account, claim)
        began, before = clock.monotonic(), upstream.counters.requests
        assert (await client.backfill(june.start, june.end, [Link("b", "https://vvd.bz")])).complete
        assert upstream.counters.requests > before + 1
        assert clock.monotonic() - began < 60 * SECOND

    simulate(upstream, prove, **options)
    simulate(upstream, check, **options)


class LockedStore(SqliteStore):
    """A store that fails after a while to take the next step.

    Attributes:
        locked: whether it will.
    """

    locked = False

    async def pace(self, *what: Any, **how: Any) -> Any:  # noqa: ANN401 - as in `Store`
        """Take it, unless it is to fail."""
        if self.locked:
            self.locked = False
            await self.shared_clock.clock.sleep(1)
            raise StoreError("the database is locked")
        return await super().pace(*what, **how)


def test_a_cancelled_call_whose_step_fails_holds_no_claim(path: Path) -> None:
    """The step may have been taken all the same, so the claim is released, and not renewed for ever."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.5, 0.5))

    async def main(clock: VirtualClock) -> None:
        stores = LockedStore(path, clock=clock), SqliteStore(path, clock=clock)
        first, second = (
            Client(upstream.key, transport=upstream.transport(clock), clock=clock, store=store, limits=LIMITS)
            for store in stores
        )
        async with first, second:
            await first.day("2020-01-01", SAME)
            stores[0].locked = True
            doomed = asyncio.ensure_future(first.day("2020-01-02", SAME))
            await clock.sleep(0.5)
            doomed.cancel()
            await clock.sleep(1)
            await first.day("2020-01-03", SAME)
            began = clock.monotonic()
            await second.day("2020-01-02", SAME)
            assert clock.monotonic() - began < 5 * SECOND
        for store in stores:
            await store.close()

    run_virtual(main)


def test_an_idle_client_holds_no_claim(path: Path) -> None:
    """The day that a client has fetched last can be requested at once by another one."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.5, 0.5))

    async def scenario(fleet: Fleet) -> None:
        first, second = fleet.join(link=SAME), fleet.join(link=SAME)
        today = fleet.clock.wall().date()

        async def look(member: Member) -> float:
            began = fleet.now
            await member.client.day(today, SAME, refresh=True)
            return fleet.now - began

        await look(first)
        await fleet.clock.sleep(1)
        assert await look(second) < 1.5  # a request takes 1 s

    run_clients(path, upstream, LIMITS, scenario)


@pytest.mark.parametrize("active", sized([50, 10], [100, 50, 30, 10, 2]))
def test_a_range_that_waits_for_a_proof_is_not_asked_for_again(path: Path, active: int) -> None:
    """Clients on one job send as many requests as one client alone, and what each has to prove by itself.

    With clicks on many days, each answer proves enough; otherwise that takes two requests. The limit leaves
    a client waiting for its proof for longer than a request can take.
    """

    def requests(clients: int) -> int:
        rate = Rate(9, 60.0)
        upstream = Simulator(
            limits=((rate.requests, rate.seconds),),
            concurrency=1,
            latency=(0.05, 0.3),
            plan="enterprise",
            active_days=active,
        )

        async def scenario(fleet: Fleet) -> None:
            members = [fleet.join(link=SAME, endpoint="auto") for _ in range(clients)]
            await asyncio.gather(*(fleet.backfill(member, sized(120, 200)) for member in members))

        run_clients(path.with_name(f"{clients}.db"), upstream, Limits((rate,), 1), scenario)
        assert upstream.counters.over_limit == 0
        return upstream.counters.requests

    alone, together = requests(1), requests(3)
    assert alone <= together <= alone + (0 if active > 10 else 2 * 2)


@pytest.mark.parametrize("turns", range(0, 24, 3))
async def test_a_program_that_cancels_all_tasks_can_go_on(turns: int, path: Path) -> None:
    """Whatever step of the shared limit it hits, the next call is served."""
    upstream = Simulator(limits=(), concurrency=0)
    ours = asyncio.all_tasks()
    transport, limits = upstream.transport(SystemClock()), Limits(rates=(), concurrency=5)
    async with Client(upstream.key, limits=limits, transport=transport, store=path) as client:
        await client.day("2020-01-01", SAME)
        doomed = asyncio.ensure_future(client.day("2020-01-02", SAME))
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks() - ours:
            task.cancel()
        await asyncio.gather(doomed, return_exceptions=True)
        async with asyncio.timeout(30):
            await client.day("2020-01-03", SAME)
