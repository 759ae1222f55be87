"""What a store knows of a day.

A day is in exactly one of five states, or the store has no mark of it: then it was never asked for.

=========== ============================================== ====================================
state       what it says                                   when it is asked for again
=========== ============================================== ====================================
final       the figures, and they can no longer change     never
empty       final, and no hour was reported                never
provisional figures that may still change                  when they are stale
failed      no figures: every attempt failed               in the next run, before anything else
refused     no figures: the API said no to a finished day  never, unless that is wished for
=========== ============================================== ====================================

That is what the last writer thought; each reader judges by its own clock and zone, see
`hourlyclicks.store.freshness`. A day that has figures keeps them when a later request for it fails. Which of
two answers for a day stays is decided by `hourlyclicks.store.resolve`.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Self

import attrs

from hourlyclicks.errors import ApiError, StoreError, UsageError
from hourlyclicks.model.day import HOURS, DayClicks
from hourlyclicks.model.targets import as_target

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.targets import Target

ENDPOINT = "clicks-by-hour/v2"
"""What the figures of a day are an answer of; part of the name of a series."""

STALE_AFTER = dt.timedelta(hours=1)
"""A provisional day is stale when it was asked for so long ago: by then another hour is over."""


class DayState(StrEnum):
    """What is known of a day."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    EMPTY = "empty"
    FAILED = "failed"
    REFUSED = "refused"


SETTLED = frozenset({DayState.FINAL, DayState.EMPTY})
"""The states of days that are known for good."""

WITH_FIGURES = SETTLED | {DayState.PROVISIONAL}
"""The states of days that were answered."""


@attrs.frozen
class Failure:
    """Why a day has no figures.

    Args:
        error: the name of the error's class.
        text: what it said.
        code: the ``code`` of the answer, when there was one.
        status: the HTTP status, when there was one.
    """

    error: str
    text: str
    code: int | None = None
    status: int | None = None

    @classmethod
    def of(cls, error: HourlyClicksError) -> Self:
        """Describe an error; nothing in one can hold the key."""
        text = error.message if isinstance(error, ApiError) else str(error)
        return cls(type(error).__name__, text, getattr(error, "code", None), getattr(error, "status", None))

    def as_error(self) -> ApiError:
        """Return the refusal of a day as the error it was."""
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
        asked_at: when it was last asked for with a result, aware, in UTC; with figures: their age.
        attempts: how many requests were spent on it altogether.
        revision: how often its figures changed, counted from 1; 0 without figures.
        reason: why the last request for it failed.
        hours: how many hours of it are reported.
        doubted_at: when an answer was asked for that lacked some of these hours; ``None``: no doubts.
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
    def last_asked(self) -> dt.datetime:
        """When it was last asked for with a result, even if that left the figures as they were."""
        return self.asked_at if self.doubted_at is None else max(self.asked_at, self.doubted_at)


@attrs.frozen
class PutResult:
    """What became of a day that was given to a store.

    Args:
        revision: the revision of the figures that the store holds now.
        revised: whether they differ from those it held before.
        dropped: whether it held better ones and kept them.
        doubted_at: since when the figures it holds are in doubt, because the answer lacked some of their
            hours; they stay until a later answer confirms that. ``None``: they are not.
    """

    revision: int
    revised: bool = False
    dropped: bool = False
    doubted_at: dt.datetime | None = None


@attrs.frozen
class Revision:
    """Figures of a day that were replaced.

    Args:
        number: which figures of the day they were, counted from 1.
        day: the figures.
    """

    number: int
    day: DayClicks


def state_of(day: DayClicks) -> DayState:
    """Return the state of a day that was answered."""
    if not day.final:
        return DayState.PROVISIONAL
    return DayState.FINAL if day.reported_hours else DayState.EMPTY


def day_of(date: dt.date, flat: list[int], hours: int, fetched_at: dt.datetime, *, final: bool) -> DayClicks:
    """Make a day of its rows.

    Args:
        date: the day.
        flat: the rows in a line: hour, clicks, users, hour, clicks, users, …
        hours: how many rows there must be.
        fetched_at: when it was asked for.
        final: whether it can no longer change.

    Raises:
        StoreError: some rows are missing, or there are too many.
    """
    which, clicks, users = flat[0::3], flat[1::3], flat[2::3]
    if len(which) != hours:
        raise StoreError(
            f"the store holds {date} in part only: another program has changed it; restore a backup"
        )
    if which == _ALL:
        return DayClicks(date, tuple(clicks), tuple(users), fetched_at, final)
    cells = dict(zip(which, zip(clicks, users, strict=True), strict=True))
    counts = [cells.get(hour, (None, None)) for hour in _ALL]
    return DayClicks(
        date, tuple([cell[0] for cell in counts]), tuple([cell[1] for cell in counts]), fetched_at, final
    )


def target_of(text: str) -> Target:
    """Read the text of a target; one that is none is a `StoreError`."""
    try:
        return as_target(text)
    except UsageError:
        raise StoreError(f"{text!r} is no target: another program has changed it; restore a backup") from None


def rows_of(day: DayClicks) -> list[tuple[int, int, int]]:
    """Return hour, clicks and users of every hour that was reported."""
    return [
        (hour, clicks, users)
        for hour, (clicks, users) in enumerate(zip(day.clicks, day.unique_users, strict=True))
        if clicks is not None and users is not None
    ]


_ALL = list(range(HOURS))
