"""What a call of a client will cost: how many requests its days take, and how long these take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.pacing.eta import ONE_DAY, RequestPlan, forecast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.jobs.services import Services
    from hourlyclicks.jobs.target_run import TargetRun
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.eta import Estimate
    from hourlyclicks.pacing.plans import Allowance
    from hourlyclicks.store.freshness import Freshness


class Costs:
    """Count requests by what the store has, and compute how long they take.

    Args:
        services: the parts of the client.
        allowance: what may be requested, and how fast.
    """

    def __init__(self, services: Services, allowance: Allowance) -> None:
        self._services = services
        self._allowance = allowance
        self._cap = None if services.ranges is None else allowance.longest_range

    def estimate_all(self, days: DateRange, targets: int) -> Estimate:
        """Return what all days of so many targets cost."""
        from hourlyclicks.jobs.estimate import count_all  # noqa: PLC0415 - most clients ask for none

        return self._forecast(count_all(days, targets, self._cap), self._cap)

    async def estimate(self, ranges: Mapping[Target, DateRange], freshness: Freshness) -> Estimate:
        """Return what a backfill would cost; without a store, that of all days.

        Args:
            ranges: the days of each target.
            freshness: which days in the store need a request.
        """
        return self._forecast(*await self._count_requests(ranges, freshness))

    async def count_unsent(self, run: TargetRun) -> int:
        """Return how many requests a run that was not begun will send, if none has to be repeated."""
        freshness, target = run.freshness, run.target
        requests = (await self._count_requests({target: run.range}, freshness))[0]
        if self._cap is None and requests:
            is_sent = self._services.single_flight.is_sent
            requests -= sum(is_sent(query) for query in run.queries())
        return max(0, requests)

    async def _count_requests(
        self, ranges: Mapping[Target, DateRange], freshness: Freshness
    ) -> tuple[int, RangeCap | None]:
        """Return how many requests the days take that are due, and how many days one may ask for."""
        from hourlyclicks.jobs.estimate import CachedLedger, count_requests  # noqa: PLC0415 - likewise

        cache = self._services.cache
        ledger, now = None if cache is None else CachedLedger(cache), self._services.clock.wall()
        fetcher = self._services.ranges
        cap = None if fetcher is None else await fetcher.memory.expected_cap()
        return await count_requests(ledger, ranges, cap, freshness=freshness, now=now), cap

    def _forecast(self, requests: int, cap: RangeCap | None) -> Estimate:
        plan = ONE_DAY if cap is None else RequestPlan("v3", cap)
        return forecast(
            requests, self._allowance.limits, latency=self._services.limiter.eta.latency, plan=plan
        )
