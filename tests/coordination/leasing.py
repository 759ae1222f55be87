"""Processes that hold leases on virtual time: each has its `Leases`, and clients within them."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks import Client, DateRange, Limits, Link
from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.leases import AccountLease, Leases
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.simulator import Simulator, VirtualClock, run_virtual
from hourlyclicks.store.sqlite import SqliteStore
from hourlyclicks.wire.key import ApiKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.store.leases import StoredLease

START = "2020-01-01"
LIMITS = Limits(rates=(Rate(9, 60.0),), concurrency=2, guard=0.0)
LINK = Link("kYdr", "https://vvd.bz")
OTHER = Link("x", "https://vvd.bz")


@attrs.define
class World:
    """A server, a file, a clock, and what uses them."""

    upstream: Simulator
    path: Path
    clock: VirtualClock
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
            transport=self.upstream.transport(self.clock),
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
) -> Simulator:
    """Run a scenario, and return the server, which has counted no request over the limits."""
    rates = tuple((rate.requests, rate.seconds) for rate in limits.rates)
    upstream = Simulator(limits=rates, concurrency=limits.concurrency, latency=latency, charge_refused=True)

    async def main(clock: VirtualClock) -> None:
        async with AsyncExitStack() as ends:
            await scenario(World(upstream, path, clock, limits, ends))

    run_virtual(main)
    assert (upstream.counters.over_limit, upstream.counters.over_concurrency) == (0, 0)
    return upstream
