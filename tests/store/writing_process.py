"""Stores day after day, each of them first provisional and then final; a test kills this program meanwhile.

Prints the date of each day that was kept. Called with the name of a store, a first day and a number.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys

from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Account
from hourlyclicks.store.opening import store_of

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


async def main(where: str, first: str, number: str) -> None:
    """Keep days, three at once."""
    store = store_of(where)
    account = await store.account("me")
    start = dt.date.fromisoformat(first).toordinal()
    dates = map(dt.date.fromordinal, range(start, start + int(number)))

    async def work() -> None:
        for date in dates:
            await store.put(account, ME, provisional(date), requests=1)
            await store.put(account, ME, final(date), requests=1)
            sys.stdout.write(f"{date}\n")
            sys.stdout.flush()

    await asyncio.gather(*[work() for _ in range(3)])
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
