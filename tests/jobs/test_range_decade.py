"""Ten years by ranges: as many requests as the estimate says, as fast as the limits allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Client, DateRange, Link, Plan
from hourlyclicks.clock import SECOND
from hourlyclicks.pacing.eta import theoretical_minimum
from hourlyclicks.simulator import Simulator, run_virtual
from hourlyclicks.store import MemoryStore
from tests.jobs.test_range_work import V2, V3
from tests.sizes import sized

if TYPE_CHECKING:
    from hourlyclicks.simulator import VirtualClock

pytestmark = pytest.mark.no_cover  # tracing would triple its time; other tests run the same lines

LINK, OTHER = Link("kYdr", "https://vvd.bz"), Link("b", "https://vvd.bz")
DECADE = DateRange.of("2016-01-01", "2025-12-31")
LATENCY = 0.1
REQUESTS = {
    Plan.PERSONAL: 522,
    Plan.PREMIUM: 261,
    Plan.BUSINESS: 120,
    Plan.BUSINESS_PLUS: 120,
    Plan.ENTERPRISE: 120,
}
SPAN, FEWEST = sized((DateRange.of("2024-09-01", "2025-12-31"), {Plan.PREMIUM: 35}), (DECADE, REQUESTS))
"""The days that are fetched, and the fewest requests for them: the end of the decade, or all of it."""
MOST_PROOF = 3
SLOWER = 1.03


@pytest.mark.parametrize("plan", REQUESTS)
def test_the_estimate_of_ten_years(plan: Plan) -> None:
    """It is that of the fewest ranges."""
    client = Client("key-of-a-test", plan=plan, endpoint="auto")
    assert client.estimate(DECADE.start, DECADE.end).requests == REQUESTS[plan]


@pytest.mark.parametrize("plan", FEWEST)
def test_years_of_two_links(plan: Plan) -> None:
    """The first run sends what the estimate says and at most three requests of proof, the second one none.

    None of them is over the limit, and each run takes at most 3 % longer than that many requests have to.
    """
    upstream = Simulator(
        plan=plan.value.lower().replace(" ", "_"), latency=(LATENCY / 2, LATENCY / 2), timezone="UTC"
    )

    async def run(clock: VirtualClock, store: MemoryStore, link: Link) -> tuple[int, float]:
        began, sent = clock.monotonic(), upstream.counters.requests
        async with Client(
            upstream.key,
            plan=plan,
            transport=upstream.transport(clock),
            clock=clock,
            store=store,
            endpoint="auto",
        ) as client:
            estimate = await client.estimate(SPAN.start, SPAN.end, [link])
            report = await client.backfill(SPAN.start, SPAN.end, [link])
        assert estimate.requests == FEWEST[plan]
        assert (report.done, report.failed) == (len(SPAN), 0)
        assert report.requests == upstream.counters.requests - sent
        return report.requests, (clock.monotonic() - began) / SECOND

    async def story(clock: VirtualClock) -> None:
        await clock.sleep(400 * 86_400)  # so that all of it is over
        store, limits = MemoryStore(clock=clock), plan.limits
        for link, proof in ((LINK, MOST_PROOF), (OTHER, 0)):
            requests, seconds = await run(clock, store, link)
            least = theoretical_minimum(
                requests, limits.rates[0], concurrency=limits.concurrency, latency=LATENCY
            )
            assert FEWEST[plan] <= requests <= FEWEST[plan] + proof
            assert seconds <= SLOWER * least
            await clock.sleep(3_600)

    run_virtual(story)
    assert (upstream.counters.over_limit, upstream.counters.over_concurrency) == (0, 0)
    assert upstream.counters.count(endpoint=V2) <= MOST_PROOF
    assert upstream.counters.count(endpoint=V3) >= 2 * FEWEST[plan]
