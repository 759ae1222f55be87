"""The survey of a backfill: how many days of each target are due, before anything of it is requested."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from hourlyclicks.jobs.estimate import in_batches
from hourlyclicks.jobs.remaining import Remaining
from hourlyclicks.store.ledger import SETTLED, DayState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.backfill_targets import BackfillTargets
    from hourlyclicks.jobs.gaps import FirstGaps
    from hourlyclicks.jobs.planner import PlannedRun
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.targets import Target


class Survey:
    """What is due of each target of one backfill.

    Args:
        targets: the targets, whose ranges are narrowed to begin with their first gaps, if these are meant.
        caller: the call.
        cache: the store.
        run: the backfill.

    Attributes:
        left: what is left of each target of which days are due, in the order of the targets.
    """

    def __init__(
        self,
        targets: BackfillTargets,
        *,
        caller: Caller,
        cache: DayCache,
        run: PlannedRun,
    ) -> None:
        self.left: dict[Target, Remaining] = {}
        self._ranges = targets.ranges
        self._freshness = caller.freshness
        self._job = caller.job
        self._cache = cache
        self._run = run
        self._gaps = targets.gaps

    async def count(self, ranges: dict[Target, DateRange]) -> None:
        """Count what is due of some of the targets, until the run is to stop.

        Args:
            ranges: the days of each; narrowed likewise.
        """
        if self._gaps is not None:  # what there is to do of a target is not known before its first gap is
            self._run.stats.total -= sum(map(len, ranges.values()))
            self._run.stats.unsurveyed += len(ranges)
            await self._narrow(self._gaps, ranges)
        for days, targets in in_batches(ranges):
            await asyncio.sleep(0)  # a long list must delay neither the event loop nor a deadline
            if not self._run.is_running():
                return
            if self._freshness.refresh:
                for target in targets:
                    self._add(target, days, Counter())
            else:
                for summary in await self._cache.summarize(targets, days, self._freshness):
                    self._add(summary.target, days, summary.states)
        self.left |= {target: self.left.pop(target) for target in ranges if target in self.left}

    def without_beginning(self, ranges: Mapping[Target, DateRange]) -> set[Target]:
        """Return those of some targets whose first day is not recorded, while others may be requested."""
        if self._gaps is not None:
            return self._gaps.new & ranges.keys()
        return {target for target in ranges if target in self.left and len(self.left[target].days) > 1}

    async def _narrow(self, gaps: FirstGaps, ranges: dict[Target, DateRange]) -> None:
        """Leave out the days of each target before its first gap."""
        for before, targets in in_batches(dict(ranges)):
            await asyncio.sleep(0)  # as in `count`
            complete = await gaps.find_complete(targets, before.end)
            for target in targets:
                if not self._run.is_running():
                    return
                days = None if target in complete else await gaps.narrow(target, before)
                if days is None:
                    del self._ranges[target], ranges[target]
                    self._run.stats.unsurveyed -= 1
                else:
                    self._ranges[target] = ranges[target] = days

    def _add(self, target: Target, days: DateRange, states: Counter[DayState]) -> None:
        """Count the days of a target that are due, by the number of its days in each state."""
        settled = sum(states[state] for state in SETTLED)
        rejected = 0 if self._freshness.refused else states[DayState.REFUSED]
        if self._gaps is not None:
            self._run.stats.total += len(days)
            self._run.stats.unsurveyed -= 1
        self._run.stats.known += settled
        self._run.stats.refused += rejected
        due = len(days) - settled - rejected
        if due:
            self._job.add_target(due)
            self.left[target] = Remaining(days, due, settled + rejected)
