"""The summary of a target, made day by day from its ledger entries in the plainest way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hourlyclicks.model.dates import DateRange
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.target_summary import TargetSummary

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness
    from hourlyclicks.store.ledger import LedgerEntry


def day_by_day(
    target: Target,
    entries: Sequence[LedgerEntry],
    days: DateRange | None,
    *,
    freshness: Freshness,
    now: dt.datetime,
) -> TargetSummary:
    """Return the summary of a target.

    Args:
        target: the target.
        entries: its ledger entries in these days, in order.
        days: the days; ``None``: from the first entry to the last.
        freshness: which days would be requested.
        now: the present moment.
    """
    if days is None and entries:
        days = DateRange(entries[0].date, entries[-1].date)
    known = {entry.date: entry for entry in entries if entry.requested}
    states = {date: freshness.reader(now).state(entry) for date, entry in known.items()}
    due = {date for date in days or () if freshness.is_stale(known.get(date), now)}
    without = {DayState.FAILED, DayState.REFUSED}
    complete = {DayState.FINAL, DayState.EMPTY, DayState.REFUSED}
    stale = [date for date, state in states.items() if date in due and state not in without]
    newest = max((date for date, state in states.items() if state in complete), default=None)
    outdated = [date for date in stale if newest is not None and date < newest]
    return TargetSummary(target, days, Counter(states.values()), len(stale), len(due), newest, len(outdated))
