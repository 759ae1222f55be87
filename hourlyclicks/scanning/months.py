"""The months of a series, each of which goes into a file of its own."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.series import HourlySeries


def by_month(series: HourlySeries) -> Iterator[tuple[str, HourlySeries]]:
    """Split a series into its months.

    Returns:
        The name of the folder of each month, such as ``month=2025-01``, and the part of the series.
    """
    for month, days in groupby(series.range, key=lambda date: f"month={date:%Y-%m}"):
        dates = list(days)
        yield month, series[dates[0] : dates[-1]]
