"""What the API knows of a whole day, besides its hours.

The unique users of a day are its own: a person who clicks in two hours counts once. No sum over hours gives
that number.
"""

from __future__ import annotations

import datetime as dt

import attrs

from hourlyclicks.model.day import HourStatus


@attrs.frozen
class DailyClicks:
    """One day, as a sum that the API computed. Without a row for it, both counts are ``None``.

    Args:
        date: the day.
        clicks: clicks on that day.
        unique_users: different people who clicked on that day.
        fetched_at: when it was requested; aware.
        final: whether the figures can no longer change.
    """

    date: dt.date
    clicks: int | None
    unique_users: int | None
    fetched_at: dt.datetime
    final: bool

    @property
    def reported(self) -> bool:
        """Whether the API had a row for the day."""
        return self.clicks is not None


@attrs.frozen
class DailyCount:
    """A day of a `DailySeries`, fetched or not.

    Args:
        date: the day.
        clicks: clicks on that day; ``None`` unless it is reported.
        unique_users: different people who clicked on that day; likewise.
        status: whether the day is reported, not reported or not fetched.
    """

    date: dt.date
    clicks: int | None
    unique_users: int | None
    status: HourStatus
