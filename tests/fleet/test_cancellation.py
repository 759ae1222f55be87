"""Runs whose task is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.fleet.cancellation import stopping_when_cancelled
from hourlyclicks.model.fleet_report import FleetReport

REPORT = FleetReport(accounts=(), seconds=0.0)


async def test_a_run_that_ends_is_returned() -> None:
    """Nothing stops it."""
    stop = asyncio.Event()
    assert await stopping_when_cancelled(asyncio.sleep(0, REPORT), stop) is REPORT
    assert not stop.is_set()


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancellation_waits_for_the_end_of_the_run(*, fails: bool) -> None:
    """It is passed on when the run has ended, whatever came of it."""
    stop, ended = asyncio.Event(), asyncio.Event()

    async def run() -> FleetReport:
        await stop.wait()
        await asyncio.sleep(0)
        ended.set()
        if fails:
            raise StoreError("the disk is full")
        return REPORT

    task = asyncio.create_task(stopping_when_cancelled(run(), stop))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_second_cancellation_cancels_the_run() -> None:
    """Its requests in flight are abandoned then."""
    stop, cancelled = asyncio.Event(), asyncio.Event()

    async def run() -> FleetReport:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return REPORT

    task = asyncio.create_task(stopping_when_cancelled(run(), stop))
    await asyncio.sleep(0)
    task.cancel()
    await stop.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
