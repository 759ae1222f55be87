"""How many tasks live, and how they end: one tiny run of each way."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.footprint import tasks
from benchmarks.footprint.bench_cancelling import begun, cancelled


@pytest.mark.parametrize(("way", "least", "most"), [("fetch", 3, 8), ("gather", 40, 40), ("workers", 3, 3)])
async def test_tasks_are_counted(way: str, least: int, most: int) -> None:
    """A task a day, or a few for all of them; the caller does not count."""
    assert least <= await tasks.most(tasks.WORKS[way], 40, 3) <= most


@pytest.mark.parametrize("way", tasks.WORKS)
async def test_cancelling_leaves_nothing(way: str) -> None:
    """The work is cut off in its midst, and nothing of it is left."""
    task = await begun(tasks.WORKS[way], 1_000)
    await cancelled(task)
    assert len(asyncio.all_tasks()) == 1
