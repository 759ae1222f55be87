"""The sums of days in a store: when they need a request, and which of two answers is kept.

The rules are those of hours: figures that were requested after the day had ended are final, and are not
requested again. Of two answers the later one is kept, except that an answer without a row for a day does not
replace figures. A stored time stamp in the future is wrong, so any answer replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.store.ledger import DayState, LedgerEntry

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.store.freshness import Freshness, Reader

ENDPOINT = "clicks-by-date/v2"
"""The endpoint of the API that the sums come from; part of the name of their series."""

LARGEST = 2**63 - 1
"""The largest count that a store can hold."""


def state_of(day: DailyClicks) -> DayState:
    """Return the state of a day as it is stored."""
    return DayState.FINAL if day.final else DayState.PROVISIONAL


def is_due(day: DailyClicks | None, freshness: Freshness, now: dt.datetime) -> bool:
    """Return whether a day needs a request.

    Args:
        day: what the store has of it.
        freshness: which stored days need a request.
        now: the present moment.
    """
    entry = None if day is None else LedgerEntry(day.date, state_of(day), day.fetched_at, 0)
    return freshness.is_stale(entry, now)


def to_write(
    days: Iterable[DailyClicks], held: Mapping[dt.date, DailyClicks], reader: Reader
) -> list[DailyClicks]:
    """Return those of some answers that replace what is stored.

    Args:
        days: the answers.
        held: the stored days.
        reader: checks the stored time stamps.
    """
    return [day for day in days if _replaces(day, held.get(day.date), reader)]


def _replaces(day: DailyClicks, held: DailyClicks | None, reader: Reader) -> bool:
    if held is None or reader.in_future(held.fetched_at):
        return True
    if held.reported and not day.reported:
        return False
    return day.fetched_at >= held.fetched_at
