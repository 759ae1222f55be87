"""Answers, ledger entries and steps that the tests of stores use."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.errors import ApiError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Account
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry
from tests.model.strategies import FIRST, NOON

if TYPE_CHECKING:
    from collections.abc import Sequence

ME = Account()
ALL = DateRange(FIRST, FIRST + dt.timedelta(days=299))
LATER = NOON + dt.timedelta(minutes=1)
LARGEST = 2**63 - 1

FAILED = Failure("ServerError", "HTTP 503: busy", None, 503)
REFUSED = Failure.of(ApiError("no such link", code=404, status=200))


def day(offset: int) -> dt.date:
    """Return a day of the range."""
    return ALL[offset]


def figures(
    clicks: Sequence[int | None], users: Sequence[int | None] | None = None, *, final: bool = True
) -> DayClicks:
    """Make the first day of the range."""
    return DayClicks(FIRST, tuple(clicks), tuple(users or clicks), NOON, final)


def failure(date: dt.date = FIRST, at: dt.datetime = NOON, *, attempts: int = 4) -> LedgerEntry:
    """Return the failure of a day."""
    return LedgerEntry(date, DayState.FAILED, at, attempts, reason=FAILED)


def rejection(date: dt.date = FIRST, at: dt.datetime = NOON) -> LedgerEntry:
    """Return the rejection of a day."""
    return LedgerEntry(date, DayState.REFUSED, at, 1, reason=REFUSED)


def count_one(text: str | None, _now: int, _mark: LedgerEntry | None) -> tuple[str, int]:
    """Count the steps."""
    number = int(text or 0) + 1
    return str(number), number


def look(text: str | None, _now: int, _mark: LedgerEntry | None) -> tuple[None, str | None]:
    """Change nothing, and return what is kept."""
    return None, text
