from __future__ import annotations

import asyncio

import pytest

from hourlyclicks.store.shield import wait_shielded


async def answer() -> int:
    """Return after a turn of the loop."""
    await asyncio.sleep(0)
    return 42


async def fail() -> None:
    """Fail after a turn of the loop."""
    await asyncio.sleep(0)
    raise ZeroDivisionError


async def test_a_result_is_handed_on() -> None:
    """It is, and so is an error."""
    assert await wait_shielded(asyncio.create_task(answer())) == 42
    with pytest.raises(ZeroDivisionError):
        await wait_shielded(asyncio.create_task(fail()))


async def test_work_goes_on_without_its_caller() -> None:
    """The caller is cancelled at once."""
    job = asyncio.create_task(answer())
    caller = asyncio.create_task(wait_shielded(job))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await job == 42


async def test_work_may_be_cancelled_itself() -> None:
    """As an event loop does at its end."""
    job = asyncio.create_task(answer())
    caller = asyncio.create_task(wait_shielded(job))
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert job.cancelled()
