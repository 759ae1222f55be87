"""What processes of the tests do that write to stores: some are killed, and others leave them open."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from typing import TYPE_CHECKING

from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Account
from hourlyclicks.store.opening import store_of
from hourlyclicks.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

ME = Account()
_MOMENT = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def provisional(date: dt.date) -> DayClicks:
    """Return the first answer for a day."""
    counts = (None, *[1] * 22, None)
    return DayClicks(date, counts, counts, _MOMENT, final=False)


def final(date: dt.date) -> DayClicks:
    """Return the last answer for a day, which is of the same hours."""
    counts = (None, *range(date.toordinal(), date.toordinal() + 22), None)
    return DayClicks(date, counts, counts, _MOMENT, final=True)


def keep_on(where: str, first: dt.date, number: int, kept: Connection) -> None:
    """Store day after day, three at once, each of them first provisional and then final.

    Args:
        where: the name of the store.
        first: the first day.
        number: how many.
        kept: gets the date of each day that was kept.
    """
    asyncio.run(_keep_on(where, first, number, kept))


async def _keep_on(where: str, first: dt.date, number: int, kept: Connection) -> None:
    store = store_of(where)
    account = await store.account("me")
    dates = map(dt.date.fromordinal, range(first.toordinal(), first.toordinal() + number))

    async def work() -> None:
        for date in dates:
            await store.put(account, ME, provisional(date), requests=1)
            await store.put(account, ME, final(date), requests=1)
            kept.send(date)

    await asyncio.gather(*[work() for _ in range(3)])
    await store.close()


def open_each(paths: list[Path]) -> None:
    """Open and close a store in each of some files."""
    asyncio.run(_open_each(paths))


async def _open_each(paths: list[Path]) -> None:
    for path in paths:
        async with SqliteStore(path):
            pass


def die_with(path: Path, days: list[DayClicks]) -> None:
    """Store days in a file, and end without closing it."""
    asyncio.run(_die_with(path, days))


async def _die_with(path: Path, days: list[DayClicks]) -> None:
    store = SqliteStore(path)
    account = await store.account("me")
    for day in days:
        await store.put(account, ME, day, requests=1)
    os._exit(0)
