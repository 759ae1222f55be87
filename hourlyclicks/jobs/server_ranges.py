"""What a client knows of how the server answers for ranges of days, and the ranges to ask for because of it.

Where the plan is known, so is the longest range. Otherwise the lengths of `hourlyclicks.model.range_caps` are
tried, the longest first, until one is answered. The length that was answered is kept as long as the client,
and in its store for later runs.

A range that is refused although one as long was answered before may have a day that is refused, or the server
answers for fewer days by now. It is asked for in parts. If all of them are answered, no day was the reason;
when that has happened twice, and no longer range was answered in between, ranges are no longer from then on.

What answers have *proved* is kept for minutes only, since a server can begin to shorten ranges at any time
(`hourlyclicks.fetching.range_state`). An answer that looks as if it was shortened is judged by what the
answers of the last one or two minutes have proved.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.fetching.range_state import URGENT_SHIFT, RecentProof, is_suspicious
from hourlyclicks.jobs.range_plan import halves, plan_ranges
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.zones import last_begun

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from hourlyclicks.clock import Clock
    from hourlyclicks.model.range_record import RangeRecord
    from hourlyclicks.pacing.queue import Job

WEEK = 7
"""The longest range that every plan includes."""

_SHORTEST_MONTH = 28
_DAY = dt.timedelta(days=1)


class ServerRanges:
    """What is known of the ranges of one endpoint.

    Args:
        cap: the longest range to ask for at first.
        clock: measures time.

    Attributes:
        cap: the longest range to ask for now.
    """

    def __init__(self, cap: RangeCap, clock: Clock) -> None:
        self.cap = self._most = cap
        self._recent, self._latest = RecentProof(clock), RecentProof(clock, URGENT_SHIFT)
        self._answered = 0
        self._suspected = 0  # the longest range that may be answered, after a longer one was refused

    @property
    def known(self) -> bool:
        """Whether a range was ever answered."""
        return self._answered > 0

    def remember(self, record: RangeRecord, now: dt.datetime) -> None:
        """Take the cap that another run has found, unless this client knows better.

        Args:
            record: what the store has.
            now: the present moment.
        """
        if not self.known:
            self.cap = record.longest(self._most, now)

    def answered(self, asked: DateRange, days: Collection[dt.date]) -> None:
        """Note an answer.

        Args:
            asked: the range.
            days: its days that have rows.
        """
        proof = RangeProof().after(asked, days)
        for kept in (self._recent, self._latest):
            kept.add(proof)
        self._answered = max(self._answered, len(asked))
        if len(asked) > self._suspected:  # so its length was not the reason
            self._suspected = 0

    def uncertain(self, asked: DateRange, answered: Collection[dt.date]) -> set[dt.date]:
        """Return the days without rows that may not have been answered for; see `RangeProof.uncertain`."""
        kept = self._latest if is_suspicious(asked, answered) else self._recent
        return set(kept.get().uncertain(asked, answered))

    def too_long(self, refused: DateRange) -> None:
        """Note that a range was refused of which every part was answered."""
        shorter = _shorter(refused)
        if self._answered < len(refused) > WEEK:
            self._lower(shorter)
        elif self._suspected:
            self._lower(min(self._suspected, shorter))
        else:
            self._suspected = shorter

    def _lower(self, days: int) -> None:
        """Ask for so many days at most from now on."""
        if self.cap.days is None or days < self.cap.days:
            self.cap = RangeCap(days)
        self._answered, self._suspected = min(self._answered, days), 0

    def parts(self, refused: DateRange, needed: Collection[dt.date]) -> Sequence[DateRange]:
        """Return the ranges to ask for in place of one that was refused.

        The parts are as long as the next lower cap. If one of at most a week is refused, although a range as
        long was answered, one of its days is probably the reason; so it is halved.
        """
        if len(refused) <= min(self._answered, WEEK):
            return halves(refused, needed)
        lower = RangeCap(len(refused)).smaller() or RangeCap(1)
        return plan_ranges(needed, lower, within=refused)

    def plan(self, needed: Sequence[dt.date], *, within: DateRange, job: Job) -> Iterator[DateRange]:
        """Yield the fewest ranges for the needed days; each as long as is known to be possible by then.

        Args:
            needed: the days, in order.
            within: the days that can be asked for.
            job: told how many ranges are left.
        """
        left = needed
        while left:
            cap, ranges = self.cap, plan_ranges(left, self.cap, within=within)
            job.remaining = len(ranges)
            for asked in ranges:
                left = [day for day in left if day > asked.end]
                yield asked
                if self.cap != cap:
                    break

    def plan_again(
        self, uncertain: Sequence[dt.date], *, now: dt.datetime, job: Job
    ) -> Iterator[tuple[DateRange, DateRange]]:
        """Yield ranges to ask for about days without rows that may not have been answered for.

        With each comes the part of it that it is asked for; a day more at an end may be left out.

        There are none if the same ranges as before would be asked for again.

        Args:
            uncertain: the days, in order.
            now: the present moment; no later day is asked for.
            job: told how many ranges are left.
        """
        longest, latest, left = self.cap.days or _SHORTEST_MONTH, last_begun(now), uncertain
        while left:
            proof = self._latest.get()
            margin = 0 if proof.first_included and proof.last_included else 1
            length = min(max(proof.reach, WEEK), longest)
            if not margin and length == self.cap.days:  # ranges of a month were up to three days longer
                return
            cap = RangeCap(max(1, length - 2 * margin))
            ranges = plan_ranges(left, cap, within=DateRange(left[0], left[-1]))
            job.remaining = len(ranges)
            asked = ranges[0]
            left = [day for day in left if day > asked.end]
            end = max(asked.end, min(latest, _moved(asked.end, margin)))
            yield DateRange(_moved(asked.start, -margin), end), asked


def _shorter(refused: DateRange) -> int:
    """Return how long the parts of a refused range are."""
    cap = RangeCap(len(refused)).smaller() if len(refused) > WEEK else None
    return (cap and cap.days) or (len(refused) + 1) // 2


def _moved(day: dt.date, days: int) -> dt.date:
    try:
        return day + days * _DAY
    except OverflowError:
        return day
