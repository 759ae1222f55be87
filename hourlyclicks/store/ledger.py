"""The ledger of a store: what is known of each day.

A day is in exactly one of five states, or has no ledger entry: then it was never requested.

=========== ============================================== ====================================
state       meaning                                        when it is requested again
=========== ============================================== ====================================
final       the figures, and they can no longer change     never
empty       final, and no hour was reported                never
provisional figures that may still change                  when they are stale
failed      no figures: every attempt failed               in the next run, before all others
refused     no figures: the API rejected a finished day    never, unless the caller asks for it
=========== ============================================== ====================================

The stored state is the one that the last writer computed; each reader computes it again with its own clock
and zone; see ``store/freshness.py``. A day with figures keeps them when a later request for it
fails. Of two answers for a day, the one to keep is chosen by ``store/conflicts.py``.

A failed day without any attempt was not requested yet: a sync has only noted where a new target begins. It
counts as missing.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Self

import attrs

from hourlyclicks.errors import ApiError, StoreError, UsageError
from hourlyclicks.model.day import HOURS, DayClicks
from hourlyclicks.model.targets import as_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.day import Counts
    from hourlyclicks.model.targets import Target

FIGURES = "clicks-by-hour"
"""The kind of figures of a series, whichever version of the endpoint they come from; part of its name."""

NAMES = (FIGURES, "clicks-by-hour/v2")
"""What `FIGURES` is called in the tables of this version, and in older ones, which are only read."""

STALE_AFTER = dt.timedelta(hours=1)
"""The age at which a provisional day is stale: by then another hour is over."""


class DayState(StrEnum):
    """What is known of a day."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    EMPTY = "empty"
    FAILED = "failed"
    REFUSED = "refused"


SETTLED = frozenset({DayState.FINAL, DayState.EMPTY})
"""The states of days that do not change any more."""

WITH_FIGURES = SETTLED | {DayState.PROVISIONAL}
"""The states of days with figures."""

COMPLETE = SETTLED | {DayState.REFUSED}
"""The states of days that a backfill does not request again."""


@attrs.frozen
class Failure:
    """Why a day has no figures.

    Args:
        error: the name of the error's class.
        text: its message.
        code: the ``code`` of the answer, if any.
        status: the HTTP status, if any.
    """

    error: str
    text: str
    code: int | None = None
    status: int | None = None

    @classmethod
    def of(cls, error: HourlyClicksError) -> Self:
        """Describe an error; no part of an error contains the key."""
        text = error.message if isinstance(error, ApiError) else str(error)
        return cls(type(error).__name__, text, getattr(error, "code", None), getattr(error, "status", None))

    def as_error(self) -> ApiError:
        """Return the rejection of a day as the error that it was."""
        return ApiError(self.text, code=self.code, status=self.status or 0)

    def __str__(self) -> str:
        if self.error == ApiError.__name__:
            return str(self.as_error())
        return self.text


@attrs.frozen
class LedgerEntry:
    """The line of a day in the ledger.

    Args:
        date: the day.
        state: what is known of it.
        asked_at: the last request for it that had a result, aware, in UTC; with figures: their age.
        attempts: the total number of requests for it.
        revision: the number of its figures, counted from 1; 0 without figures.
        reason: why the last request for it failed.
        hours: how many of its hours are reported.
        doubted_at: the request for an answer that lacked some of these hours; ``None``: not in doubt.
    """

    date: dt.date
    state: DayState
    asked_at: dt.datetime
    attempts: int
    revision: int = 0
    reason: Failure | None = None
    hours: int = 0
    doubted_at: dt.datetime | None = None

    @property
    def requested(self) -> bool:
        """Whether a request for it was sent; if not, the entry only notes that the day is to be fetched."""
        return self.state is not DayState.FAILED or self.attempts > 0

    @property
    def last_asked(self) -> dt.datetime:
        """The last request for it that had a result, even if the figures stayed as they were."""
        return self.asked_at if self.doubted_at is None else max(self.asked_at, self.doubted_at)


@attrs.frozen
class PutResult:
    """The result of writing a day into a store.

    Args:
        revision: the revision of the figures that are stored now.
        revised: whether they differ from those stored before.
        dropped: whether the answer was dropped, because better figures were stored.
        doubted_at: since when the stored figures are in doubt, because the answer lacked some of their
            hours; they are kept until a later answer confirms that. ``None``: they are not.
    """

    revision: int
    revised: bool = False
    dropped: bool = False
    doubted_at: dt.datetime | None = None


@attrs.frozen
class Revision:
    """Figures of a day that were replaced.

    Args:
        number: the number of these figures of the day, counted from 1.
        day: the figures.
    """

    number: int
    day: DayClicks


def state_of(day: DayClicks) -> DayState:
    """Return the state of a day with figures."""
    if not day.final:
        return DayState.PROVISIONAL
    return DayState.FINAL if day.reported_hours else DayState.EMPTY


def day_of(
    date: dt.date,
    clicks: Sequence[int | None] | None,
    unique_users: Sequence[int | None] | None,
    *,
    hours: int,
    fetched_at: dt.datetime,
    final: bool,
) -> DayClicks:
    """Make a day of its row.

    Args:
        date: the day.
        clicks: the 24 counts; ``None``: no hour was reported.
        unique_users: likewise.
        hours: how many of them are reported.
        fetched_at: when it was requested.
        final: whether it can no longer change.

    Raises:
        StoreError: there are other counts than these.
    """
    cells = _cells(clicks), _cells(unique_users)
    if any(len(counts) != HOURS or counts.count(None) != HOURS - hours for counts in cells):
        raise StoreError(
            f"the store has only a part of {date}: another program has changed it; restore a backup"
        )
    if not _COUNTS.issuperset(map(type, chain(*cells))):
        raise TypeError
    return DayClicks(date, *cells, fetched_at, final)


def _cells(counts: Sequence[int | None] | None) -> Counts:
    return _NOT_REPORTED if counts is None else tuple(counts)


def target_of(text: str) -> Target:
    """Read the text of a target; an invalid one is a `StoreError`."""
    try:
        return as_target(text)
    except UsageError:
        raise StoreError(f"{text!r} is no target: another program has changed it; restore a backup") from None


_NOT_REPORTED = (None,) * HOURS
_COUNTS = frozenset({int, type(None)})
