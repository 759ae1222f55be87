"""What a store knows of many targets: the number of days in each state, and the newest complete day. Pure.

The store only counts the days whose stored state is what the reader computes in any case. The other days come
one by one and are evaluated by the rule for single days, `hourlyclicks.store.freshness`. So a summary cannot
differ from it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Self

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Target
from hourlyclicks.store.ledger import COMPLETE, WITH_FIGURES, DayState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hourlyclicks.store.freshness import Freshness
    from hourlyclicks.store.ledger import LedgerEntry

CERTAIN = (DayState.FINAL, DayState.EMPTY, DayState.FAILED, DayState.REFUSED)
"""The states in which days are counted; provisional days are evaluated one by one."""

REQUESTED = "NOT (state = 'failed' AND attempts = 0)"
"""The SQL condition of `LedgerEntry.requested`: other days are known, but count as missing."""

_DAYS_AT_ONCE, _TARGETS_AT_ONCE = 50_000, 500


@attrs.frozen
class TargetSummary:
    """What is known of a target.

    Args:
        target: the target.
        range: the days that were looked at; ``None``: none, since nothing is known.
        states: how many of them are in each state, as the reader computes it.
        stale: how many of those with figures would be requested again.
        due: how many days of the range would be requested: missing, failed and stale ones.
        newest_complete: the last day that is final, empty or refused; ``None``: there is none.
        outdated: how many stale days are before the newest complete one; those after it are the youngest
            days, which every run requests again.
    """

    target: Target
    range: DateRange | None
    states: Counter[DayState]
    stale: int
    due: int
    newest_complete: dt.date | None
    outdated: int = 0

    @classmethod
    def unknown(cls, target: Target, days: DateRange | None) -> Self:
        """Return the summary of a target without ledger entries.

        Args:
            target: the target.
            days: the range, if one was given.
        """
        return cls(target, days, Counter(), 0, 0 if days is None else len(days), None)

    def over(self, days: DateRange) -> Self:
        """Return the summary of another range, if nothing is known of the days by which it differs.

        Args:
            days: the other range.
        """
        return attrs.evolve(self, range=days, due=self.due + len(days) - len(self.range or ()))

    @property
    def missing_days(self) -> int:
        """How many days were never requested."""
        return 0 if self.range is None else len(self.range) - self.states.total()

    @property
    def complete_days(self) -> int:
        """How many days are final, empty or refused."""
        return sum(self.states[state] for state in COMPLETE)


@attrs.define
class _Sums:
    """What was counted of a series."""

    states: Counter[DayState] = attrs.field(factory=Counter)
    stale: list[dt.date] = attrs.field(factory=list)
    due: int = 0
    known: list[dt.date] = attrs.field(factory=list)
    complete: list[dt.date] = attrs.field(factory=list)


class SummaryBuilder:
    """Makes summaries of what a store has counted.

    Args:
        freshness: which stored days would be requested again.
        now: the present moment.
    """

    def __init__(self, freshness: Freshness, now: dt.datetime) -> None:
        self._freshness = freshness
        self._now = now
        self._reader = freshness.reader(now)
        self._sums: dict[int, _Sums] = {}

    def add_certain(
        self,
        series: int,
        numbers: Sequence[int],
        *,
        known: Sequence[dt.date],
        newest_complete: dt.date | None,
    ) -> None:
        """Add days whose stored state counts.

        Args:
            series: the number of their series.
            numbers: how many are in each of the states `CERTAIN`.
            known: the first and the last ledger entry of the series.
            newest_complete: the last of these days that is complete.
        """
        sums = self._of(series)
        states = dict(zip(CERTAIN, numbers, strict=True))
        sums.states.update(states)
        sums.due += states[DayState.FAILED]
        sums.known += known
        if newest_complete is not None:
            sums.complete.append(newest_complete)

    def add_entry(self, series: int, entry: LedgerEntry) -> None:
        """Add one day.

        Args:
            series: the number of its series.
            entry: its ledger entry; attempts, revision and reason are not used.
        """
        sums, state = self._of(series), self._reader.state(entry)
        sums.states[state] += 1
        sums.known.append(entry.date)
        if state in COMPLETE:
            sums.complete.append(entry.date)
        if self._freshness.is_stale(entry, self._now):
            sums.due += 1
            if state in WITH_FIGURES:
                sums.stale.append(entry.date)

    def build(self, target: Target, series: int | None, days: DateRange | None) -> TargetSummary:
        """Return the summary of a target.

        Args:
            target: the target.
            series: the number of its series; ``None``: it has none.
            days: the days that were looked at; ``None``: from the first that is known to the last.
        """
        sums = None if series is None else self._sums.get(series)
        if sums is None:
            return TargetSummary.unknown(target, days)
        if days is None:
            days = DateRange(min(sums.known), max(sums.known))
        missing = len(days) - sums.states.total()
        newest = max(sums.complete, default=None)
        outdated = 0 if newest is None else sum(day < newest for day in sums.stale)
        return TargetSummary(
            target, days, +sums.states, len(sums.stale), missing + sums.due, newest, outdated
        )

    def _of(self, series: int) -> _Sums:
        return self._sums.setdefault(series, _Sums())


def batches(targets: Sequence[Target], days: DateRange | None) -> Iterator[Sequence[Target]]:
    """Yield the targets in parts that are summarized at a time, so that a stop is noticed in between."""
    size = 1 + _DAYS_AT_ONCE // (366 if days is None else len(days))
    size = min(size, _TARGETS_AT_ONCE)
    for first in range(0, len(targets), size):
        yield targets[first : first + size]
