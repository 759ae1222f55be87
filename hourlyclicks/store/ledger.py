"""What a store knows of a day.

A day is in exactly one of five states, or the store has no mark of it: then it was never asked for.

=========== ============================================== ====================================
state       what it says                                   when it is asked for again
=========== ============================================== ====================================
final       the figures, and they can no longer change     never
empty       final, and no hour was reported                never
provisional figures that may still change                  when they are stale; see `is_due`
failed      no figures: every attempt failed               in the next run, before anything else
refused     no figures: the API said no to a finished day  never, unless that is wished for
=========== ============================================== ====================================

A day that has figures keeps them when a later request for it fails. Of two answers for a day the better one
stays, by the rule of `hourlyclicks.model.columns`: a final one before a provisional one, then the later.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Self

import attrs

from hourlyclicks.errors import ApiError, StoreError, UsageError
from hourlyclicks.model.dates import is_final
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
class Reason:
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
class Mark:
    """The line of a day in the ledger.

    Args:
        date: the day.
        state: what is known of it.
        asked_at: when it was last asked for with a result, aware, in UTC; with figures: their age.
        attempts: how many requests were spent on it altogether.
        revision: how often its figures changed, counted from 1; 0 without figures.
        reason: why the last request for it failed.
    """

    date: dt.date
    state: DayState
    asked_at: dt.datetime
    attempts: int
    revision: int = 0
    reason: Reason | None = None


@attrs.frozen
class Kept:
    """What became of a day that was given to a store.

    Args:
        revision: the revision of the figures that the store holds now.
        revised: whether they differ from those it held before.
        dropped: whether it held better ones and kept them.
    """

    revision: int
    revised: bool = False
    dropped: bool = False


def state_of(day: DayClicks) -> DayState:
    """Return the state of a day that was answered."""
    if not day.final:
        return DayState.PROVISIONAL
    return DayState.FINAL if day.reported_hours else DayState.EMPTY


def weigh(day: DayClicks, held: DayClicks | None, revision: int) -> Kept:
    """Decide what becomes of an answer.

    Args:
        day: the answer.
        held: the one that the store holds.
        revision: its revision.
    """
    if held is None:
        return Kept(1)
    if (day.final, day.fetched_at) < (held.final, held.fetched_at):
        return Kept(revision, dropped=True)
    revised = (day.clicks, day.unique_users) != (held.clicks, held.unique_users)
    return Kept(revision + revised, revised=revised)


def is_due(
    mark: Mark | None, now: dt.datetime, zone: dt.tzinfo | None = None, *, refused: bool = False
) -> bool:
    """Return whether a backfill asks for a day.

    Args:
        mark: what the store knows of it.
        now: the present moment.
        zone: the account's zone, if it is known.
        refused: whether to ask again for what was refused.
    """
    if mark is None or mark.state is DayState.FAILED:
        return True
    if mark.state is DayState.REFUSED:
        return refused
    if mark.state in SETTLED:
        return False
    return now - mark.asked_at >= STALE_AFTER or is_final(mark.date, now, zone)


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
        raise StoreError(f"the store holds {date} in part only: somebody else has changed it")
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
        raise StoreError(f"{text!r} is no target: somebody else has changed it") from None


def rows_of(day: DayClicks) -> list[tuple[int, int, int]]:
    """Return hour, clicks and users of every hour that was reported."""
    return [
        (hour, clicks, users)
        for hour, (clicks, users) in enumerate(zip(day.clicks, day.unique_users, strict=True))
        if clicks is not None and users is not None
    ]


_ALL = list(range(HOURS))
