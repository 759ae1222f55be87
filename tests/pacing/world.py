"""What the tests of pacing share: scenes on virtual time, and a limiter with somebody to talk to."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from typing import TYPE_CHECKING, Any, Self, TypeVar

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import Arbiter, SlotRequest
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.events import Event
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.model.targets import Account, Query
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.limiter import ANSWERED, SUCCEEDED, Limiter
from hourlyclicks.pacing.plans import Limits
from hourlyclicks.pacing.queue import Job, Lane
from hourlyclicks.pacing.window import Slot
from hourlyclicks.simulator.clock import VirtualClock, run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from hourlyclicks.coordination.arbiter import Taken
    from hourlyclicks.pacing.window import SlidingWindow

T = TypeVar("T")
S = SECOND
LEASE = 40


class NoJitter(random.Random):
    """Draws nothing but the smallest number."""

    def random(self) -> float:
        """Return 0."""
        return 0.0


def virtual(scene: Callable[[VirtualClock], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Make a test of a scene that plays on virtual time."""

    def test() -> None:
        run_virtual(scene)

    test.__name__, test.__doc__ = scene.__name__, scene.__doc__
    return test


def taken(window: SlidingWindow, now: float) -> Slot:
    """Take a place that must be free, at a moment in seconds."""
    got = window.reserve(round(now * S))
    assert isinstance(got, Slot)
    return got


def refused(window: SlidingWindow, now: float) -> Wait:
    """Ask for a place that must not be free, at a moment in seconds."""
    got = window.reserve(round(now * S))
    assert not isinstance(got, Slot)
    return got


def task_for(job: Job) -> FetchTask:
    """Return a task of a job; which day it is for does not matter here."""
    return FetchTask(Caller(job), Query(dt.date(2025, 4, 20), Account()))


async def settle() -> None:
    """Let everybody who is ready have several turns."""
    for _ in range(5):
        await asyncio.sleep(0)


@attrs.define
class World:
    """A limiter, its clock, and all events it told of."""

    clock: VirtualClock
    limiter: Limiter
    events: list[Event]

    @classmethod
    def of(cls, clock: VirtualClock, limits: Limits) -> Self:
        """Make a world without chance."""
        events: list[Event] = []
        return cls(clock, Limiter(limits, clock=clock, emit=events.append, random=NoJitter()), events)

    @property
    def now(self) -> float:
        """The time passed in seconds."""
        return self.clock.monotonic() / S

    async def slots(self, number: int) -> list[Slot]:
        """Take some slots that are free, each for a call of its own."""
        return [await self.limiter.acquire(task_for(Job(Lane.INTERACTIVE))) for _ in range(number)]

    def waiter(self, call: Job | None = None) -> asyncio.Task[Slot]:
        """Let somebody wait for a slot."""
        return asyncio.create_task(self.limiter.acquire(task_for(call or Job(Lane.INTERACTIVE))))

    async def ask(self, call: Job, latency: float = 0.2) -> float:
        """Send one request that is answered; return when it was sent."""
        slot = await self.limiter.acquire(task_for(call))
        sent = self.now
        await self.clock.sleep(latency)
        self.limiter.finish(slot, ANSWERED)
        return sent


async def succeed(world: World) -> None:
    """Let an interactive request be answered with figures."""
    slot = await world.limiter.acquire(task_for(Job(Lane.INTERACTIVE)))
    world.limiter.finish(slot, SUCCEEDED)


@attrs.define
class Booth:
    """A turnstile without a store: a book as text, steps at moments in seconds, and some processes.

    Attributes:
        limits: the limits of whoever comes.
        text: the book as it is kept.
        written: how often it was written.
    """

    limits: Limits
    text: str | None = None
    written: int = 0
    _asked: int = 0

    def step(self, at: float, act: Callable[[Arbiter], T]) -> T:
        """Take a step as a store does."""
        arbiter = Arbiter(self.limits, self.state, now=round(at * S), lease=LEASE * S)
        result = act(arbiter)
        state = arbiter.close()
        if arbiter.changed:
            self.text = state.write()
            self.written += 1
        return result

    @property
    def state(self) -> ArbiterState:
        """The book as somebody reads it."""
        return ArbiterState.read(self.text)

    def ask(self, at: float, holder: str, what: str | None = None, **more: Any) -> Slot | Wait | Taken:  # noqa: ANN401 - the rest of an applicant
        """Ask for a place for a day, each time another unless told otherwise."""
        self._asked += 1
        given: dict[str, Any] = {"lane": 0, "waiting": 1, "unsent": 1, "job": ""} | more
        who = SlotRequest(holder, self._asked, what=what or f"day {self._asked}", **given)
        return self.step(at, lambda arbiter: arbiter.reserve(who))

    def given(self, at: float, holder: str, what: str | None = None, **more: Any) -> Slot:  # noqa: ANN401 - the rest of an applicant
        """Take a place that must be free."""
        got = self.ask(at, holder, what, **more)
        assert isinstance(got, Slot)
        return got

    def held(self, at: float, holder: str, what: str | None = None, **more: Any) -> float | None:  # noqa: ANN401 - the rest of an applicant
        """Ask for a place that must not be free; return when to ask again, in seconds."""
        got = self.ask(at, holder, what, **more)
        assert isinstance(got, Wait)
        return None if got.until is None else got.until / S

    def release(self, at: float, slot: Slot, *, answered: bool = True) -> None:
        """Let a response come."""
        self.step(at, lambda arbiter: arbiter.release(slot.id, answered=answered))

    def refuse(self, at: float, slot: Slot, retry_after: float | None = None) -> float | None:
        """Let a request be refused; return the seconds of the pause if that begins one."""
        refusal = self.step(at, lambda arbiter: arbiter.refused(slot.id, retry_after, u=0.0, for_rate=True))
        return None if refusal is None else refusal.seconds
