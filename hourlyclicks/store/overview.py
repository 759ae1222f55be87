"""All targets of a store together: days and targets in each state, and the targets that lack most. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Target
from hourlyclicks.store.backlog import TargetBacklog
from hourlyclicks.store.ledger import DayState, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

STALE, MISSING, BEHIND, UNKNOWN, TO_DO = "stale", "missing", "behind", "unknown", "to_do"
STATES = (
    *(DayState.FINAL.value, DayState.PROVISIONAL.value, STALE),
    *(DayState.EMPTY.value, DayState.FAILED.value, DayState.REFUSED.value),
    *(MISSING, BEHIND, UNKNOWN, TO_DO),
)
"""What is counted: the days in each state, and those to request: see `numbers_of`."""


@attrs.frozen
class Overview:
    """What is known of all targets.

    Args:
        targets: how many there are.
        range: from the first day of any target to the last of any; ``None``: nothing is known.
        days: how many days are in each of `STATES`.
        with_days: how many targets have days in each of them.
        newest: how many targets have which newest complete day.
        lacking: the known targets that lack days, those that lack most first.
        unknown: the targets of which no day was requested.
        parked: the targets that a backfill has parked, and why.
        failures: why days failed, and how many for each kind of reason.
    """

    targets: int
    range: DateRange | None
    days: Counter[str]
    with_days: Counter[str]
    newest: Counter[dt.date]
    lacking: tuple[TargetBacklog, ...]
    unknown: tuple[Target, ...]
    parked: Mapping[Target, str]
    failures: Counter[Failure]

    @property
    def without_complete_day(self) -> int:
        """How many targets have no complete day."""
        return self.targets - self.newest.total()


def overview_of(
    backlogs: Sequence[TargetBacklog], parked: Mapping[Target, str], failures: Counter[Failure]
) -> Overview:
    """Return what is known of all targets together.

    Args:
        backlogs: what is known of each, and to be requested.
        parked: the targets that a backfill has parked, and why.
        failures: why days failed, and how many for each kind of reason.
    """
    days, with_days = Counter[str](), Counter[str]()
    for backlog in backlogs:
        numbers = numbers_of(backlog)
        days.update(numbers)
        with_days.update(name for name, number in numbers.items() if number)
    summaries = [backlog.summary for backlog in backlogs]
    ranges = [summary.range for summary in summaries if summary.range is not None]
    newest = Counter(summary.newest_complete for summary in summaries if summary.newest_complete is not None)
    lacking = [backlog for backlog in backlogs if not backlog.unknown and any(_weight(backlog))]
    return Overview(
        len(backlogs),
        DateRange(min(part.start for part in ranges), max(part.end for part in ranges)) if ranges else None,
        days,
        with_days,
        newest,
        tuple(sorted(lacking, key=_weight, reverse=True)),
        tuple(backlog.target for backlog in backlogs if backlog.unknown),
        parked,
        failures,
    )


def numbers_of(backlog: TargetBacklog) -> dict[str, int]:
    """Return how many days of a target are in each of `STATES`.

    Stale days are provisional ones that are due. Days after the last known one are behind; those of a target
    of which no day was requested are unknown. The last number is how many days would be requested.
    """
    summary, unknown = backlog.summary, backlog.unknown
    return {
        **{state.value: summary.states[state] for state in DayState},
        STALE: summary.stale,
        MISSING: 0 if unknown else backlog.missing,
        BEHIND: 0 if unknown else backlog.behind,
        UNKNOWN: backlog.to_do if unknown else 0,
        TO_DO: backlog.to_do,
    }


def _weight(backlog: TargetBacklog) -> tuple[int, int]:
    """By what the targets that lack most are found: by their failed days, then by those never requested."""
    return backlog.failed, backlog.missing + backlog.behind
