"""What a row of a file is: an hour, a day with its 24 hours, or a day, a week or a month.

A layout makes a table of a series, and each format writes any table, so each layout exists in each format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import HOURS
from hourlyclicks.model.frames.days import DAILY_FIELDS, daily_table
from hourlyclicks.model.frames.hours import FETCHED_AT, FINALITY, hourly_fields
from hourlyclicks.model.frames.sums import PERIOD_FIELDS, WIDE_FIELDS, period_table, wide_table
from hourlyclicks.model.frames.table import Field, Table
from hourlyclicks.model.periods import PERIODS

if TYPE_CHECKING:
    import datetime as dt


@attrs.frozen
class Layout:
    """What the rows of a file are.

    Args:
        name: what a row is, in the plural.
        fields: the columns.
        table: returns the table of a series.
        count_rows: returns how many rows a range of days has.
        by_day: whether each day has its own rows, so that a range can be written in parts.
        is_usual: whether a series writes CSV and JSON Lines of these rows itself, which is much faster.
    """

    name: str
    fields: tuple[Field, ...]
    table: Callable[[Any], Table]
    count_rows: Callable[[DateRange], int]
    by_day: bool = True
    is_usual: bool = False

    @property
    def text_fields(self) -> tuple[Field, ...]:
        """The columns of CSV and JSON Lines: those of hours do not tell when they were fetched."""
        if FETCHED_AT not in self.fields:
            return self.fields
        return tuple([field for field in self.fields if field not in {FINALITY, FETCHED_AT}])


def hourly_layout(zone: dt.tzinfo | None = None) -> Layout:
    """Return the layout with a row for each hour.

    Args:
        zone: the time zone of the column ``time``; ``None``: without this column.
    """
    return Layout(
        "hours",
        hourly_fields(zone),
        lambda series: series._table(zone),  # noqa: SLF001 - a series makes this table itself
        lambda days: HOURS * len(days),
        is_usual=zone is None,
    )


def wide_layout() -> Layout:
    """Return the layout with a row for each day, with the clicks of its 24 hours."""
    return Layout("days", WIDE_FIELDS, wide_table, len)


def period_layout(period: str) -> Layout:
    """Return the layout with a row for each ``"day"``, ``"week"`` or ``"month"``."""
    period_of = PERIODS[period]
    return Layout(
        f"{period}s",
        PERIOD_FIELDS,
        lambda series: period_table(series, period),
        lambda days: len({period_of(date) for date in days}),
        by_day=period == "day",
    )


def daily_layout() -> Layout:
    """Return the layout of a series of days."""
    return Layout("days", DAILY_FIELDS, daily_table, len, is_usual=True)
