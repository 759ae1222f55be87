"""Every kind of server, with every cap, for dense and for sparse targets: no wrong day, and few requests."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks import Account, Client, DateRange
from hourlyclicks.jobs.range_plan import plan_ranges
from hourlyclicks.model.range_caps import RangeCap
from hourlyclicks.simulator import RangeRules, Simulator, run_virtual
from hourlyclicks.simulator.inprocess import InProcessTransport
from tests.client.stories import LINK, UNLIMITED, simulate
from tests.sizes import sample
from tests.truths import differences

if TYPE_CHECKING:
    from hourlyclicks import HourlySeries
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.simulator.ranges import TooLong
    from hourlyclicks.simulator.rules import Cap

pytestmark = pytest.mark.no_cover  # tracing would triple its time; other tests run the same lines

_log = logging.getLogger(__name__)

DAYS = DateRange.of("2023-01-01", "2023-06-30")
BEFORE = DateRange.of("2022-04-01", "2022-06-30")
CAPS: list[Cap] = [7, 14, 31]
TOO_LONG: list[TooLong] = ["refuse", "cut_end", "cut_start"]
ACTIVE = (100, 50, 10, 2)
SERVERS = [
    *(RangeRules(cap=cap, too_long=too_long) for too_long in TOO_LONG for cap in CAPS),
    *(RangeRules(cap=cap, excludes="end") for cap in CAPS),
    *(RangeRules(cap=cap, shift=1) for cap in CAPS),
    *(RangeRules(cap=cap, missing=404) for cap in CAPS),
]
MATRIX = list(itertools.product(SERVERS, ACTIVE))


@attrs.define
class Switch:
    """A transport to one of two servers.

    Attributes:
        to: where requests go now.
    """

    to: InProcessTransport

    async def send(self, request: Request) -> Response:
        """Send a request."""
        return await self.to.send(request)

    async def close(self) -> None:
        """Do nothing."""


def server(rules: RangeRules, active_days: int) -> Simulator:
    """Return a server without rate limits."""
    return Simulator(
        limits=(),
        concurrency=0,
        latency=(0.05, 0.05),
        plan="enterprise",
        ranges=rules,
        active_days=active_days,
    )


def optimum(rules: RangeRules) -> int:
    """Return the fewest requests for the days: by version 2, if version 3 cannot be used."""
    if rules.missing or rules.shift:
        return len(DAYS)
    assert isinstance(rules.cap, int)
    return len(plan_ranges(DAYS, RangeCap(rules.cap), within=DAYS))


@pytest.mark.parametrize(("rules", "active_days"), sample(MATRIX, 4), ids=str)
def test_a_server_without_any_proof(rules: RangeRules, active_days: int) -> None:
    """Each cell is that of version 2, also if the first target that is ever asked for is sparse."""
    upstream = server(rules, active_days)
    series = simulate(upstream, lambda client, _: client.fetch(DAYS.start, DAYS.end, LINK), endpoint="auto")
    assert series.missing_days == ()
    assert differences(series, upstream) == []
    _log.info("%s, %s %%, unproved: %s requests", rules, active_days, upstream.counters.requests)


@pytest.mark.parametrize(("rules", "active_days"), sample(MATRIX, 4), ids=str)
def test_few_requests_once_a_cap_is_proved(rules: RangeRules, active_days: int) -> None:
    """A dense target has proved it: then any other takes at most twice the optimum, and 12 requests."""
    dense, upstream = server(rules, 100), server(rules, active_days)

    async def story(clock: VirtualClock) -> tuple[HourlySeries, HourlySeries]:
        transport = Switch(dense.transport(clock))
        async with Client(
            dense.key, transport=transport, clock=clock, limits=UNLIMITED, endpoint="auto"
        ) as client:
            proving = await client.fetch(BEFORE.start, BEFORE.end, Account())
            transport.to = upstream.transport(clock)
            return proving, await client.fetch(DAYS.start, DAYS.end, LINK)

    proving, series = run_virtual(story)
    assert differences(proving, dense) == differences(series, upstream) == []
    assert proving.missing_days == series.missing_days == ()
    spent = upstream.counters.requests
    _log.info("%s, %s %%: %s requests, optimum %s", rules, active_days, spent, optimum(rules))
    assert spent <= 2 * optimum(rules) + 12
