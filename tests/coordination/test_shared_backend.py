"""Several clients with one store: the limits, the order, and the time it takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import DateRange, Limits, Link, Plan
from hourlyclicks.events import Progress
from hourlyclicks.pacing.eta import theoretical_minimum
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.simulator import Simulator
from tests.coordination.clients import JITTER, MONTH, PLANS, run_clients, served_by
from tests.sizes import sample, sized

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.simulator import Policing
    from hourlyclicks.store import MemoryStore
    from tests.coordination.clients import Fleet

pytestmark = pytest.mark.no_cover  # tracing would triple its time; other tests run the same lines


# -- the limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "clients", "requests", "policing"),
    sample(
        [
            (plan, clients, requests, policing)
            for plan, clients, requests in zip(PLANS, (3, 2, 4), (30, 90, 120), strict=True)
            for policing in ("sliding_log", "fixed_window", "whole_seconds", "token_bucket")
        ],
        2,
    ),
)
def test_together_they_keep_the_limits(
    path: Path, plan: Plan, clients: int, requests: int, policing: Policing
) -> None:
    """No server counts a request over the limit, the shares are equal, and hardly any time is lost."""
    upstream, days = served_by(plan, policing), requests // clients
    rate = plan.limits.rates[0]

    async def scenario(fleet: Fleet) -> None:
        pool = [fleet.join() for _ in range(clients)]
        running = asyncio.gather(*(fleet.backfill(member, days) for member in pool))
        await fleet.clock.sleep(62.5)
        shares = [member.count(Progress) for member in pool]
        assert max(shares) - min(shares) <= 1 + plan.limits.concurrency
        await running

    fleet = run_clients(path, upstream, plan.limits, scenario)
    assert (upstream.counters.over_limit, upstream.counters.over_concurrency) == (0, 0)
    assert upstream.max_in_window(rate.seconds) <= rate.requests
    assert upstream.counters.requests == requests
    least = theoretical_minimum(requests, rate, concurrency=plan.limits.concurrency, latency=sum(JITTER))
    assert max(member.ended for member in fleet.members) <= least * 1.04


@pytest.mark.parametrize("plan", sample(PLANS, 2))
def test_a_store_costs_no_time(any_store: Path | MemoryStore, plan: Plan) -> None:
    """One client with a store is as fast as one without, within 3 % of the minimum."""
    days, rate = 150, plan.limits.rates[0]

    async def scenario(fleet: Fleet) -> None:
        await fleet.backfill(fleet.join(), days)

    with_store = run_clients(any_store, served_by(plan), plan.limits, scenario).members[0].ended
    least = theoretical_minimum(days, rate, concurrency=plan.limits.concurrency, latency=sum(JITTER))
    assert least * 0.97 < with_store <= least * 1.03


def test_all_on_one_job(any_store: Path | MemoryStore) -> None:
    """Three clients with the same days request each once, share the work, and are as fast as one."""
    upstream, plan = served_by(Plan.BUSINESS), Plan.BUSINESS

    async def scenario(fleet: Fleet) -> None:
        pool = [fleet.join(link=Link("same", "https://vvd.bz")) for _ in range(3)]
        await asyncio.gather(*(fleet.backfill(member, 72) for member in pool))

    fleet = run_clients(any_store, upstream, plan.limits, scenario)
    reports = [member.report for member in fleet.members if member.report]
    assert [report.complete for report in reports] == [True] * 3
    assert sum(report.done for report in reports) == upstream.counters.requests == 72
    assert set(upstream.counters.asked.values()) == {1}
    assert upstream.counters.over_limit == 0
    assert min(report.done for report in reports) >= 15
    least = theoretical_minimum(72, plan.limits.rates[0], concurrency=2, latency=sum(JITTER))
    assert max(member.ended for member in fleet.members) <= least * 1.05


def test_limits_may_differ(any_store: Path | MemoryStore) -> None:
    """Each keeps its own limits, and counts the requests of the others."""
    upstream = Simulator(limits=((5, 60.0), (12, 300.0)), concurrency=2, latency=JITTER, charge_refused=True)
    both, short = Limits(rates=(Rate(5), Rate(12, 300.0)), concurrency=2), Limits(rates=(Rate(2),))

    async def scenario(fleet: Fleet) -> None:
        await asyncio.gather(
            fleet.backfill(fleet.join(), 20, deadline=1200),
            fleet.backfill(fleet.join(limits=short), 4),
        )

    run_clients(any_store, upstream, both, scenario)
    assert upstream.counters.over_limit <= 1
    assert upstream.max_in_window(60.0) <= 5


def test_a_restart_after_a_full_window(any_store: Path | MemoryStore) -> None:
    """A client that starts after another has used up the window waits for the next one."""
    upstream, plan = served_by(Plan.PERSONAL), Plan.PERSONAL

    async def scenario(fleet: Fleet) -> None:
        for number in range(3):
            await fleet.backfill(fleet.join(), 9)
            assert fleet.now > 61 * number

    run_clients(any_store, upstream, plan.limits, scenario)
    assert (upstream.counters.requests, upstream.counters.over_limit) == (27, 0)


# -- order ------------------------------------------------------------------------------------------------


def test_an_interactive_call_overtakes_the_backfills_of_others(any_store: Path | MemoryStore) -> None:
    """While another client backfills, the next request of all is that of the interactive call."""
    upstream = Simulator(limits=((3, 60.0),), concurrency=1, latency=(0.1, 0.1))

    async def scenario(fleet: Fleet) -> None:
        busy, asking = fleet.join(), fleet.join()
        running = asyncio.create_task(fleet.backfill(busy, 30))
        for moment in (1.0, 62.0, 130.0):
            await fleet.clock.sleep(moment - fleet.now)
            before = upstream.counters.requests
            await asking.client.day(DateRange.of(*MONTH)[round(moment) % 30], asking.link)
            assert upstream.counters.requests - before <= 2
        running.cancel()
        await asyncio.wait([running])

    run_clients(any_store, upstream, Limits(rates=(Rate(3),)), scenario)


@pytest.mark.parametrize("same", [True, False])
def test_the_eta_is_right(any_store: Path | MemoryStore, *, same: bool) -> None:
    """With two clients the ETA is right within a window, whether they share the days or not."""
    plan, days = Plan.BUSINESS, sized(40, 60)
    upstream = Simulator(plan="business", latency=(0.15, 0.15))
    link = Link("same", "https://vvd.bz") if same else None

    async def scenario(fleet: Fleet) -> None:
        pool = [fleet.join(link=link) for _ in range(2)]
        await asyncio.gather(*(fleet.backfill(member, days) for member in pool))

    looks: list[tuple[float, float]] = []

    async def watch(fleet: Fleet) -> None:
        running = asyncio.ensure_future(scenario(fleet))
        await fleet.clock.sleep(70)
        for member in fleet.members:
            etas = [event.eta for event in member.events if isinstance(event, Progress)]
            looks.append((fleet.now, etas[-1]))
        await running

    fleet = run_clients(any_store, upstream, plan.limits, watch)
    for member, (now, eta) in zip(fleet.members, looks, strict=True):
        assert now + eta == pytest.approx(member.ended, abs=65)
        last = [event for event in member.events if isinstance(event, Progress)][-1]
        assert (last.eta, last.done + last.failed) == (0.0, last.total)
