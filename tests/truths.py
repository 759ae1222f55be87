"""Compare what a client fetched with what the simulator knows, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks import HourlySeries
    from hourlyclicks.simulator import Simulator


def differences(series: HourlySeries, upstream: Simulator) -> list[tuple[dt.date, int]]:
    """Return the day and hour of every cell that differs from the simulator's."""
    truth = upstream.cells(series.target, series.range.start, series.range.end)
    wrong = []
    for hour in series:
        clicks, users = truth[hour.date][hour.hour]
        if (hour.clicks, hour.unique_users) != (clicks, users):
            wrong.append((hour.date, hour.hour))
    return wrong
