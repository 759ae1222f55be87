"""What days take on the disk, and how many commits a second the disk allows."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import asyncpg

from benchmarks.scale import database
from hourlyclicks import DayClicks
from hourlyclicks.clock import SystemClock
from hourlyclicks.simulator.traffic import Traffic
from hourlyclicks.store.postgres import PostgresStore

if TYPE_CHECKING:
    from benchmarks.scale.scene import Scene

WRITERS = 8
_SIZES = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS whole,
        coalesce(sum(pg_indexes_size(c.oid)), 0)::bigint AS indexes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'hourlyclicks' AND c.relkind = 'r'
"""


async def sizes(dsn: str, scene: Scene) -> tuple[float, float]:
    """Put the days of a scene into an empty database, and see how it grows.

    Returns:
        The bytes by which a day lets tables and indexes grow, and those of the indexes alone.
    """
    store, db, asked = PostgresStore(dsn), await asyncpg.connect(dsn), SystemClock().wall()
    traffic, first = Traffic(), scene.accounts // 4
    small = large = (0, 0)
    for number, member in enumerate(scene.members(), start=1):
        account = await store.account(member.name)
        for date in scene.range:
            clicks, users = zip(*traffic.day(member.link, date), strict=True)
            day = DayClicks(date, clicks, users, asked, final=True)
            await store.put(account, member.link, day, requests=1)
        large = tuple(await db.fetchrow(_SIZES) or large)
        small = large if number <= first else small
    await store.close()
    await db.close()
    days = (scene.accounts - first) * scene.days
    whole, indexes = ((after - before) / days for before, after in zip(small, large, strict=True))
    return whole, indexes


async def commits(dsn: str, seconds: float) -> float:
    """Return how many commits a second the disk allows, from several connections with a small row each."""
    connections = [await asyncpg.connect(dsn) for _ in range(WRITERS)]
    await connections[0].execute("CREATE TABLE written (writer integer, number integer)")
    until = time.monotonic() + seconds

    async def write(writer: int) -> int:
        db, number = connections[writer], 0
        while not number or time.monotonic() < until:
            await db.execute("INSERT INTO written VALUES ($1, $2)", writer, number)
            number += 1
        await db.close()
        return number

    return sum(await asyncio.gather(*map(write, range(WRITERS)))) / seconds


def measured(scene: Scene, *, seconds: float) -> tuple[float, float, float]:
    """Return the bytes of a day, those of its indexes, and the commits a second of the disk.

    Raises:
        RuntimeError: PostgreSQL is not installed.
    """
    with database.server() as postgres:
        if postgres is None:
            raise RuntimeError("there is no PostgreSQL on this machine")
        whole, indexes = asyncio.run(sizes(asyncio.run(postgres.new_database()), scene))
        return whole, indexes, asyncio.run(commits(asyncio.run(postgres.new_database()), seconds))
