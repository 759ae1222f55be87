"""Rejections by the API, and circuit breakers that have seen them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.errors import ApiError
from hourlyclicks.jobs.parking import ROW, Parking
from hourlyclicks.model.targets import Link, Query
from tests.fetching.asking import DAY, LINK

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

OTHER = Link("xyz", "https://vvd.bz")
NOON = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
NO = ApiError("no such link", code=7, status=200)
BUSY = ApiError("maintenance", code=900, status=200)
GATEWAY = ApiError("404 page not found", code=None, status=404)


def day(number: int, target: Target = LINK) -> Query:
    """Return a day of a target."""
    return Query(DAY + dt.timedelta(number), target)


def none_on(number: int) -> ApiError:
    """Return a rejection whose message names its day."""
    return ApiError(f"none on {DAY + dt.timedelta(number)}", code=7, status=200)


def reject(parking: Parking, query: Query, error: ApiError = NO, now: int = 0) -> None:
    """Note a rejection of a day by the API."""
    parking.rejected(query, error, now=now, asked=NOON)


def parked(*, target: Target = LINK, parking: Parking | None = None, error: ApiError = NO) -> Parking:
    """Return circuit breakers with one target parked."""
    parking = parking or Parking(keeps=True)
    for number in range(ROW):
        reject(parking, day(number, target), error)
        parking.recorded(day(number, target), None)
    assert parking.needs_check(target)
    parking.begin_check(day(29, target))
    reject(parking, day(29, target), error)
    parking.end_trial(target)
    assert target in parking.parked
    return parking
