"""How many tasks there are, and how they end: one tiny run of each way."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.footprint import cancelling, tasks


@pytest.mark.parametrize(("way", "least", "most"), [("fetch", 3, 8), ("gather", 40, 40), ("workers", 3, 3)])
async def test_tasks_are_counted(way: str, least: int, most: int) -> None:
    """There is a task a day, or a few for all days; the fetching task does not count."""
    assert least <= await tasks.most(tasks.WORKS[way], 40, 3) <= most


def test_all_ways_and_concurrencies_are_counted() -> None:
    """The figures are by way, and then by concurrency."""
    counts = tasks.found(60)
    assert counts["workers"] == {str(concurrency): concurrency for concurrency in tasks.CONCURRENCIES}
    assert set(counts["gather"].values()) == {60}


def test_the_claim_is_about_the_worst_concurrency() -> None:
    """What counts is the distance from the concurrency."""
    counts = {"fetch": {"1": 3, "50": 57}, "gather": {"1": 60, "50": 60}, "workers": {"1": 1, "50": 50}}
    said = tasks.told(counts, 60)
    assert (said.claims[0].measured, said.claims[0].holds) == (7, False)
    assert said.tables[0].rows[1] == ("by hand, `gather`", "60", "60")


@pytest.mark.parametrize("way", tasks.WORKS)
async def test_cancelling_is_timed(way: str) -> None:
    """The work is cancelled in the middle, and nothing of it is left."""
    assert await cancelling.seconds(tasks.WORKS[way], 300) > 0
    assert len(asyncio.all_tasks()) == 1


def test_cancelling_takes_turns() -> None:
    """Each way has as many rounds."""
    assert {way: len(times) for way, times in cancelling.found(200, 2).items()} == dict.fromkeys(
        tasks.WORKS, 2
    )


def test_cancelling_is_held_to_its_worst_round() -> None:
    """One slow end misses the claim."""
    said = cancelling.told({"fetch": [0.001, 0.002, 0.5], "gather": [0.4], "workers": [0.001]}, 200)
    assert not said.claims[0].holds
    assert said.tables[0].rows[0] == ("`fetch`", "2.0", "500.0")
