"""When the job of an account that has failed is repeated by a queue."""

from __future__ import annotations

import asyncio
import datetime as dt

from hourlyclicks.errors import AuthenticationError, HourlyClicksError, PlanError, UsageError

_FOR_GOOD = (AuthenticationError, PlanError, UsageError)
"""Errors that a repetition does not cure."""
_FIRST, _LONGEST = 30, 3600
"""Seconds until a job that has failed is repeated: the first time, doubled each time, and at most."""
_MOST_DOUBLINGS = 10


def repeat_at(error: BaseException, *, before: int, most: int, now: dt.datetime) -> dt.datetime | None:
    """Return when a job is repeated; ``None``: it is not.

    Args:
        error: why it has failed; that it was cancelled means that its worker is shut down.
        before: how often it had been run before.
        most: how often it is run at most.
        now: the present moment, aware.
    """
    if isinstance(error, asyncio.CancelledError):
        return now
    if isinstance(error, _FOR_GOOD) or before + 1 >= most:
        return None
    when = now + dt.timedelta(seconds=min(_LONGEST, _FIRST * 2 ** min(before, _MOST_DOUBLINGS)))
    report = error.report if isinstance(error, HourlyClicksError) else None
    opens = None if report is None else report.resume_at
    return when if opens is None else max(when, opens)
