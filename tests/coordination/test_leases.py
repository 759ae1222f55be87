"""Leases of accounts on virtual time: one holder, the limits in its memory, and what comes after it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.coordination.leases import AccountLease
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.store.leases import StoredLease
from tests.coordination.leasing import OTHER, backfill, run_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.coordination.leasing import Process, World


async def state_of(process: Process) -> ArbiterState:
    """Return the shared state as it is stored."""
    (account,) = (await process.store.accounts()).values()

    def look(text: str | None, *_: object) -> tuple[None, str | None]:
        return None, text

    return ArbiterState.read((await process.store.pace(account, look))[0])


def test_a_holder_has_the_account_alone(path: Path) -> None:
    """A second process learns who has the account, and gets it when that was given back."""

    async def scenario(world: World) -> None:
        first, second = await world.process(), await world.process()
        lease = await first.hold()
        other = await second.take("mine")
        assert isinstance(other, StoredLease)
        assert (other.label, other.holder.name) == ("acme", first.leases.holder.name)
        assert 29 <= other.left <= 30
        await first.leases.release(lease)
        assert isinstance(await second.take(), AccountLease)

    run_world(path, scenario)


def test_a_backfill_within_a_lease_is_as_fast_as_alone(path: Path) -> None:
    """The limits in memory cost no time, and no transaction besides those of the days."""

    async def scenario(world: World) -> None:
        process = await world.process()
        client = await process.holding()
        report = await backfill(client, 45)
        assert report.complete
        assert world.now < 4 * 60.5 + 5

    run_world(path, scenario)


def test_the_next_holder_goes_on_where_the_last_one_stopped(path: Path) -> None:
    """After a full window and a release, the next holder waits for the window, and not longer."""

    async def scenario(world: World) -> None:
        first, second = await world.process(), await world.process()
        lease = await first.hold()
        async with await world.client(lease.store) as client:
            await backfill(client, 9)
        began = world.now
        await first.leases.release(lease)
        assert (await backfill(await second.holding(), 18)).complete
        assert 50 < world.now - began < 64

    run_world(path, scenario)


def test_a_plain_client_gets_its_share(path: Path) -> None:
    """A client without a lease asks the holder, both keep one limit, and the limits come back into memory."""

    async def scenario(world: World) -> None:
        process = await world.process()
        holder, plain = await process.holding(), await world.client(world.path)
        running = asyncio.ensure_future(backfill(holder, 60))
        await world.clock.sleep(70)
        assert (await state_of(process)).in_memory is not None
        began = world.now
        await plain.day("2020-01-01", OTHER)
        assert world.now - began < 130
        assert (await state_of(process)).in_memory is None
        await world.clock.sleep(100)
        assert (await state_of(process)).in_memory is not None
        assert (await running).complete

    run_world(path, scenario)
