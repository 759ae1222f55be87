"""The leases of several runs of one process in one store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import UsageError
from hourlyclicks.clock import SystemClock
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.fleet.shared_leases import _IN_USE, shared_in
from hourlyclicks.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


def name_of(_: bytes) -> str:
    """Return the name of an account in the store."""
    return "0" * 32


async def test_runs_in_one_store_hold_their_leases_together(path: Path) -> None:
    """They are one holder, and the last one gives back what is still held."""
    async with SqliteStore(path) as store, SqliteStore(path) as other:
        clock = SystemClock()
        async with shared_in(store, clock) as first:
            async with shared_in(store, clock) as second, shared_in(other, clock) as third:
                assert second is first
                assert third is not first
            lease = await first.leases.take(name_of, "acme")
            assert isinstance(lease, AccountLease)
            assert [found.left > 0 for found in await store.leases()] == [True]
        assert [found.left > 0 for found in await store.leases() if found.holder.name] == []
        async with shared_in(store, clock) as again:
            assert again is not first
    assert _IN_USE == {}


async def test_runs_in_two_threads_do_not_share_what_belongs_to_an_event_loop(path: Path) -> None:
    """The renewal of one would end with the other; the store itself serves both."""
    async with SqliteStore(path) as store, shared_in(store, SystemClock()) as first:

        async def other() -> None:
            async with shared_in(store, SystemClock()) as second:
                assert second is not first
                assert isinstance(await second.leases.take(name_of, "acme"), AccountLease)

        await asyncio.to_thread(asyncio.run, other())
        assert isinstance(await first.leases.take(name_of, "acme"), AccountLease)
    assert _IN_USE == {}


async def test_a_store_without_leases_is_an_error() -> None:
    """And leaves nothing behind."""
    with pytest.raises(UsageError, match="keeps no leases"):
        async with shared_in(object(), SystemClock()):  # type: ignore[arg-type]  # the mistake
            pass
    assert _IN_USE == {}
