"""The work that all contenders do, and whether they did it: one request a day, 24 rows in each answer.

Only the standard library is used here, since most contenders run in an environment of their own, in which
there is nothing of ours. An answer for a day is different from that for its neighbours in every cell, so
that an hour or a day in the wrong place is noticed.
"""

from __future__ import annotations

import datetime as dt
from array import array
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PATH = "/api/statistics/v2/clicks-by-hour"
LINK = "kYdr"
DOMAIN = "https://vvd.bz"
KEY = "benchmarks-have-no-key"
AGENT = "benchmark/1"
FIRST = dt.date(2014, 1, 1)
HOURS = 24

HEADERS = {"Authorization": f"APIKey {KEY}", "User-Agent": AGENT, "Accept": "application/json"}
"""What the API wants of every request."""

Row: TypeAlias = tuple[str, int, int, int]
"""The date as ISO 8601 writes it, the hour, the clicks and the unique users."""

Merged: TypeAlias = dict[tuple[str, int], tuple[int, int]]
"""The same as a mapping: the counts by date and hour."""


class WrongError(Exception):
    """A contender has not done the work."""


def days(number: int) -> list[dt.date]:
    """Return so many days."""
    return [FIRST + dt.timedelta(days=place) for place in range(number)]


def figures(day: dt.date, hour: int) -> tuple[int, int]:
    """Return the clicks and the unique users that the server answers for an hour."""
    return 100 * (hour + 1) + day.day, 100 * (hour + 1) + day.month


def expected(number: int) -> Iterator[Row]:
    """Yield the rows of so many days, in order."""
    for day in days(number):
        ymd = day.isoformat()
        for hour in range(HOURS):
            yield (ymd, hour, *figures(day, hour))


def rows_of(document: dict[str, Any], ymd: str) -> list[dict[str, Any]]:
    """Return the rows of an answer, or raise if it says no or is about another day."""
    if document["code"] != 0:
        raise WrongError(document["message"])
    for row in document["result"]:
        if row["ymd"] != ymd:
            raise WrongError(f"asked for {ymd}, got {row['ymd']}")
    return list(document["result"])


def flat(merged: Merged) -> Iterator[Row]:
    """Yield the rows of a mapping."""
    return ((*hour, *counts) for hour, counts in merged.items())


class Arrays:
    """The same with 16 bytes an hour.

    Args:
        days: all days, in order.
    """

    def __init__(self, days: list[dt.date]) -> None:
        self.days = days
        self.clicks, self.users = (array("q", [0]) * (HOURS * len(days)) for _ in range(2))

    def add(self, place: int, ymd: str, document: dict[str, Any]) -> None:
        """Check the answer for one of the days, and put it into its place."""
        first, clicks, users = place * HOURS, self.clicks, self.users
        if document["code"] != 0:
            raise WrongError(document["message"])
        for row in document["result"]:
            if row["ymd"] != ymd:
                raise WrongError(f"asked for {ymd}, got {row['ymd']}")
            hour = first + row["hour"]
            clicks[hour] = row["acesCnt"]
            users[hour] = row["pernCnt"]

    def rows(self) -> Iterator[Row]:
        """Yield the rows."""
        hours = product(self.days, range(HOURS))
        for (day, hour), clicks, users in zip(hours, self.clicks, self.users, strict=True):
            yield day.isoformat(), hour, clicks, users


def check(rows: Iterable[Row], number: int) -> int:
    """Return the sum of all clicks, or raise if any row is missing, doubled or wrong."""
    found = sorted(rows)
    if found != list(expected(number)):
        raise WrongError(f"{len(found)} rows are not the {number * HOURS} that were asked for")
    return sum(row[2] for row in found)
