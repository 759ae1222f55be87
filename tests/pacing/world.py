"""What the tests of pacing share: scenarios on virtual time, and a limiter with its clock and events."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from typing import TYPE_CHECKING, Any, Self

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.events import Event
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.model.targets import Account, Query
from hourlyclicks.pacing.limiter import ANSWERED, SUCCEEDED, Limiter
from hourlyclicks.pacing.queue import Job, Lane
from hourlyclicks.pacing.window import Slot
from hourlyclicks.simulator.clock import VirtualClock, run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from hourlyclicks.pacing.breaker import Wait
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.window import SlidingWindow

S = SECOND


class NoJitter(random.Random):
    """Draws only the smallest number."""

    def random(self) -> float:
        """Return 0."""
        return 0.0


def virtual(scene: Callable[[VirtualClock], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Make a test of a scenario on virtual time."""

    def test() -> None:
        run_virtual(scene)

    test.__name__, test.__doc__ = scene.__name__, scene.__doc__
    return test


def taken(window: SlidingWindow, now: float) -> Slot:
    """Take a slot that must be free, at a moment in seconds."""
    got = window.reserve(round(now * S))
    assert isinstance(got, Slot)
    return got


def must_wait(window: SlidingWindow, now: float) -> Wait:
    """Ask for a slot that must not be free, at a moment in seconds."""
    got = window.reserve(round(now * S))
    assert not isinstance(got, Slot)
    return got


def task_for(job: Job) -> FetchTask:
    """Return a task of a job; which day it is for does not matter here."""
    return FetchTask(Caller(job), Query(dt.date(2025, 4, 20), Account()))


async def settle() -> None:
    """Run the event loop a few times."""
    for _ in range(5):
        await asyncio.sleep(0)


@attrs.define
class World:
    """A limiter, its clock, and all events it emitted."""

    clock: VirtualClock
    limiter: Limiter
    events: list[Event]

    @classmethod
    def of(cls, clock: VirtualClock, limits: Limits) -> Self:
        """Create one without jitter."""
        events: list[Event] = []
        return cls(clock, Limiter(limits, clock=clock, emit=events.append, random=NoJitter()), events)

    @property
    def now(self) -> float:
        """The time passed in seconds."""
        return self.clock.monotonic() / S

    async def slots(self, number: int) -> list[Slot]:
        """Take some slots that are free, each for a job of its own."""
        return [await self.limiter.acquire(task_for(Job(Lane.INTERACTIVE))) for _ in range(number)]

    def waiter(self, job: Job | None = None) -> asyncio.Task[Slot]:
        """Let a task wait for a slot."""
        return asyncio.create_task(self.limiter.acquire(task_for(job or Job(Lane.INTERACTIVE))))

    async def ask(self, job: Job, latency: float = 0.2) -> float:
        """Send one request that is answered; return when it was sent."""
        slot = await self.limiter.acquire(task_for(job))
        sent = self.now
        await self.clock.sleep(latency)
        self.limiter.finish(slot, ANSWERED)
        return sent


async def succeed(world: World) -> None:
    """Let an interactive request be answered with figures."""
    slot = await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
    world.limiter.finish(slot, SUCCEEDED)
