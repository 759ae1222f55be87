"""Kill who writes to a store, at random moments."""

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
from tests.store.keeper import ME, final, provisional
from tests.store.places import FilePlace, ServerPlace

if TYPE_CHECKING:
    from tests.store.places import Place

ROOT = Path(__file__).parents[2]
ROUNDS = 10
NUMBER = 100_000
"""More days than are kept in a round."""


def where(place: Place) -> str:
    """Return what opens a store there."""
    if isinstance(place, FilePlace):
        return str(place.path)
    assert isinstance(place, ServerPlace)
    return place.dsn


async def kill(place: Place, start: dt.date, lines: int) -> list[dt.date]:
    """Let a process keep days until some lines came, kill it, and return the days it said it had kept."""
    arguments = ("-m", "tests.store.keeper", where(place), str(start), str(NUMBER))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    rest, _ = await process.communicate()
    whole = [*said, *[line for line in rest.splitlines(keepends=True) if line.endswith(b"\n")]]
    return [dt.date.fromisoformat(line.decode().strip()) for line in whole]


async def test_who_is_killed_has_lost_nothing_that_was_kept(place: Place) -> None:
    """After each of many kills, every day that was said to be kept is there whole, and no half day is."""
    chance = random.Random(7)
    said: set[dt.date] = set()
    start = FIRST
    for _ in range(ROUNDS):
        said |= set(await kill(place, start, chance.randint(1, 40)))
        start = max(said) + dt.timedelta(days=1)
        store, account = await place.account()
        known = {
            day.date: day for day in await store.read(account, ME, DateRange(FIRST, FIRST.replace(year=2400)))
        }
        assert said <= known.keys()
        assert [date for date in said if known[date] != final(date)] == []
        halves = [day for date, day in known.items() if day not in {final(date), provisional(date)}]
        assert halves == []
        await store.close()
    assert len(said) >= ROUNDS
