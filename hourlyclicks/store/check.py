"""Whether a store has the days that it should have: what an alarm is raised for. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.target_summary import TargetSummary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@attrs.frozen
class Check:
    """The result of a check.

    Args:
        targets: how many targets were checked.
        troubled: those with a reason for an alarm, the worst first.
        failed: how many days failed.
        missing: how many days were never requested.
        outdated: how many days have figures that are not final, although later days are complete.
        parked: how many targets a backfill has parked.
        unknown: how many targets have no day.
        behind: how many targets with days have no complete day since `since`.
        complete_until: the earliest of the newest complete days of all targets; ``None``: one has none.
        since: the day since which each target should have a complete one; ``None``: that is not checked.
    """

    targets: int
    troubled: tuple[TargetSummary, ...]
    failed: int
    missing: int
    outdated: int
    parked: int
    unknown: int
    behind: int
    complete_until: dt.date | None
    since: dt.date | None

    @property
    def ok(self) -> bool:
        """Whether there are targets, and none of them is in trouble."""
        return bool(self.targets) and not self.troubled


def check(summaries: Sequence[TargetSummary], *, parked: int, today: dt.date, max_age: int | None) -> Check:
    """Check what is known of the targets.

    Args:
        summaries: what is known of each target.
        parked: how many of them a backfill has parked.
        today: the present day.
        max_age: how many days before today the newest complete day of a target may be; ``None``: any number.
    """
    since = None if max_age is None else dt.date.fromordinal(max(1, today.toordinal() - max_age))
    behind = [summary for summary in summaries if _is_behind(summary, since)]
    unknown = [summary for summary in summaries if summary.range is None]
    troubled = [
        summary
        for summary in summaries
        if summary.range is None
        or summary.missing_days
        or summary.states[DayState.FAILED]
        or summary.outdated
        or _is_behind(summary, since)
    ]
    return Check(
        len(summaries),
        tuple(sorted(troubled, key=lambda summary: _weight(summary, today), reverse=True)),
        sum(summary.states[DayState.FAILED] for summary in summaries),
        sum(summary.missing_days for summary in summaries),
        sum(summary.outdated for summary in summaries),
        parked,
        len(unknown),
        len(behind),
        _earliest(summary.newest_complete for summary in summaries),
        since,
    )


def _is_behind(summary: TargetSummary, since: dt.date | None) -> bool:
    if since is None or summary.range is None:
        return False
    return summary.newest_complete is None or summary.newest_complete < since


def _weight(summary: TargetSummary, today: dt.date) -> tuple[bool, int]:
    """By what the worst target is found: first one without days, then by its gaps and its age."""
    if summary.range is None:
        return True, 0
    newest = summary.newest_complete or summary.range.start
    gaps = summary.missing_days + summary.states[DayState.FAILED] + summary.outdated
    return False, gaps + (today - newest).days


def _earliest(days: Iterable[dt.date | None]) -> dt.date | None:
    known = list(days)
    return min((day for day in known if day is not None), default=None) if None not in known else None
