"""Days for the benchmarks of the store: made up once, stored, and read by a client without a server."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks import Client, DateRange, DayClicks, Limits, Link
from hourlyclicks.simulator.traffic import Traffic
from hourlyclicks.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hourlyclicks.model.http import Request, Response

LINK = Link("kYdr", "https://vvd.bz")
FIRST = dt.date(2014, 1, 1)
KEY = "x" * 16
ACCOUNT = "benchmark"
LIMITS = Limits(concurrency=4)
_ASKED = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)


class NoServer:
    """A transport that must not be used."""

    async def send(self, request: Request) -> Response:
        """Fail."""
        raise AssertionError(request.url)

    async def close(self) -> None:
        """Do nothing."""


def range_of(number: int) -> DateRange:
    """Return so many days."""
    return DateRange(FIRST, FIRST + dt.timedelta(days=number - 1))


def days(number: int) -> Iterator[DayClicks]:
    """Return plausible figures for so many days."""
    traffic = Traffic()
    for date in range_of(number):
        clicks, users = zip(*traffic.day(LINK, date), strict=True)
        yield DayClicks(date, clicks, users, _ASKED, final=True)


def busy_days(number: int) -> Iterator[DayClicks]:
    """Return so many days with about 220 clicks an hour, as a busy link has them."""
    for place, date in enumerate(range_of(number)):
        clicks = tuple(110 + (place * 31 + hour * 53) % 221 for hour in range(24))
        users = tuple(click * 4 // 5 for click in clicks)
        yield DayClicks(date, clicks, users, _ASKED, final=True)


async def filled(folder: Path, number: int, figures: Callable[[int], Iterator[DayClicks]] = days) -> Path:
    """Return a file with so many days in a folder; it is made if it is not there yet.

    Args:
        folder: the folder.
        number: how many days.
        figures: makes the days.
    """
    path = folder / f"{number}.db"
    if not path.exists():
        await _fill(path, figures(number))
    return path


async def _fill(path: Path, figures: Iterator[DayClicks]) -> None:
    store = SqliteStore(path)
    async with reader(store) as client:
        await client.backfill(FIRST, FIRST, [])  # the account is known from now on
    (account,) = (await store.accounts()).values()
    for day in figures:
        await store.put(account, LINK, day, requests=1)
    await store.close()


def reader(store: SqliteStore | Path) -> Client:
    """Return a client that takes everything from a file."""
    return Client(KEY, limits=LIMITS, store=store, account=ACCOUNT, transport=NoServer())
