"""The backlog of targets: the days that a sync would request, due or after the last known one.

The days of a target begin with its first day, if the caller names one, else with the first that is known. A
sync ends with the last day that has ended. The rule for single days is `hourlyclicks.store.freshness`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Target
from hourlyclicks.model.zones import last_ended
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.target_summary import TargetSummary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hourlyclicks.store.ledger import Failure
    from hourlyclicks.store.stored_account import StoredAccount

NEW = 365
"""How many days a sync requests of a target of which nothing is known."""


@attrs.frozen
class Scope:
    """Which days of which targets are looked at.

    Args:
        targets: the targets; none: all of an account.
        days: the range; ``None``: of each target from the first day that is known to the last.
        since: the first days of targets; earlier days of them do not count.
        zone: the account's time zone, if it is known.
    """

    targets: tuple[Target, ...]
    days: DateRange | None
    since: Mapping[Target, dt.date]
    zone: dt.tzinfo | None

    def range_of(self, summary: TargetSummary) -> DateRange | None:
        """Return the days of a target that count; ``None``: none of the days that are known.

        Args:
            summary: what is known of it in all days.
        """
        first, known = self.since.get(summary.target), summary.range
        if first is None or known is None or (self.days is not None and first <= known.start):
            return known
        return DateRange(first, known.end) if first <= known.end else None


@attrs.frozen
class TargetBacklog:
    """What is known of a target, and how many of its days are to be requested.

    Args:
        summary: what is known of it.
        behind: how many days after its last known day have ended.
        to_do: how many days a sync would request; of a range, how many a backfill would.
    """

    summary: TargetSummary
    behind: int
    to_do: int

    @property
    def target(self) -> Target:
        """The target."""
        return self.summary.target

    @property
    def unknown(self) -> bool:
        """Whether no day was requested."""
        return not self.summary.states.total()

    @property
    def failed(self) -> int:
        """How many of its days failed."""
        return self.summary.states[DayState.FAILED]

    @property
    def missing(self) -> int:
        """How many of its days up to the last known one were never requested."""
        return self.summary.missing_days


async def summaries_of(account: StoredAccount, scope: Scope, *, now: dt.datetime) -> list[TargetSummary]:
    """Return what is known of the days that count of each target.

    Targets that begin after a range that was given are left out.

    Raises:
        StoreError: the store cannot be read.
    """
    found = await account.summarize(scope.targets or None, scope.days, now=now)
    ranges = {summary.target: scope.range_of(summary) for summary in found}
    cut = [
        summary
        for summary in found
        if summary.range and (days := ranges[summary.target]) and days.start > summary.range.start
    ]
    again = await _within(account, [(summary.target, ranges[summary.target]) for summary in cut], now=now)
    known: list[TargetSummary] = []
    for summary in found:
        target, days = summary.target, ranges[summary.target]
        if days is not None:
            known.append(again.get(target) or summary.over(days))
        elif scope.days is None:
            known.append(TargetSummary.unknown(target, None))
    return known


async def backlogs_of(
    account: StoredAccount, summaries: Sequence[TargetSummary], scope: Scope, *, now: dt.datetime
) -> list[TargetBacklog]:
    """Return what a sync of the targets would request; of a range, what a backfill would.

    Args:
        account: the account.
        summaries: what `summaries_of` has found.
        scope: what is looked at.
        now: the present moment.

    Raises:
        StoreError: the store cannot be read.
    """
    if scope.days is not None:
        return [TargetBacklog(summary, 0, summary.due) for summary in summaries]
    last = last_ended(now, scope.zone)
    next_day = last + dt.timedelta(days=1)
    later = [
        (summary.target, DateRange(next_day, summary.range.end))
        for summary in summaries
        if summary.range and summary.range.start <= last < summary.range.end
    ]
    not_ended = await _within(account, later, now=now)
    found: list[TargetBacklog] = []
    for summary in summaries:
        if summary.range is None or summary.range.start > last:
            first = scope.since.get(summary.target, last - dt.timedelta(days=NEW - 1))
            found.append(TargetBacklog(summary, 0, max(0, (last - first).days + 1)))
        elif summary.target in not_ended:
            found.append(TargetBacklog(summary, 0, summary.due - not_ended[summary.target].due))
        else:
            behind = (last - summary.range.end).days
            found.append(TargetBacklog(summary, behind, summary.due + behind))
    return found


async def failures_of(
    account: StoredAccount, summaries: Sequence[TargetSummary], scope: Scope
) -> Counter[Failure]:
    """Return why days failed, and how many for each kind of reason.

    Args:
        account: the account.
        summaries: what `summaries_of` has found.
        scope: what is looked at.

    Raises:
        StoreError: the store cannot be read.
    """
    together: defaultdict[DateRange, list[Target]] = defaultdict(list)
    for summary in summaries:
        if summary.states[DayState.FAILED]:
            begin = DateRange(scope.since.get(summary.target, dt.date.min), dt.date.max)
            days = begin if scope.days is None else scope.days.clip(begin)
            together[days or begin].append(summary.target)
    found: Counter[Failure] = Counter()
    for days, targets in together.items():
        found.update(await account.count_failures(targets, days))
    return found


async def _within(
    account: StoredAccount, wanted: Iterable[tuple[Target, DateRange | None]], *, now: dt.datetime
) -> dict[Target, TargetSummary]:
    """Return what is known of targets within a range of each; ranges that begin alike are read at once."""
    together: defaultdict[dt.date, dict[Target, DateRange]] = defaultdict(dict)
    for target, days in wanted:
        if days is not None:
            together[days.start][target] = days
    found: dict[Target, TargetSummary] = {}
    for start, ranges in together.items():
        days = DateRange(start, max(each.end for each in ranges.values()))
        for summary in await account.summarize(list(ranges), days, now=now):
            found[summary.target] = summary.over(ranges[summary.target])
    return found
