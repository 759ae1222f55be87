"""The first gap of a target: the first of its days that needs a request.

The rule is that of a backfill, `hourlyclicks.store.freshness.Freshness`: a day is missing, failed, or stale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hourlyclicks.jobs.estimate import Ledger
from hourlyclicks.model.dates import DateRange

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container, Sequence

    from hourlyclicks.clock import Clock
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness


class RangedLedger(Ledger, Protocol):
    """A ledger that knows where the days of a target begin and end."""

    async def known_range(self, target: Target) -> DateRange | None:
        """Return the days from the first that is known to the last; ``None``: none is."""
        ...


class FirstGaps:
    """Find the first gap of each target.

    Args:
        ledger: what is known of the days.
        since: the targets with a first day; the others begin with the first day that is known of them.
        freshness: which days need a request.
        clock: what time it is.

    Attributes:
        new: the targets of which nothing was known, and that have several days.
    """

    def __init__(
        self, ledger: RangedLedger, *, since: Container[Target], freshness: Freshness, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._since = since
        self._freshness = freshness
        self._clock = clock
        self.new: set[Target] = set()

    async def find_complete(self, targets: Sequence[Target], last: dt.date) -> set[Target]:
        """Return those of many targets that have no gap up to a day, as far as one query tells.

        It looks at all days that are known of them, so it does not tell for targets with a first day.
        """
        now = self._clock.wall()
        summaries = await self._ledger.summarize(targets, None, freshness=self._freshness, now=now)
        return {
            summary.target
            for summary in summaries
            if summary.range is not None
            and summary.range.start <= last <= summary.range.end
            and not summary.due
            and summary.target not in self._since
        }

    async def narrow(self, target: Target, days: DateRange) -> DateRange | None:
        """Return the days of a target from its first gap on; ``None``: it has none.

        Args:
            target: the target.
            days: its days from its first day on, or those to request if nothing is known of it.
        """
        known = await self._ledger.known_range(target)
        if known is None or known.start > days.end:
            if len(days) > 1:
                self.new.add(target)
            return days
        if target not in self._since:
            days = DateRange(known.start, days.end)
        due = await self._count(target, days)
        if not due:
            return None
        return DateRange(await self._first_due(target, days, due), days.end)

    async def _first_due(self, target: Target, days: DateRange, due: int) -> dt.date:
        """Return the first of so many days that are due; as a rule they are the last ones."""
        latest = DateRange(days[-due], days.end)
        if await self._count(target, latest) == due:
            return latest.start
        now = self._clock.wall()
        for page in days.chunks():
            entries = {entry.date: entry for entry in await self._ledger.entries(target, page)}
            for day in page:
                if self._freshness.is_stale(entries.get(day), now):
                    return day
        return latest.start  # another process has fetched days meanwhile

    async def _count(self, target: Target, days: DateRange) -> int:
        now = self._clock.wall()
        (summary,) = await self._ledger.summarize([target], days, freshness=self._freshness, now=now)
        return summary.due
