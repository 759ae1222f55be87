"""A plain client on the key of an account: it keeps the limits of the key, and has the same days."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Client, DateRange, Plan
from hourlyclicks.store.opening import open_store
from tests.fleet.fleets import DAYS, END, KEYS, START, Fleet, job, link, named
from tests.fleet.test_held_accounts import run

if TYPE_CHECKING:
    from hourlyclicks.fleet import FleetReport
    from hourlyclicks.model.report import BackfillReport

LONG_AGO = "2024-02-10"


async def backfill(fleet: Fleet, start: str = START) -> BackfillReport:
    """Fetch the days of the first account with its key, which is all that the client knows of the account."""
    async with Client(
        KEYS[named(0)],
        plan=Plan.BUSINESS,
        timezone="UTC",
        store=fleet.store,
        transport=fleet.upstream.transport(fleet.clock),
        clock=fleet.clock,
    ) as client:
        return await client.backfill(start, END, [link(0)])


def test_a_client_that_comes_later_asks_for_nothing_again() -> None:
    """It finds the account by the key."""
    fleet = Fleet(2)
    assert fleet.run().complete
    report = fleet.play(backfill(fleet))
    assert (report.reused, report.requests) == (DAYS, 0)


def test_what_a_client_has_stored_becomes_that_of_the_account() -> None:
    """The run asks for nothing that is there, and the store has one account a key."""
    fleet = Fleet(2)
    assert fleet.play(backfill(fleet)).done == DAYS
    report = fleet.run()
    assert (report.complete, report.reused, report.requests) == (True, DAYS, DAYS)
    assert fleet.wrong() == []

    async def count() -> int:
        async with open_store(fleet.store) as reader:
            return len(await reader.accounts())

    assert fleet.play(count()) == 2


@pytest.mark.parametrize("later", [0.0, 30.0])
@pytest.mark.parametrize("plain_first", [False, True])
def test_together_they_keep_the_limits_of_the_key(later: float, *, plain_first: bool) -> None:
    """Whichever begins first; no day is requested twice."""
    fleet = Fleet(1)

    async def both() -> tuple[FleetReport, BackfillReport]:
        runs = [run(fleet, [job(0, start=LONG_AGO)]), backfill(fleet, LONG_AGO)]
        tasks = []
        for each in reversed(runs) if plain_first else runs:
            tasks.append(asyncio.ensure_future(each))
            await fleet.clock.sleep(later)
        first, second = await asyncio.gather(*tasks)
        return (second, first) if plain_first else (first, second)

    of_fleet, of_client = fleet.play(both())
    assert of_fleet.complete
    assert of_client.complete
    counters = fleet.upstream.counters
    days = len(DateRange.of(LONG_AGO, END))
    assert (counters.over_limit, counters.requests) == (0, days)
    assert of_fleet.requests + of_client.requests == days
