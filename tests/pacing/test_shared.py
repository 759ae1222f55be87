"""Several clients with one key and one store on virtual time: they are to each other what processes are."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks import Client, DateRange, Limits, Link, Plan
from hourlyclicks.clock import SECOND
from hourlyclicks.errors import StoreError, UsageError
from hourlyclicks.events import Event, Paused, Progress, Resumed
from hourlyclicks.model.report import BackfillReport
from hourlyclicks.net.transport import Transport
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.pacing.schedule import theoretical_minimum
from hourlyclicks.simulator import Rule, Script, Simulator, VirtualClock, retry_after, run_virtual
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import Nothing

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from hourlyclicks.simulator import Policing

JITTER = (0.005, 0.3)
MONTH = ("2020-01-01", "2020-01-31")
START = "2020-01-01"
PLANS = (Plan.PERSONAL, Plan.BUSINESS, Plan.ENTERPRISE)


@attrs.define
class Member:
    """One of several clients, and what became of it."""

    client: Client
    events: list[Event]
    link: Link
    report: BackfillReport | None = None
    ended: float = 0.0

    def told(self, kind: type) -> int:
        """Count the events of a kind."""
        return sum(isinstance(event, kind) for event in self.events)


@attrs.define
class Fleet:
    """Clients with one key on one store."""

    path: Path
    clock: VirtualClock
    transport: Callable[[], Transport]
    limits: Limits
    key: str
    members: list[Member] = attrs.Factory(list)

    def join(self, limits: Limits | None = None, link: Link | None = None) -> Member:
        """Start another client; it has a target of its own unless told otherwise."""
        number = len(self.members)
        events: list[Event] = []
        client = Client(
            self.key,
            limits=limits or self.limits,
            transport=self.transport(),
            clock=self.clock,
            random=random.Random(number),
            store=self.path,
            on_event=events.append,
        )
        member = Member(client, events, link or Link(f"x{number}", "https://vvd.bz"))
        self.members.append(member)
        return member

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.clock.monotonic() / SECOND

    async def backfill(self, member: Member, days: int, **asks: Any) -> None:  # noqa: ANN401 - arguments of a backfill
        """Let a member fetch so many days, and leave."""
        end = DateRange.of(START, "2025-01-01")[days - 1]
        member.report = await member.client.backfill(START, end, [member.link], **asks)
        member.ended = self.now
        await member.client.close()


def sail(
    path: Path, upstream: Simulator, limits: Limits, voyage: Callable[[Fleet], Awaitable[None]]
) -> Fleet:
    """Let some clients do what the test says, with a simulator that counts."""

    async def main(clock: VirtualClock) -> Fleet:
        fleet = Fleet(path, clock, lambda: upstream.transport(clock), limits, upstream.key)
        try:
            await voyage(fleet)
        finally:
            for member in fleet.members:
                await member.client.close()
        return fleet

    return run_virtual(main)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "clicks.db"


def served_by(plan: Plan, policing: Policing = "sliding_log") -> Simulator:
    """Return a server that counts in its way."""
    name = plan.value.lower().replace(" ", "_")
    return Simulator(plan=name, policing=policing, latency=JITTER, charge_refused=True)


# -- the limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policing", ["sliding_log", "fixed_window", "whole_seconds", "token_bucket"])
@pytest.mark.parametrize(("plan", "clients"), [(PLANS[0], 3), (PLANS[1], 2), (PLANS[2], 4)])
def test_together_they_keep_the_limits(path: Path, plan: Plan, clients: int, policing: Policing) -> None:
    """No kind of server counts one over the limit, the shares are equal, and hardly any time is lost."""
    upstream, days = served_by(plan, policing), 120 // clients
    rate = plan.limits.rates[0]

    async def voyage(fleet: Fleet) -> None:
        crew = [fleet.join() for _ in range(clients)]
        running = asyncio.gather(*(fleet.backfill(member, days) for member in crew))
        await fleet.clock.sleep(62.5)
        shares = [member.told(Progress) for member in crew]
        assert max(shares) - min(shares) <= 1 + plan.limits.concurrency
        await running

    fleet = sail(path, upstream, plan.limits, voyage)
    assert (upstream.counters.over_limit, upstream.counters.over_concurrency) == (0, 0)
    assert upstream.max_in_window(rate.seconds) <= rate.requests
    assert upstream.counters.requests == days * clients
    least = theoretical_minimum(
        days * clients, rate, concurrency=plan.limits.concurrency, latency=sum(JITTER)
    )
    assert max(member.ended for member in fleet.members) <= least * 1.04


@pytest.mark.parametrize("plan", PLANS)
def test_a_store_costs_no_time(path: Path, plan: Plan) -> None:
    """One client with a store is as fast as one without, within 3 % of what is possible at all."""
    days, rate = 240, plan.limits.rates[0]

    async def voyage(fleet: Fleet) -> None:
        await fleet.backfill(fleet.join(), days)

    with_store = sail(path, served_by(plan), plan.limits, voyage).members[0].ended
    least = theoretical_minimum(days, rate, concurrency=plan.limits.concurrency, latency=sum(JITTER))
    assert least * 0.97 < with_store <= least * 1.03


def test_all_on_one_job(path: Path) -> None:
    """Three on the same days ask for each once, share the work, and are as fast as one."""
    upstream, plan = served_by(Plan.BUSINESS), Plan.BUSINESS

    async def voyage(fleet: Fleet) -> None:
        crew = [fleet.join(link=Link("same", "https://vvd.bz")) for _ in range(3)]
        await asyncio.gather(*(fleet.backfill(member, 120) for member in crew))

    fleet = sail(path, upstream, plan.limits, voyage)
    reports = [member.report for member in fleet.members if member.report]
    assert [report.complete for report in reports] == [True] * 3
    assert sum(report.done for report in reports) == upstream.counters.requests == 120
    assert set(upstream.counters.asked.values()) == {1}
    assert upstream.counters.over_limit == 0
    assert min(report.done for report in reports) >= 25
    least = theoretical_minimum(120, plan.limits.rates[0], concurrency=2, latency=sum(JITTER))
    assert max(member.ended for member in fleet.members) <= least * 1.05


def test_limits_may_differ(path: Path) -> None:
    """Each keeps its own limits, counting what the others send."""
    upstream = Simulator(limits=((5, 60.0), (12, 300.0)), concurrency=2, latency=JITTER, charge_refused=True)
    both, short = Limits(rates=(Rate(5), Rate(12, 300.0)), concurrency=2), Limits(rates=(Rate(2),))

    async def voyage(fleet: Fleet) -> None:
        await asyncio.gather(
            fleet.backfill(fleet.join(), 20, deadline=1200),
            fleet.backfill(fleet.join(limits=short), 4),
        )

    sail(path, upstream, both, voyage)
    assert upstream.counters.over_limit <= 1
    assert upstream.max_in_window(60.0) <= 5


def test_a_restart_after_a_full_window(path: Path) -> None:
    """A client that comes right after another has used the window up waits for the next one."""
    upstream, plan = served_by(Plan.PERSONAL), Plan.PERSONAL

    async def voyage(fleet: Fleet) -> None:
        for number in range(3):
            await fleet.backfill(fleet.join(), 9)
            assert fleet.now > 61 * number

    sail(path, upstream, plan.limits, voyage)
    assert (upstream.counters.requests, upstream.counters.over_limit) == (27, 0)


# -- pauses -----------------------------------------------------------------------------------------------


def test_one_is_refused_and_all_pause(path: Path) -> None:
    """A refusal of one client is a pause for every one, and then there is one probe."""
    upstream = Simulator(
        limits=(), concurrency=0, latency=(0.1, 0.1), faults=Script(Rule(retry_after("30"), number={20}))
    )
    arrivals: list[float] = []

    async def voyage(fleet: Fleet) -> None:
        crew = [fleet.join() for _ in range(3)]
        await asyncio.gather(*(fleet.backfill(member, 15) for member in crew))
        arrivals.extend(arrival.at / SECOND for arrival in upstream.seen)

    fleet = sail(path, upstream, Limits(concurrency=3), voyage)
    assert [member.told(Paused) for member in fleet.members] == [1, 1, 1]
    assert all(member.told(Resumed) <= 1 for member in fleet.members)
    assert any(member.told(Resumed) for member in fleet.members)
    late = sorted(moment for moment in arrivals if moment > 20)
    assert late[0] >= 30
    assert late[1] - late[0] >= 0.1
    assert upstream.counters.requests == 46


def test_a_long_refusal_ends_one_backfill_and_the_rest_go_on_as_they_can(path: Path) -> None:
    """Who is told to wait for hours stops with a report; nobody hangs."""
    upstream = Simulator(
        limits=(), concurrency=0, latency=(0.1, 0.1), faults=Script(Rule(retry_after("5000"), number={5}))
    )

    async def voyage(fleet: Fleet) -> None:
        crew = [fleet.join() for _ in range(2)]
        await asyncio.gather(*(fleet.backfill(member, 15) for member in crew))

    fleet = sail(path, upstream, Limits(concurrency=2), voyage)
    stopped = sorted(member.report.stopped for member in fleet.members if member.report)
    assert stopped == ["complete", "rate_limited"]


# -- leaving ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_who_leaves_gives_its_place_back_at_once(path: Path, how: str) -> None:
    """The others go on without waiting for a lease, or for the turn of one that is gone."""
    upstream = Simulator(limits=(), concurrency=1, latency=(1.0, 1.0))

    async def voyage(fleet: Fleet) -> None:
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
        assert staying.ended <= 1.5 + 3 * 2.0 + 0.1

    sail(path, upstream, Limits(), voyage)


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_who_leaves_gives_its_days_back_at_once(path: Path, how: str) -> None:
    """A day that was being asked for can be asked for by the next process without waiting for a lease."""
    upstream = Simulator(limits=(), concurrency=0, latency=(1.0, 1.0))

    async def voyage(fleet: Fleet) -> None:
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

    sail(path, upstream, Limits(concurrency=2), voyage)


# -- turns ------------------------------------------------------------------------------------------------


def test_an_interactive_call_overtakes_the_backfills_of_others(path: Path) -> None:
    """While another client backfills, the next request of all is the one somebody waits for."""
    upstream = Simulator(limits=((3, 60.0),), concurrency=1, latency=(0.1, 0.1))

    async def voyage(fleet: Fleet) -> None:
        busy, asking = fleet.join(), fleet.join()
        running = asyncio.create_task(fleet.backfill(busy, 30))
        for moment in (1.0, 62.0, 130.0):
            await fleet.clock.sleep(moment - fleet.now)
            before = upstream.counters.requests
            await asking.client.day(DateRange.of(*MONTH)[round(moment) % 30], asking.link)
            assert upstream.counters.requests - before <= 2
        running.cancel()
        await asyncio.wait([running])

    sail(path, upstream, Limits(rates=(Rate(3),)), voyage)


@pytest.mark.parametrize("same", [True, False])
def test_the_end_is_foreseen(path: Path, *, same: bool) -> None:
    """With two at work the remaining time is right within a window, whether they share the days or not."""
    plan = Plan.BUSINESS
    upstream = Simulator(plan="business", latency=(0.15, 0.15))
    link = Link("same", "https://vvd.bz") if same else None

    async def voyage(fleet: Fleet) -> None:
        crew = [fleet.join(link=link) for _ in range(2)]
        await asyncio.gather(*(fleet.backfill(member, 96) for member in crew))

    looks: list[tuple[float, float]] = []

    async def watch(fleet: Fleet) -> None:
        sailing = asyncio.ensure_future(voyage(fleet))
        await fleet.clock.sleep(70)
        for member in fleet.members:
            etas = [event.eta for event in member.events if isinstance(event, Progress)]
            looks.append((fleet.now, etas[-1]))
        await sailing

    fleet = sail(path, upstream, plan.limits, watch)
    for member, (now, eta) in zip(fleet.members, looks, strict=True):
        assert now + eta == pytest.approx(member.ended, abs=65)
        last = [event for event in member.events if isinstance(event, Progress)][-1]
        assert (last.eta, last.done + last.failed) == (0.0, last.total)


# -- the text in the store --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '"book"', '{"seen": 1}', "7", "\0", '{"seen": NaN}']
)
def test_a_pace_that_cannot_be_read(path: Path, text: str) -> None:
    """It is a `StoreError` for whoever waits, and nothing is sent."""

    async def main(clock: VirtualClock) -> None:
        store, transport = SqliteStore(path, clock=clock), Nothing(clock)
        client = Client("a-key-of-mine", transport=transport, clock=clock, store=store)
        async with client:
            await client.day(START, Link("x", "https://vvd.bz"))
            account = next(iter((await store.accounts()).values()))
            await store.pace(account, lambda _text, _now, _mark: (text, None))
            calls = [client.day(day, Link("x", "https://vvd.bz")) for day in list(DateRange.of(*MONTH))[1:4]]
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(error) for error in errors] == [StoreError] * 3
            assert transport.requests == 1
        await store.close()

    run_virtual(main)
