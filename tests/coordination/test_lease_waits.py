"""The argument `wait` of calls within a lease, and of those of a plain client beside one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import RateLimitedError
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.store.leases import LIFE, RENEWALS
from tests.coordination.leasing import LINK, START, backfill, break_renewal, run_world

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from tests.coordination.leasing import World

FIRST = dt.date.fromisoformat(START)


def to(days: int) -> dt.date:
    """Return the last of so many days."""
    return FIRST + dt.timedelta(days - 1)


async def delay_of(call: Awaitable[object]) -> float:
    """Return the seconds by which a call that must be rejected with ``wait=0`` would be delayed."""
    with pytest.raises(RateLimitedError) as caught:
        await call
    assert caught.value.retry_after is not None
    return caught.value.retry_after


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a path for a store."""
    return tmp_path / "clicks.db"


def test_a_holder_knows_its_own_requests(path: Path) -> None:
    """Nine a minute are let through; the tenth is rejected, and sent when it was said to be possible."""

    async def scenario(world: World) -> None:
        client = await (await world.process()).holding()
        await client.fetch(START, to(9), LINK, wait=0)
        began = world.now
        later = await delay_of(client.day(to(10), LINK, wait=0))
        assert world.now == began
        await world.clock.sleep(later - 0.01)
        assert 0 < await delay_of(client.day(to(10), LINK, wait=0)) <= 0.011
        await client.day(to(10), LINK, wait=0.02)
        assert world.now - began < 61

    assert run_world(path, scenario).counters.requests == 10


def test_the_next_holder_knows_those_of_the_one_before(path: Path) -> None:
    """Its first call looks at what was written down when that one gave the lease back."""

    async def scenario(world: World) -> None:
        process = await world.process()
        lease = await process.hold()
        client = await world.client(lease.store)
        await backfill(client, 9)
        await client.close()
        await process.leases.release(lease)
        began = world.now
        client = await (await world.process()).holding()
        later = await delay_of(client.day(to(10), LINK, wait=0))
        assert world.now == began
        await client.day(to(10), LINK, wait=later)
        assert world.now - began < later + 1

    assert run_world(path, scenario).counters.requests == 10


def test_after_a_holder_that_was_killed_the_worst_is_assumed(path: Path) -> None:
    """It may have sent all that is allowed until its lease ended."""

    async def scenario(world: World) -> None:
        process = await world.process()
        await backfill(await world.client((await process.hold()).store), 1)
        break_renewal(process)
        heir = await world.process()
        while not isinstance(lease := await heir.take(), AccountLease):
            await world.clock.sleep(1)
        client = await world.client(lease.store)
        began = world.now
        assert 55 < await delay_of(client.day(to(10), LINK, wait=0)) <= 60
        assert world.now == began

    assert run_world(path, scenario).counters.requests == 1


def test_a_plain_client_beside_a_holder_does_not_wait_either(path: Path) -> None:
    """What the holder has in memory is unknown: the call is rejected until the holder has shared it."""

    async def scenario(world: World) -> None:
        holder = await (await world.process(LIFE)).holding()
        await backfill(holder, 9)
        plain = await world.client((await world.process(LIFE)).store)
        began = world.now
        later = await delay_of(plain.day(to(10), LINK, wait=0))
        assert (world.now, later) == (began, LIFE / RENEWALS)
        await world.clock.sleep(later + 1)
        assert 45 < await delay_of(plain.day(to(10), LINK, wait=0)) < 55
        assert 45 < await delay_of(holder.day(to(10), LINK, wait=0)) < 55

        await world.clock.sleep(90)
        await holder.day(to(10), LINK)  # alone for long, it takes the limits back into its memory
        assert await delay_of(plain.day(to(11), LINK, wait=0)) == later
        await world.clock.sleep(later + 1)
        await plain.day(to(11), LINK, wait=0)

    assert run_world(path, scenario).counters.requests == 11


def test_a_plain_client_knows_at_once_that_the_holder_was_killed(path: Path) -> None:
    """Its first call ends the lease, and is told how long the windows are full because of it."""

    async def scenario(world: World) -> None:
        process = await world.process(LIFE)
        await backfill(await process.holding(), 1)
        break_renewal(process)
        await world.clock.sleep(LIFE + 1)
        plain = await world.client((await world.process(LIFE)).store)
        assert 55 < await delay_of(plain.day(to(2), LINK, wait=0)) <= 60

    assert run_world(path, scenario).counters.requests == 1


def test_a_second_close_writes_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A client that is closed within its ``async with`` block logs no warning when the block ends."""

    async def scenario(world: World) -> None:
        async with await (await world.process()).holding() as client:
            await backfill(client, 1)
            await client.close()

    run_world(path, scenario)
    assert "could not be written down" not in caplog.text
