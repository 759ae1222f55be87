"""The table of the sums of days: one row for each day of a range."""

from __future__ import annotations

import datetime as dt
from array import array
from typing import TYPE_CHECKING

from hourlyclicks.model.frames.hours import (
    CLICKS,
    DATE,
    FETCHED_AT,
    FINALITY,
    STATUS,
    STATUSES,
    TARGET,
    UNIQUE_USERS,
)
from hourlyclicks.model.frames.table import Column, Table
from hourlyclicks.model.frames.wall_clock import EPOCH_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hourlyclicks.model.daily_series import DailySeries

DAILY_FIELDS = (TARGET, DATE, CLICKS, UNIQUE_USERS, STATUS, FINALITY, FETCHED_AT)
"""The columns of a table of days."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def daily_table(series: DailySeries) -> Table:
    """Return the table of the days of a series."""
    counts = list(series)
    fetched = {day.date: day for day in series.days()}
    answers = [fetched.get(count.date) for count in counts]
    first = series.range.start.toordinal() - EPOCH_DAY
    known = bytes([answer is not None for answer in answers])
    moments = [0 if answer is None else (answer.fetched_at - _EPOCH) // _MICROSECOND for answer in answers]
    return Table(
        (
            Column(TARGET, bytes(len(counts)), labels=(str(series.target),)),
            Column(DATE, array("i", range(first, first + len(counts)))),
            Column(CLICKS, *_counts(count.clicks for count in counts)),
            Column(UNIQUE_USERS, *_counts(count.unique_users for count in counts)),
            Column(STATUS, bytes([STATUSES.index(count.status) for count in counts]), labels=STATUSES),
            Column(FINALITY, bytes([answer is not None and answer.final for answer in answers]), known),
            Column(FETCHED_AT, array("q", moments), known),
        )
    )


def _counts(counts: Iterable[int | None]) -> tuple[array[int], bytes]:
    found = list(counts)
    return array("q", [count or 0 for count in found]), bytes([count is not None for count in found])
