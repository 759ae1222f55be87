"""What the API knows of a whole day, besides its hours.

The unique users of a day are its own: a person who clicks in two hours counts once. No sum over hours gives
that number.
"""

from __future__ import annotations

import datetime as dt

import attrs


@attrs.frozen
class DailyClicks:
    """One day, as a sum that the API computed.

    Args:
        date: the day.
        clicks: clicks on that day.
        unique_users: different people who clicked on that day.
        fetched_at: when it was requested; aware.
        final: whether the figures can no longer change.
    """

    date: dt.date
    clicks: int
    unique_users: int
    fetched_at: dt.datetime
    final: bool
