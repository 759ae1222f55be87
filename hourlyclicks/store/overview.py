"""All targets of a store together: days and targets in each state, and the targets that lack most. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Target
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.summary import TargetSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING, STALE = "missing", "stale"
STATES = (*(state.value for state in DayState), MISSING, STALE)
"""What is counted: the days in each state, those that were never requested, and those with stale figures."""


@attrs.frozen
class Deficit:
    """What a target lacks.

    Args:
        summary: what is known of the target.
        behind: how many days its newest complete day is before that of the target that is furthest; if it has
            none, how many days there are from its first day to that one.
    """

    summary: TargetSummary
    behind: int

    @property
    def failed(self) -> int:
        """How many of its days failed."""
        return self.summary.states[DayState.FAILED]

    @property
    def missing(self) -> int:
        """How many of its days were never requested."""
        return self.summary.missing_days

    @property
    def weight(self) -> tuple[bool, int]:
        """By what the targets that lack most are found: first those of which nothing is known."""
        return self.summary.range is None, self.missing + self.failed + self.behind


@attrs.frozen
class Overview:
    """What is known of all targets.

    Args:
        targets: how many there are.
        range: from the first day of any target to the last of any; ``None``: nothing is known.
        days: how many days are in each of `STATES`.
        with_days: how many targets have days in each of them.
        newest: how many targets have which newest complete day.
        lacking: the targets that lack days, those that lack most first.
        parked: the targets that a backfill has parked, and why.
    """

    targets: int
    range: DateRange | None
    days: Counter[str]
    with_days: Counter[str]
    newest: Counter[dt.date]
    lacking: tuple[Deficit, ...]
    parked: Mapping[Target, str]

    @property
    def without_complete_day(self) -> int:
        """How many targets have no complete day."""
        return self.targets - self.newest.total()


def overview_of(summaries: Sequence[TargetSummary], parked: Mapping[Target, str]) -> Overview:
    """Return what is known of all targets together.

    Args:
        summaries: what is known of each.
        parked: the targets that a backfill has parked, and why.
    """
    days, with_days = Counter[str](), Counter[str]()
    for summary in summaries:
        numbers = numbers_of(summary)
        days.update(numbers)
        with_days.update(name for name, number in numbers.items() if number)
    ranges = [summary.range for summary in summaries if summary.range is not None]
    newest = Counter(summary.newest_complete for summary in summaries if summary.newest_complete is not None)
    furthest = max(newest, default=None)
    deficits = [Deficit(summary, _behind(summary, furthest)) for summary in summaries]
    lacking = [deficit for deficit in deficits if any(deficit.weight)]
    lacking.sort(key=lambda deficit: deficit.weight, reverse=True)
    return Overview(
        len(summaries),
        DateRange(min(part.start for part in ranges), max(part.end for part in ranges)) if ranges else None,
        days,
        with_days,
        newest,
        tuple(lacking),
        parked,
    )


def numbers_of(summary: TargetSummary) -> dict[str, int]:
    """Return how many days of a target are in each of `STATES`."""
    return {
        **{state.value: summary.states[state] for state in DayState},
        MISSING: summary.missing_days,
        STALE: summary.stale,
    }


def _behind(summary: TargetSummary, furthest: dt.date | None) -> int:
    if furthest is None or summary.range is None:
        return 0
    if summary.newest_complete is None:
        return max(0, (furthest - summary.range.start).days + 1)
    return (furthest - summary.newest_complete).days
