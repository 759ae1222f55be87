"""Whether the hours of days agree with the sums that the API computes.

Only clicks are compared, since the unique users of hours do not add up. A day counts if both its hours and
its sum are final. A day that is not reported in one of them has no clicks there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Target

if TYPE_CHECKING:
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.day import DayClicks


@attrs.frozen
class AuditDifference:
    """A day whose hours do not agree with its sum.

    Args:
        date: the day.
        by_hour: the clicks of its hours in the store, added up.
        by_date: the clicks of the day, as the API computed them.
    """

    date: dt.date
    by_hour: int
    by_date: int


@attrs.frozen(kw_only=True)
class AuditReport:
    """The result of an audit of one target.

    Args:
        target: the target.
        range: the days.
        matching: how many days agree.
        differences: the days that differ, in order; they are provisional from now on.
        unchecked: the other days, in order: their hours or their sum are missing, or not final.
        failures: why sums could not be fetched.
    """

    target: Target
    range: DateRange
    matching: int
    differences: tuple[AuditDifference, ...]
    unchecked: tuple[dt.date, ...]
    failures: Mapping[dt.date, HourlyClicksError] = attrs.field(factory=dict, repr=False)

    @property
    def agrees(self) -> bool:
        """Whether no day differs."""
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        """Return the report as values that JSON can hold.

        Returns:
            The keys are ``target`` (as ``str(target)`` writes it), ``start``, ``end``, ``matching``,
            ``differences`` (objects with ``date``, ``by_hour`` and ``by_date``), ``unchecked`` (dates) and
            ``failures`` (objects with ``date`` and ``message``). Dates are in ISO 8601.
        """
        return {
            "target": str(self.target),
            "start": str(self.range.start),
            "end": str(self.range.end),
            "matching": self.matching,
            "differences": [
                {"date": str(day.date), "by_hour": day.by_hour, "by_date": day.by_date}
                for day in self.differences
            ],
            "unchecked": [str(day) for day in self.unchecked],
            "failures": [
                {"date": str(day), "message": str(error)} for day, error in sorted(self.failures.items())
            ],
        }


def compare(
    hours: Mapping[dt.date, DayClicks],
    sums: DailySeries,
    *,
    failures: Mapping[dt.date, HourlyClicksError] | None = None,
) -> AuditReport:
    """Compare the hours of days with their sums.

    Args:
        hours: the days with hours.
        sums: the sums of all days in question.
        failures: why sums could not be fetched.
    """
    unchecked, differences = [], []
    known = {day.date: day for day in sums.days()}
    for date in sums.range:
        day, whole = hours.get(date), known.get(date)
        if day is None or whole is None or not (day.final and whole.final):
            unchecked.append(date)
        elif day.total_clicks != (whole.clicks or 0):
            differences.append(AuditDifference(date, day.total_clicks, whole.clicks or 0))
    return AuditReport(
        target=sums.target,
        range=sums.range,
        matching=len(sums) - len(unchecked) - len(differences),
        differences=tuple(differences),
        unchecked=tuple(unchecked),
        failures=dict(failures or {}),
    )
