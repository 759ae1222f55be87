"""Accounts with a key and a link each, against one simulator on the virtual clock."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from hourlyclicks import Link, Plan
from hourlyclicks.events import Event
from hourlyclicks.fleet import AccountJob, KeyRef, run_jobs
from hourlyclicks.simulator import Simulator, VirtualClock, VirtualEventLoop
from hourlyclicks.store import MemoryStore
from hourlyclicks.store.opening import open_store
from tests.truths import differences

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    from hourlyclicks.fleet import FleetReport

T = TypeVar("T")

NOW = dt.datetime(2024, 3, 10, 12, tzinfo=dt.UTC)
START, END = "2024-03-01", "2024-03-03"
DAYS = 3
KEYS: dict[str, str] = {}
"""The keys of the accounts by their names, for `key_of`."""


def key_of(name: str) -> str:
    """Return the key of an account, as a function of a user's vault does."""
    return KEYS[name]


def named(number: int) -> str:
    """Return the name of an account."""
    return f"account-{number}"


def link(number: int) -> Link:
    """Return the link of an account."""
    return Link(f"link{number}", "https://vvd.bz")


def job(number: int, **changes: Any) -> AccountJob:  # noqa: ANN401 - arguments of a job
    """Return the job of an account: three days of its link."""
    name = named(number)
    arguments: dict[str, Any] = {
        "key": KeyRef.call(f"{__name__}:key_of", name),
        "plan": Plan.BUSINESS,
        "targets": [link(number)],
        "start": START,
        "end": END,
    }
    return AccountJob(name, **(arguments | changes))


@attrs.define
class Fleet:
    """Accounts, the simulator that knows their keys, and what came of their runs.

    Args:
        size: how many accounts there are.
        options: those of the simulator.
    """

    size: int
    options: dict[str, Any] = attrs.field(factory=dict)
    upstream: Simulator = attrs.field(init=False)
    events: list[Event] = attrs.field(factory=list, init=False)
    clock: VirtualClock = attrs.field(factory=lambda: VirtualClock(NOW), init=False)
    store: MemoryStore = attrs.field(
        default=attrs.Factory(lambda self: MemoryStore(clock=self.clock), takes_self=True), init=False
    )

    def __attrs_post_init__(self) -> None:
        keys = {named(number): f"simulated-key-{number:06}" for number in range(self.size)}
        KEYS.clear()
        KEYS.update(keys)
        defaults = {"latency": (0.05, 0.3), "timezone": "UTC"}
        self.upstream = Simulator(keys=dict.fromkeys(keys.values(), "business"), **(defaults | self.options))

    @property
    def jobs(self) -> list[AccountJob]:
        """The jobs of all accounts."""
        return [job(number) for number in range(self.size)]

    def run(
        self,
        jobs: Iterable[AccountJob] | None = None,
        *,
        meanwhile: Callable[[VirtualClock], Awaitable[Any]] | None = None,
        store: Any = None,  # noqa: ANN401 - what `run_jobs` takes
        **options: Any,  # noqa: ANN401 - arguments of `run_jobs`
    ) -> FleetReport:
        """Run the jobs, in a store in memory if no other is given; something may happen meanwhile."""
        clock = self.clock

        async def main() -> FleetReport:
            other = asyncio.ensure_future(meanwhile(clock)) if meanwhile is not None else None
            report = await run_jobs(
                self.jobs if jobs is None else jobs,
                store=store or self.store,
                transport=self.upstream.transport(clock),
                clock=clock,
                random=random.Random(1),
                timezone="UTC",
                on_event=self.events.append,
                **options,
            )
            if other is not None:
                other.cancel()
            return report

        return self.play(main())

    async def one(self, jobs: Iterable[AccountJob], **options: Any) -> FleetReport:  # noqa: ANN401 - of `run_jobs`
        """Run some jobs beside others, within `play`."""
        return await run_jobs(
            jobs,
            store=self.store,
            transport=self.upstream.transport(self.clock),
            clock=self.clock,
            random=random.Random(1),
            timezone="UTC",
            **options,
        )

    def play(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the clock of the fleet."""
        with asyncio.Runner(loop_factory=lambda: VirtualEventLoop(self.clock)) as runner:
            return runner.run(main)

    def wrong(self, accounts: Iterable[int] | None = None) -> list[object]:
        """Return every cell of the accounts in the store in memory that differs from the simulator's."""

        async def read() -> list[object]:
            found: list[object] = []
            async with open_store(self.store) as reader:
                for number in range(self.size) if accounts is None else accounts:
                    account = await reader.account(named(number))
                    series = await account.series(START, END, link(number))
                    found += [(number, *cell) for cell in differences(series, self.upstream)]
            return found

        return self.play(read())


def states(report: FleetReport) -> dict[str, str]:
    """Return the state of each account that is not complete."""
    return {each.name: each.state.value for each in report.incomplete_accounts}
