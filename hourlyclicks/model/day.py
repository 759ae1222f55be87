"""One hour and one day of clicks.

An hour is in one of three states that must never be confused. *Reported*: the server sent counts, and zero
is a count. *Not reported*: the day was fetched, and the server left this hour out. *Not fetched*: the day was
not requested, or its request failed. A count is ``None`` in the last two.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.frames.tabular import HourlyTabular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.frames.table import Field, Table

HOURS = 24
"""Hours of a day; the API has no other days, not even when the clocks change."""

Counts: TypeAlias = tuple[int | None, ...]
"""The 24 counts of a day; ``None`` = not reported."""


class HourStatus(StrEnum):
    """What is known of an hour."""

    REPORTED = "reported"
    NOT_REPORTED = "not_reported"
    NOT_FETCHED = "not_fetched"


def _status_of(hour: HourClicks) -> HourStatus:
    return HourStatus.NOT_REPORTED if hour.clicks is None else HourStatus.REPORTED


@attrs.frozen
class HourClicks:
    """One hour.

    Args:
        date: the day.
        hour: the hour on the wall clock, 0-23.
        clicks: clicks in that hour, or ``None``.
        unique_users: different people who clicked in that hour, or ``None``. Adding them up over hours
            counts people several times. May exceed ``clicks``: the vendor's own example does.
        status: what a ``None`` means; "not reported" by default.
    """

    date: dt.date
    hour: int
    clicks: int | None
    unique_users: int | None
    status: HourStatus = attrs.field(default=attrs.Factory(_status_of, takes_self=True))


@attrs.frozen
class DayClicks(HourlyTabular):
    """One day as it was fetched; iterates as 24 `HourClicks`.

    As a table it has 24 rows, without a column for the target, which a day does not know.

    Args:
        date: the day.
        clicks: clicks in each hour, ``None`` = not reported.
        unique_users: people who clicked in each hour, reported for the same hours.
        fetched_at: when it was requested; aware.
        final: whether the figures can no longer change.

    Raises:
        UsageError: when there are not 24 hours, or ``fetched_at`` is naive. The counts themselves are
            checked by the decoder, not here.
    """

    date: dt.date
    clicks: Counts
    unique_users: Counts
    fetched_at: dt.datetime
    final: bool

    def __attrs_post_init__(self) -> None:
        if not len(self.clicks) == len(self.unique_users) == HOURS:
            counted = f"{len(self.clicks)} of clicks and {len(self.unique_users)} of unique users"
            raise UsageError(f"a day has 24 hours, not {counted}")
        if self.fetched_at.tzinfo is None:
            raise UsageError(f"fetched_at needs a time zone, and {self.fetched_at.isoformat()} has none")

    @property
    def total_clicks(self) -> int:
        """Clicks of the whole day, hours that were not reported left out."""
        return sum(count for count in self.clicks if count is not None)

    @property
    def reported_hours(self) -> int:
        """How many hours have figures."""
        return HOURS - self.clicks.count(None)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the clicks of the day, and its hours as bars."""
        from hourlyclicks.model.notebook import day_html  # noqa: PLC0415 - for notebooks only

        return day_html(self)

    def _fields(self, zone: dt.tzinfo | None = None) -> tuple[Field, ...]:
        from hourlyclicks.model.frames.hours import hourly_fields  # noqa: PLC0415 - few days become frames

        return hourly_fields(zone, with_target=False)

    def _table(self, zone: dt.tzinfo | None = None) -> Table:
        from hourlyclicks.model.frames.hours import day_table  # noqa: PLC0415 - few days become frames

        return day_table(self, zone)

    def __iter__(self) -> Iterator[HourClicks]:
        for hour, (clicks, users) in enumerate(zip(self.clicks, self.unique_users, strict=True)):
            yield HourClicks(self.date, hour, clicks, users)
