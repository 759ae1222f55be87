"""Processes that hold leases on virtual time: each has its `Leases`, and clients within them."""

from __future__ import annotations

import datetime as dt
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks import Client, DateRange, Limits, Link
from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.coordination.leases import Leases
from hourlyclicks.errors import StoreError
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.simulator import Simulator, run_virtual
from hourlyclicks.store.sqlite import SqliteStore
from hourlyclicks.wire.key import ApiKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.simulator import VirtualClock
    from hourlyclicks.store.leases import Renewal, StoredLease

START = "2020-01-01"
LIMITS = Limits(rates=(Rate(9, 60.0),), concurrency=2, guard=0.0)
LINK = Link("kYdr", "https://vvd.bz")
OTHER = Link("x", "https://vvd.bz")


class SteppedClock:
    """A virtual clock whose wall time can be set, as when a machine was suspended.

    Args:
        clock: the clock.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.virtual = clock
        self.monotonic = clock.monotonic
        self.sleep = clock.sleep
        self.call_later = clock.call_later
        self._ahead = dt.timedelta()

    def wall(self) -> dt.datetime:
        """See `hourlyclicks.clock.Clock.wall`."""
        return self.virtual.wall() + self._ahead

    def step(self, seconds: float) -> None:
        """Set the wall time ahead, or back."""
        self._ahead += dt.timedelta(seconds=seconds)


@attrs.define
class World:
    """A server, a file, a clock, and what uses them."""

    upstream: Simulator
    path: Path
    clock: SteppedClock
    limits: Limits
    ends: AsyncExitStack

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.clock.monotonic() / SECOND

    async def process(self, life: float = 30.0) -> Process:
        """Start what stands for a process."""
        store = await self.ends.enter_async_context(SqliteStore(self.path, clock=self.clock))
        leases = await self.ends.enter_async_context(Leases(store, clock=self.clock, life=life))
        return Process(self, store, leases)

    async def client(self, store: Any, **options: Any) -> Client:  # noqa: ANN401 - arguments of a client
        """Make a client, within a lease or without."""
        client = Client(
            self.upstream.key,
            limits=self.limits,
            transport=self.upstream.transport(self.clock.virtual),
            clock=self.clock,
            random=random.Random(1),
            store=store,
            **options,
        )
        return await self.ends.enter_async_context(client)


@attrs.define
class Process:
    """What stands for a process: a store and its leases."""

    world: World
    store: SqliteStore
    leases: Leases

    async def take(self, label: str = "acme") -> AccountLease | StoredLease:
        """Try to take the lease of the account."""
        return await self.leases.take(ApiKey(self.world.upstream.key).fingerprint, label)

    async def hold(self, label: str = "acme") -> AccountLease:
        """Take the lease of the account, which must be free."""
        lease = await self.take(label)
        assert isinstance(lease, AccountLease)
        return lease

    async def holding(self, **options: Any) -> Client:  # noqa: ANN401 - arguments of a client
        """Make a client within the lease of the account, which must be free."""
        return await self.world.client((await self.hold()).store, **options)


async def backfill(client: Client, days: int, link: Link = LINK) -> BackfillReport:
    """Fetch so many days."""
    return await client.backfill(START, DateRange.of(START, "2025-01-01")[days - 1], [link])


def run_world(
    path: Path,
    scenario: Callable[[World], Awaitable[None]],
    limits: Limits = LIMITS,
    latency: tuple[float, float] = (0.005, 0.3),
    **server: Any,  # noqa: ANN401 - arguments of a simulator
) -> Simulator:
    """Run a scenario, and return the server, which has counted no request over the limits."""
    rates = tuple((rate.requests, rate.seconds) for rate in limits.rates)
    upstream = Simulator(
        limits=rates, concurrency=limits.concurrency, latency=latency, charge_refused=True, **server
    )

    async def main(clock: VirtualClock) -> None:
        async with AsyncExitStack() as ends:
            await scenario(World(upstream, path, SteppedClock(clock), limits, ends))

    run_virtual(main)
    assert (upstream.counters.over_limit, upstream.counters.over_concurrency) == (0, 0)
    return upstream


def break_renewal(process: Process) -> None:
    """Let no lease of a process be renewed from now on: its store cannot be reached for that."""

    async def fail(*_: object) -> list[Renewal]:
        raise StoreError("it cannot be reached")

    process.store.renew_leases = fail  # type: ignore[method-assign, assignment]  # a fault


def mend_renewal(process: Process) -> None:
    """End that, and try it at once."""
    del process.store.renew_leases
    process.leases.renewal.hurry()
