"""Ten years from the simulator, on a virtual clock: exact, complete, and never over the limit."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Client, DateRange, Limits, Link, Plan, RetryPolicy
from hourlyclicks.clock import SECOND
from hourlyclicks.events import AttemptFailed, DayDone, SpacingChanged
from hourlyclicks.pacing.eta import theoretical_minimum
from hourlyclicks.simulator import (
    Chances,
    Reset,
    Simulator,
    Status,
    Truncated,
    WrongDay,
    run_virtual,
)
from hourlyclicks.simulator.faults import GARBAGE, HTML
from tests.sizes import sample, sized
from tests.truths import differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks import HourlySeries
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import (
        Fault,
        Policing,
        VirtualClock,
    )

pytestmark = pytest.mark.no_cover  # tracing would triple its time; other tests run the same lines

LINK = Link("한글/a+b%&#", "https://vvd.bz")
TEN_YEARS = DateRange.of(sized("2022-01-01", "2013-01-01"), "2023-01-01")
"""One in a quick run."""
JITTER = (0.005, 0.3)
STUBBORN = RetryPolicy(attempts=8, budget=math.inf)
WEATHER: Mapping[Fault, float] = {
    Reset("before"): 0.02,
    Reset("headers"): 0.015,
    Reset("body"): 0.015,
    Status(500): 0.025,
    Status(503): 0.025,
    Truncated("length"): 0.01,
    Truncated("close"): 0.005,
    Truncated("gzip"): 0.005,
    GARBAGE: 0.01,
    HTML: 0.01,
    WrongDay(): 0.005,
    WrongDay(first=5): 0.005,
}


class Outcome:
    """The result of a run."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.seconds = 0.0
        self.series: HourlySeries

    def count(self, kind: type) -> int:
        """Count the events of a kind."""
        return sum(isinstance(event, kind) for event in self.events)


def fetch_years(
    upstream: Simulator, limits: Limits, *, days: DateRange = TEN_YEARS, retry: RetryPolicy = STUBBORN
) -> Outcome:
    """Fetch a range through the whole client on a virtual clock."""
    outcome = Outcome()

    async def main(clock: VirtualClock) -> None:
        began = clock.monotonic()
        transport = upstream.transport(clock)
        client = Client(
            upstream.key,
            limits=limits,
            retry=retry,
            transport=transport,
            clock=clock,
            random=random.Random(7),
            on_event=outcome.events.append,
        )
        async with client:
            outcome.series = await client.fetch(days.start, days.end, LINK)
        outcome.seconds = (clock.monotonic() - began) / SECOND

    run_virtual(main)
    return outcome


@pytest.mark.parametrize(
    "plan",
    sample([Plan.PERSONAL, Plan.PREMIUM, Plan.BUSINESS, Plan.BUSINESS_PLUS, Plan.ENTERPRISE], 3),
)
def test_ten_years_on_every_plan(plan: Plan) -> None:
    """On every plan a run takes at most 3 % longer than the minimum, and is never over the limit."""
    upstream = Simulator(plan=plan.value.lower().replace(" ", "_"), latency=JITTER)
    outcome = fetch_years(upstream, plan.limits)
    assert upstream.counters.requests == len(TEN_YEARS)
    assert set(upstream.counters.asked.values()) == {1}
    assert upstream.counters.over_limit == upstream.counters.over_concurrency == 0
    assert differences(outcome.series, upstream) == []
    rate = plan.limits.rates[0]
    least = theoretical_minimum(
        len(TEN_YEARS), rate, concurrency=plan.limits.concurrency, latency=sum(JITTER)
    )
    assert least * 0.99 < outcome.seconds <= least * 1.03
    assert upstream.max_in_window(rate.seconds) <= rate.requests


@pytest.mark.parametrize("plan", sample([Plan.PERSONAL, Plan.PREMIUM, Plan.ENTERPRISE], 2))
def test_even_spacing_stays_within_7_percent(plan: Plan) -> None:
    """Even spacing takes at most 7 % longer than the theoretical minimum."""
    limits = Limits(plan.limits.rates, plan.limits.concurrency, spacing="even")
    upstream = Simulator(plan=plan.value.lower(), latency=JITTER)
    outcome = fetch_years(upstream, limits)
    least = theoretical_minimum(
        len(TEN_YEARS), limits.rates[0], concurrency=limits.concurrency, latency=sum(JITTER)
    )
    assert outcome.seconds <= least * 1.07
    assert upstream.counters.over_limit == 0
    assert outcome.count(SpacingChanged) == 0


@pytest.mark.parametrize(
    ("plan", "policing"),
    sample(
        [
            (plan, policing)
            for plan in (Plan.PREMIUM, Plan.ENTERPRISE)
            for policing in ("sliding_log", "fixed_window", "whole_seconds", "token_bucket")
        ],
        3,
    ),
)
def test_ten_years_with_faults(policing: Policing, plan: Plan) -> None:
    """15 % of all answers fail in every way; the series is exact and no request is over the limit."""
    upstream = Simulator(
        plan=plan.value.lower(), policing=policing, latency=JITTER, faults=Chances(WEATHER, seed=3)
    )
    outcome = fetch_years(upstream, plan.limits)
    assert differences(outcome.series, upstream) == []
    assert outcome.series.missing_days == ()
    assert upstream.counters.over_limit == upstream.counters.over_concurrency == 0
    given = sum(upstream.counters.faults.values())
    assert given > 0.13 * upstream.counters.requests
    assert upstream.counters.requests == len(TEN_YEARS) + given
    assert outcome.count(AttemptFailed) == given
    assert outcome.count(DayDone) == len(TEN_YEARS)


@pytest.mark.parametrize("plan", [Plan.PREMIUM, Plan.ENTERPRISE])
def test_a_leaky_bucket_is_learned(plan: Plan) -> None:
    """After the first 429s of a server that rejects bursts, requests are spread, and an event says so."""
    days = DateRange.of(sized("2022-01-01", "2020-01-01"), "2022-12-31")
    upstream = Simulator(plan=plan.value.lower(), policing="leaky_bucket", latency=JITTER)
    outcome = fetch_years(upstream, plan.limits, days=days, retry=RetryPolicy())
    assert differences(outcome.series, upstream) == []
    assert outcome.count(SpacingChanged) >= 1
    assert 2 <= upstream.counters.over_limit <= 10
    assert upstream.counters.requests == len(days) + upstream.counters.over_limit


@pytest.mark.parametrize("retry_after", ["seconds", "date", "none"])
def test_a_key_that_another_program_uses(retry_after: str) -> None:
    """With half of the limit used by others the run finishes, with wider spacing."""
    days = DateRange.of("2022-01-01", "2022-12-31")
    limits = Plan.PREMIUM.limits
    upstream = Simulator(limits=((7, 60.0),), latency=JITTER, retry_after=retry_after)  # type: ignore[arg-type]  # one of the three literals
    outcome = fetch_years(upstream, limits, days=days, retry=RetryPolicy())
    assert differences(outcome.series, upstream) == []
    assert outcome.count(SpacingChanged) >= 1
    assert upstream.counters.over_limit < 20
