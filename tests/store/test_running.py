"""Running backfills in both kinds of stores."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks import Client, Limits, Link, StopReason
from hourlyclicks.clock import SECOND
from hourlyclicks.coordination import registry, running_backfills, stop_backfills
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.simulator import Simulator
from hourlyclicks.store import open_store
from tests.store.locations import SqliteLocation

if TYPE_CHECKING:
    import pytest

    from hourlyclicks.coordination import RunningBackfill
    from hourlyclicks.store import StoreReader
    from tests.store.locations import DatabaseLocation

LINK = Link("x", "https://vvd.bz")


async def wait_for_run(reader: StoreReader) -> tuple[RunningBackfill, ...]:
    """Return the running backfills as soon as there is one; each attempt reads the store."""
    while True:
        for account in await reader.accounts():
            if found := await running_backfills(account):
                return found


async def test_a_backfill_is_seen_and_stopped(
    location: SqliteLocation | DatabaseLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is opened read-only sees it; it is stopped through another one while it waits."""
    monkeypatch.setattr(registry, "LOOK_AFTER", SECOND // 100)
    where = location.path if isinstance(location, SqliteLocation) else location.dsn
    upstream, (store, _) = Simulator(limits=(), concurrency=0), await location.account()
    client = Client(
        upstream.key,
        limits=Limits(rates=(Rate(1, 3600.0),)),
        transport=upstream.transport(),
        store=store,
        account="mine",
    )
    async with open_store(where) as reader, client, asyncio.timeout(60):
        first, *_ = await reader.accounts()
        assert await running_backfills(first) == ()
        running = asyncio.create_task(client.backfill("2020-01-01", "2020-01-31", [LINK], name="nightly"))
        found = await wait_for_run(reader)
        assert [run.name for run in found] == ["nightly"]
        async with open_store(where, read_only=False) as writer:
            asked = await stop_backfills(await writer.account("mine"), name="nightly")
        assert [run.stopping for run in asked] == [True]
        report = await running
        assert report.stopped is StopReason.STOPPED
        assert report.done <= 1  # it may be seen before its first request
        await client.close()
        assert await running_backfills(await reader.account("mine")) == ()
