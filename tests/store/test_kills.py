"""Processes that write to a store are killed at random moments."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hourlyclicks.model.dates import DateRange
from tests.model.strategies import FIRST
from tests.store.locations import DatabaseLocation, SqliteLocation
from tests.store.writing_process import ME, final, provisional

if TYPE_CHECKING:
    from tests.store.locations import Location

ROOT = Path(__file__).parents[2]
ROUNDS = 10
NUMBER = 100_000
"""More days than are kept in a round."""


def where(location: Location) -> str:
    """Return what opens a store there."""
    if isinstance(location, SqliteLocation):
        return str(location.path)
    assert isinstance(location, DatabaseLocation)
    return location.dsn


async def kill(location: Location, start: dt.date, lines: int) -> list[dt.date]:
    """Let a process store days until some lines came, kill it, and return the days it reported."""
    arguments = ("-m", "tests.store.writing_process", where(location), str(start), str(NUMBER))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    rest, _ = await process.communicate()
    whole = [*said, *[line for line in rest.splitlines(keepends=True) if line.endswith(b"\n")]]
    return [dt.date.fromisoformat(line.decode().strip()) for line in whole]


async def test_who_is_killed_has_lost_nothing_that_was_kept(location: Location) -> None:
    """After many kills, every reported day is complete, and no half day is there."""
    chance = random.Random(7)
    said: set[dt.date] = set()
    start = FIRST
    for _ in range(ROUNDS):
        said |= set(await kill(location, start, chance.randint(1, 40)))
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
