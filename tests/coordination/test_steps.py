"""Steps of the shared limit whose results come late, or that fail because of a single day."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks import Client, Limits, Link, StoreError
from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.process_queue import SlotRequest
from hourlyclicks.coordination.registry import RunRegistry
from hourlyclicks.coordination.shared_backend import SharedBackend
from hourlyclicks.coordination.shared_state import SharedState
from hourlyclicks.coordination.steps import ArbiterSteps
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.pacing.window import Slot
from hourlyclicks.simulator import Simulator, run_virtual
from hourlyclicks.store.sqlite import SqliteStore

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from hourlyclicks.coordination.arbiter import Arbiter
    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.protocol import Change

R = TypeVar("R")
LINK = Link("x", "https://vvd.bz")


class LatePeeks(SqliteStore):
    """A store of which a look without a transaction brings its result late."""

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
        peek: bool = False,
    ) -> tuple[R, int]:
        """See `hourlyclicks.store.protocol.Store.pace`."""
        result = await super().pace(account, change, of=of, peek=peek)
        if peek:
            await self.shared_clock.clock.sleep(2.0)
        return result


class Waiting:
    """No task at all waits for a slot."""

    def serve(self) -> None:
        """Do nothing."""


class Pauses:
    """What a limiter is told of pauses."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def paused(self, _seconds: float) -> None:
        """Note it."""
        self.told.append("paused")

    def resumed(self) -> None:
        """Note it."""
        self.told.append("resumed")


def test_a_late_look_does_not_bring_an_older_state_back(path: Path) -> None:
    """A pause that began while the look was under way stays known, and is not reported as over."""

    async def main(clock: VirtualClock) -> None:
        store, pauses = LatePeeks(path, clock=clock), Pauses()

        async def account() -> int:
            return await store.account("me")

        steps = ArbiterSteps(
            Limits(rates=(Rate(9),)), shared=SharedState(store, account), clock=clock, lease=40 * SECOND
        )
        no_loop: Any = None  # no run is registered
        runs = RunRegistry(steps, no_loop, clock=clock)
        steps.attach(pauses, runs)  # type: ignore[arg-type]  # only what it is told of pauses
        request = SlotRequest("a", 1, 0, 1, 1, "", ("monday",))

        def rate_limited(arbiter: Arbiter, _: LedgerEntry | None) -> None:
            arbiter.rate_limited(request.name, 30.0, u=0.0, for_rate=True)

        assert isinstance(await steps.take(lambda arbiter, _: arbiter.reserve(request)), Slot)
        await clock.sleep(1.0)
        late = asyncio.create_task(steps.take(lambda *_: None, peek=True))
        await clock.sleep(1.0)
        await steps.take(rate_limited)
        assert steps.state.pause.held
        await late
        assert (steps.state.pause.held, pauses.told) == (True, ["paused"])
        await store.close()

    run_virtual(main)


class StuckPeeks(SqliteStore):
    """A store of which a look without a transaction never comes to an end."""

    async def pace(
        self,
        account: int,
        change: Change[R],
        *,
        of: tuple[Target, dt.date] | None = None,
        peek: bool = False,
    ) -> tuple[R, int]:
        """See `hourlyclicks.store.protocol.Store.pace`."""
        if peek:
            await asyncio.get_running_loop().create_future()
        return await super().pace(account, change, of=of, peek=peek)


def test_a_cancelled_look_hands_back_what_it_was_to_report(path: Path) -> None:
    """A response that was reported with it frees its slot with the next step, not with its lease."""

    async def main(clock: VirtualClock) -> None:
        store = StuckPeeks(path, clock=clock)
        backend = SharedBackend(
            Limits(rates=(Rate(9),)),
            shared=SharedState(store, lambda: store.account("me")),
            clock=clock,
            longest=30.0,
        )
        steps = backend._steps
        backend.attach(Waiting())  # type: ignore[arg-type]  # only what is called here
        request = SlotRequest(steps.holder, 1, 0, 1, 1, "", ("monday",))
        assert isinstance(await steps.take(lambda arbiter, _: arbiter.reserve(request)), Slot)
        steps.reports.append(lambda arbiter: arbiter.release(request.name, answered=True))
        backend._loop.look()
        await clock.sleep(0.5)
        assert not steps.reports
        for task in backend._loop._tasks:
            task.cancel()
        await clock.sleep(1.0)
        assert (steps.reports, steps.state.requests) == ([], {})
        await backend.close()
        await store.close()

    run_virtual(main)


def test_a_damaged_row_hits_only_its_own_request(path: Path) -> None:
    """The responses that are reported in the same step count, and the other calls are served."""
    upstream = Simulator(limits=(), concurrency=0, latency=(0.25, 0.25))

    async def main(clock: VirtualClock) -> None:
        store = SqliteStore(path, clock=clock)
        transport, limits = upstream.transport(clock), Limits(rates=(), concurrency=1)
        async with Client(
            upstream.key, limits=limits, transport=transport, clock=clock, store=store
        ) as client:
            await client.day("2020-01-02", LINK)
            with closing(sqlite3.connect(path)) as db, db:
                db.execute("UPDATE days SET state = 'provisional', fetched_at = 'damaged'")
            calls = [client.day(f"2020-01-0{day}", LINK, refresh=True) for day in (1, 2, 3)]
            began = clock.monotonic()
            first, damaged, last = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(damaged, StoreError)
            assert [getattr(day, "final", day) for day in (first, last)] == [True, True]
            assert clock.monotonic() - began < 5 * SECOND  # no lease had to expire
        await store.close()

    run_virtual(main)
