"""The store and the connections that the jobs of one process share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import UsageError
from hourlyclicks.errors import StoreError
from hourlyclicks.fleet import KeyRef
from hourlyclicks.fleet.common_resources import CommonResources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def common(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommonResources:
    """Return what is common to the jobs of a process with a new store."""
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path / "clicks.db"))
    return CommonResources(KeyRef.env("HOURLYCLICKS_STORE"))


async def test_they_are_opened_once_and_closed_after_the_last_job(
    common: CommonResources, tmp_path: Path
) -> None:
    """Each job that runs meanwhile has the same; a SQLite file has a log of its own only while it is open."""
    wal = tmp_path / "clicks.db-wal"
    async with common.used() as first:
        async with common.used() as second:
            assert second is first
        await first.store.accounts()
        assert wal.exists()
    assert not wal.exists()
    async with common.used() as third:
        assert third is not first
        await third.store.accounts()


async def test_a_job_that_is_cancelled_leaves_them_to_the_others(common: CommonResources) -> None:
    """Also while they are being opened."""

    async def use(done: asyncio.Event) -> None:
        async with common.used() as used:
            await done.wait()
            await used.store.accounts()

    done = asyncio.Event()
    first, second = asyncio.create_task(use(done)), asyncio.create_task(use(done))
    await asyncio.sleep(0)
    first.cancel()
    done.set()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_is_of_all_jobs_that_wait_and_of_no_later_one(
    common: CommonResources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The next job tries again."""

    async def use() -> None:
        async with common.used():
            pass

    monkeypatch.delenv("HOURLYCLICKS_STORE")
    found = await asyncio.gather(use(), use(), return_exceptions=True)
    assert [type(error) for error in found] == [UsageError, UsageError]
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path))
    with pytest.raises(StoreError):
        await use()
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path / "clicks.db"))
    await use()
