"""Processes that write to a store are killed at random moments."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import random
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from hourlyclicks.model.dates import DateRange
from tests.forked import forked
from tests.model.strategies import FIRST
from tests.sizes import sized
from tests.store.locations import DatabaseLocation, SqliteLocation
from tests.store.writing_process import ME, final, keep_on, provisional

if TYPE_CHECKING:
    from tests.store.locations import Location

ROUNDS = sized(5, 10)
NUMBER = 100_000
"""More days than are kept in a round."""


def where(location: Location) -> str:
    """Return what opens a store there."""
    if isinstance(location, SqliteLocation):
        return str(location.path)
    assert isinstance(location, DatabaseLocation)
    return location.dsn


def kill(location: Location, start: dt.date, number: int) -> list[dt.date]:
    """Let a process store days until it has reported some, kill it, and return the days it reported."""
    heard, kept = multiprocessing.Pipe(duplex=False)
    process = forked(keep_on, where(location), start, NUMBER, kept)
    kept.close()
    said = [heard.recv() for _ in range(number)]
    process.kill()
    with suppress(EOFError, OSError):  # the last one may be incomplete
        while True:
            said.append(heard.recv())
    process.join()
    assert process.exitcode == -signal.SIGKILL, "it was done too soon"
    heard.close()
    return said


async def test_who_is_killed_has_lost_nothing_that_was_kept(location: Location) -> None:
    """After many kills, every reported day is complete, and no half day is there."""
    chance = random.Random(7)
    said: set[dt.date] = set()
    start = FIRST
    for _ in range(ROUNDS):
        said |= set(kill(location, start, chance.randint(1, 40)))
        start = max(said) + dt.timedelta(days=1)
        store, account = await location.account()
        known = {
            day.date: day for day in await store.read(account, ME, DateRange(FIRST, FIRST.replace(year=2400)))
        }
        assert said <= known.keys()
        assert [date for date in said if known[date] != final(date)] == []
        halves = [day for date, day in known.items() if day not in {final(date), provisional(date)}]
        assert halves == []
        await store.close()
    assert len(said) >= ROUNDS
