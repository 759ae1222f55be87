"""The sums of days as rows, CSV and JSON Lines, in the manner of `hourlyclicks.model.export`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

from hourlyclicks.model.export import csv_cell, opened

if TYPE_CHECKING:
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.export import Sink

COLUMNS = ("target", "date", "clicks", "unique_users", "status")
"""The names of the columns, in their order."""


class DailyRow(TypedDict):
    """One day as a plain mapping, fit for ``json.dumps``."""

    target: str
    date: str
    clicks: int | None
    unique_users: int | None
    status: str


def to_rows(series: DailySeries) -> list[DailyRow]:
    """Return a mapping for each day."""
    target = str(series.target)
    return [
        DailyRow(
            target=target,
            date=day.date.isoformat(),
            clicks=day.clicks,
            unique_users=day.unique_users,
            status=day.status.value,
        )
        for day in series
    ]


def write_csv(series: DailySeries, file: Sink, *, header: bool) -> None:
    """Write a line for each day."""
    target = csv_cell(str(series.target))
    with opened(file) as out:
        if header:
            out.write(",".join(COLUMNS) + "\n")
        for day in series:
            clicks, users = ["" if count is None else count for count in (day.clicks, day.unique_users)]
            out.write(f"{target},{day.date},{clicks},{users},{day.status.value}\n")


def write_jsonl(series: DailySeries, file: Sink) -> None:
    """Write an object for each day, in ASCII."""
    with opened(file) as out:
        for row in to_rows(series):
            out.write(json.dumps(row) + "\n")
