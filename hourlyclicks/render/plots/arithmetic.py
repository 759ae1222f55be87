"""The numbers in the pictures, computed from arrays in which NaN stands for what is not known."""

from __future__ import annotations

import math
from itertools import repeat
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from hourlyclicks.model import aggregate, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hourlyclicks.model.series import HourlySeries

    Numbers: TypeAlias = NDArray[np.float64]
    Marks: TypeAlias = NDArray[np.bool_]

PERCENTILE = 99.5
"""Where a scale ends."""

_WEEKDAYS = 7


def hourly(series: HourlySeries) -> Numbers:
    """Return the clicks, days x 24; NaN: not reported or not fetched."""
    return np.asarray(series.clicks)


def not_fetched(series: HourlySeries) -> Marks:
    """Return which days were not fetched."""
    return _days_of(series, series.missing_days)


def provisional(series: HourlySeries) -> Marks:
    """Return which days have figures that may still change."""
    return _days_of(series, series.provisional_days)


def _days_of(series: HourlySeries, days: tuple[object, ...]) -> Marks:
    wanted = set(days)
    return np.array([day in wanted for day in series.range], dtype=bool)


def daily(hours: Numbers) -> Numbers:
    """Return the clicks of each day, of the hours that were reported; NaN: none was."""
    known = ~np.isnan(hours)
    return np.where(known.any(axis=1), np.where(known, hours, 0).sum(axis=1), np.nan)


def users_of_busiest_hour(series: HourlySeries) -> Numbers:
    """Return the unique users in the hour of each day that has the most clicks; NaN: no hour was reported."""
    hours, users = hourly(series), np.asarray(series.unique_users)
    busiest = np.where(np.isnan(hours), -1, hours).argmax(axis=1)
    chosen: Numbers = users[np.arange(len(users)), busiest]
    return chosen


def moving_mean(days: Numbers) -> Numbers:
    """Return for each day the mean of it and the six days before; NaN where that would be a guess.

    A mean needs four days, and none of them lies before a gap: the first three days after a gap have none.
    """
    means = aggregate.running_mean([None if math.isnan(day) else day for day in days.tolist()])
    return np.array([math.nan if mean is None else mean for mean in means])


def scale_end(counts: Numbers) -> float:
    """Return where the scale of some whole counts ends; see `hourlyclicks.model.scale`."""
    known = [int(count) for count in counts[~np.isnan(counts)].tolist()]
    return float(scale.scale_end(known, repeat(1, len(known))))


def week(hours: Numbers, first_weekday: int) -> Numbers:
    """Return the mean of each hour of the week, 7 x 24 from Monday on, of the hours that were reported."""
    return np.array([_means(hours[_places(weekday, first_weekday)]) for weekday in range(_WEEKDAYS)])


def weekdays(days: Numbers, first_weekday: int) -> Numbers:
    """Return the mean of the days of each weekday, from Monday on, of those with figures."""
    return np.array(
        [_means(days[_places(weekday, first_weekday)][:, None])[0] for weekday in range(_WEEKDAYS)]
    )


def never_fetched(missing: Marks, first_weekday: int) -> Marks:
    """Return of which weekdays no day was fetched."""
    return np.array([missing[_places(weekday, first_weekday)].all() for weekday in range(_WEEKDAYS)])


def shares(means: Numbers) -> Numbers:
    """Return the part of each hour in the clicks of a week, in percent; NaN where no hour was reported."""
    total = np.nansum(means)
    return means / total * 100 if total else np.where(np.isnan(means), np.nan, 0.0)


def _places(weekday: int, first_weekday: int) -> slice:
    return slice((weekday - first_weekday) % _WEEKDAYS, None, _WEEKDAYS)


def _means(rows: Numbers) -> Numbers:
    """Return the mean of each column, of what is known; NaN: nothing is."""
    known = ~np.isnan(rows)
    numbers = known.sum(axis=0)
    sums = np.where(known, rows, 0).sum(axis=0)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), np.nan)
