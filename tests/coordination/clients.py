"""Several clients with one key and one store on virtual time, each in the role of a process."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs

from hourlyclicks import Client, DateRange, Limits, Link, Plan
from hourlyclicks.clock import SECOND
from hourlyclicks.events import Event
from hourlyclicks.model.report import BackfillReport
from hourlyclicks.simulator import Simulator, VirtualClock, run_virtual
from hourlyclicks.store import MemoryStore
from hourlyclicks.transport.protocol import Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from hourlyclicks.simulator import Policing

JITTER = (0.005, 0.3)
MONTH = ("2020-01-01", "2020-01-31")
START = "2020-01-01"
PLANS = (Plan.PERSONAL, Plan.BUSINESS, Plan.ENTERPRISE)


@attrs.define
class Member:
    """One of several clients, and what became of it."""

    client: Client
    events: list[Event]
    link: Link
    report: BackfillReport | None = None
    ended: float = 0.0

    def count(self, kind: type) -> int:
        """Count the events of a kind."""
        return sum(isinstance(event, kind) for event in self.events)


@attrs.define
class Fleet:
    """Clients with one key on one store."""

    store: Path | MemoryStore
    clock: VirtualClock
    transport: Callable[[], Transport]
    limits: Limits
    key: str
    members: list[Member] = attrs.Factory(list)

    def join(
        self,
        limits: Limits | None = None,
        link: Link | None = None,
        *,
        endpoint: Literal["v2", "v3", "auto"] = "v2",
    ) -> Member:
        """Start another client; it has a target of its own unless one is given."""
        number = len(self.members)
        events: list[Event] = []
        client = Client(
            self.key,
            limits=limits or self.limits,
            transport=self.transport(),
            clock=self.clock,
            random=random.Random(number),
            store=self.store,
            endpoint=endpoint,
            on_event=events.append,
        )
        member = Member(client, events, link or Link(f"x{number}", "https://vvd.bz"))
        self.members.append(member)
        return member

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.clock.monotonic() / SECOND

    async def backfill(self, member: Member, days: int, **asks: Any) -> None:  # noqa: ANN401 - arguments of a backfill
        """Let a member fetch so many days, and close it."""
        end = DateRange.of(START, "2025-01-01")[days - 1]
        member.report = await member.client.backfill(START, end, [member.link], **asks)
        member.ended = self.now
        await member.client.close()


def run_clients(
    store: Path | MemoryStore,
    upstream: Simulator,
    limits: Limits,
    scenario: Callable[[Fleet], Awaitable[None]],
) -> Fleet:
    """Run a scenario with some clients and a simulator that counts."""

    async def main(clock: VirtualClock) -> Fleet:
        fleet = Fleet(store, clock, lambda: upstream.transport(clock), limits, upstream.key)
        try:
            await scenario(fleet)
        finally:
            for member in fleet.members:
                await member.client.close()
        return fleet

    return run_virtual(main)


def served_by(plan: Plan, policing: Policing = "sliding_log") -> Simulator:
    """Return a server that counts with an algorithm."""
    name = plan.value.lower().replace(" ", "_")
    return Simulator(plan=name, policing=policing, latency=JITTER, charge_refused=True)
