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


async def test_further_cancellations_wait_as_well() -> None:
    """A Dask worker that shuts down cancels its tasks twice."""
    stop, go, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run() -> FleetReport:
        await go.wait()
        ended.set()
        return REPORT

    task = asyncio.create_task(stopping_when_cancelled(run(), stop))
    await asyncio.sleep(0)
    task.cancel()
    await stop.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_run_that_is_cancelled_itself_is_over() -> None:
    """As at the end of an event loop, which cancels all tasks."""
    stop = asyncio.Event()
    begun: list[asyncio.Task[object] | None] = []

    async def run() -> FleetReport:
        begun.append(asyncio.current_task())
        await asyncio.Event().wait()
        return REPORT

    task = asyncio.create_task(stopping_when_cancelled(run(), stop))
    await asyncio.sleep(0)
    task.cancel()
    await stop.wait()
    (work,) = begun
    assert work is not None
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
