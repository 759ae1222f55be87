"""Deadlines: how many seconds are left."""

from __future__ import annotations

import datetime as dt

from hourlyclicks.model.checks import check_amount
from hourlyclicks.model.zones import aware


def seconds_until(deadline: float | dt.timedelta | dt.datetime | None, now: dt.datetime) -> float | None:
    """Return how many seconds are left, at least 0; ``None`` when there is no deadline.

    Args:
        deadline: a number of seconds, a timedelta, or an aware datetime.
        now: the present moment.

    Raises:
        UsageError: it is none of these.
    """
    if deadline is None:
        return None
    if isinstance(deadline, dt.datetime):
        deadline = aware(deadline) - now
    if isinstance(deadline, dt.timedelta):
        return max(0.0, deadline.total_seconds())
    check_amount("deadline", deadline, zero=True)
    return deadline
