"""The limiter against simulated servers that count in different ways, over a network with jitter."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.events import Event, Paused, SpacingChanged
from hourlyclicks.pacing.backend import LocalBackend
from hourlyclicks.pacing.eta import theoretical_minimum
from hourlyclicks.pacing.limiter import ANSWERED, LOST, SUCCEEDED, UNSENT, Limiter
from hourlyclicks.pacing.plans import Limits, Plan, Rate
from hourlyclicks.pacing.queue import Job, Lane
from hourlyclicks.simulator.algorithms import algorithm
from hourlyclicks.simulator.clock import VirtualClock, run_virtual
from hourlyclicks.simulator.limit_set import LimitSet
from tests.pacing.world import S, task_for
from tests.sizes import examples, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.pacing import limiter as limiting
    from hourlyclicks.pacing.backend import LimiterBackend
    from hourlyclicks.pacing.plans import Spacing
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.simulator.algorithms import Algorithm, Policing

TEN_YEARS = 3653
COUNTING: tuple[Policing, ...] = ("sliding_log", "whole_seconds", "fixed_window", "token_bucket")
PLANS = [plan for plan in Plan if plan is not Plan.FREE]
SLACK: dict[Spacing, float] = {"window": 1.03, "even": 1.07}


def servers_of_each_kind(rate: Rate) -> list[Algorithm]:
    """Return a server of each kind that counts, including requests over the limit."""
    return [algorithm(counting, rate.requests, rate.seconds, charge_refused=True) for counting in COUNTING]


@attrs.define
class Outcome:
    """The result of a run over the network."""

    seconds: float
    latency: float
    limit_set: LimitSet
    events: list[Event]

    @property
    def rejected(self) -> dict[str, int]:
        """How many requests each kind of server would have answered with a 429."""
        return {type(rate).__name__: rate.refused for rate in self.limit_set.rates}

    @property
    def most_at_once(self) -> int:
        """The most arrivals in any window of a minute."""
        return self.limit_set.log.max_in_window(60 * S)


@attrs.define
class Network:
    """Delays each way by 5 to 300 ms; the server at its end rejects requests, or only counts them."""

    clock: VirtualClock
    limiter: Limiter
    limit_set: LimitSet
    random: random.Random
    rejects: bool = False
    retry_after: float | None = None
    delays: list[float] = attrs.Factory(list)

    async def carry(self, job: Job) -> bool:
        """Send one request; return whether it was answered."""
        slot = await self.limiter.acquire(task_for(job))
        there, back = self.random.uniform(0.005, 0.3), self.random.uniform(0.005, 0.3)
        self.delays.append(there + back)
        await self.clock.sleep(there)
        accepted = self.limit_set.arrive(self.clock.monotonic()) == "accepted" or not self.rejects
        await self.clock.sleep(back)
        try:
            if not accepted:
                await self.limiter.rate_limited(slot, self.retry_after)
        finally:
            self.limiter.finish(slot, ANSWERED if accepted else LOST)
        return accepted


def over_the_network(
    requests: int,
    limits: Limits,
    servers: list[Algorithm],
    *,
    rejects: bool = False,
    backend: Callable[[Limits], LimiterBackend] = LocalBackend,
) -> Outcome:
    """Send requests until that many are answered, with as many workers as the client would use."""

    async def scene(clock: VirtualClock) -> Outcome:
        events: list[Event] = []
        chance = random.Random(2025)
        limit_set = LimitSet(servers)
        network = Network(
            clock,
            Limiter(limits, clock=clock, emit=events.append, random=chance, backend=backend(limits)),
            limit_set,
            chance,
            rejects=rejects,
        )
        job = Job(Lane.INTERACTIVE, requests)
        todo = iter(range(requests))

        async def work() -> None:
            for _ in todo:
                while not await network.carry(job):
                    pass

        await asyncio.gather(*(work() for _ in range(limits.concurrency + 2)))
        latency = sum(network.delays) / len(network.delays)
        return Outcome(clock.monotonic() / S, latency, limit_set, events)

    return run_virtual(scene)


@pytest.mark.parametrize(
    ("plan", "spacing"),
    sample([(plan, "window") for plan in PLANS], 2)
    + sample([(plan, "even") for plan in (Plan.PERSONAL, Plan.BUSINESS, Plan.ENTERPRISE)], 2),
)
def test_ten_years_on_every_plan(plan: Plan, spacing: Spacing) -> None:
    """Ten years take at most 3 % more than the minimum, and no server counts a request over the limit."""
    limits = attrs.evolve(plan.limits, spacing=spacing)
    rate = limits.rates[0]
    outcome = over_the_network(TEN_YEARS, limits, servers_of_each_kind(rate))
    minimum = theoretical_minimum(TEN_YEARS, rate, concurrency=limits.concurrency, latency=outcome.latency)
    assert outcome.rejected == {"SlidingLog": 0, "WholeSeconds": 0, "FixedWindow": 0, "TokenBucket": 0}
    assert outcome.most_at_once <= rate.requests
    assert minimum <= outcome.seconds <= minimum * SLACK[spacing]
    assert outcome.events == []


class LogOfSendings(LocalBackend):
    """A backend that counts a request from its sending only, as a common mistake."""

    def release(self, slot: Slot, _now: int) -> None:
        """Release the slot as if the response had come when the request was sent."""
        super().release(slot, slot.sent)


def test_the_servers_detect_mistakes() -> None:
    """The same servers reject a log of sendings, and whole seconds without the guard."""
    limits = Limits(rates=(Rate(15),), guard=0.0)
    careless = over_the_network(600, limits, servers_of_each_kind(Rate(15)), backend=LogOfSendings)
    assert careless.rejected["SlidingLog"] > 100
    assert careless.most_at_once > 15
    rejected = over_the_network(600, limits, servers_of_each_kind(Rate(15))).rejected
    assert rejected.pop("WholeSeconds") > 100
    assert rejected == {"SlidingLog": 0, "FixedWindow": 0, "TokenBucket": 0}


def test_a_server_that_rejects_bursts() -> None:
    """On a leaky bucket without burst the limiter adapts, emits an event, and then gets no 429 any more."""
    limits = Plan.BUSINESS.limits
    outcome = over_the_network(600, limits, [algorithm("leaky_bucket", 24, 60.0)], rejects=True)
    spread = [event.interval for event in outcome.events if isinstance(event, SpacingChanged)]
    pauses = [event for event in outcome.events if isinstance(event, Paused)]
    assert spread == pytest.approx([2.625, 2.55])
    assert len(pauses) == 3
    assert outcome.rejected["LeakyBucket"] < 10
    assert outcome.seconds < 600 * 2.5 * 1.4


def test_another_program_uses_the_key() -> None:
    """When the server allows half of what the limits say, the limiter still finishes."""
    outcome = over_the_network(
        200, Limits(rates=(Rate(20),)), [algorithm("sliding_log", 10, 60.0)], rejects=True
    )
    assert any(isinstance(event, SpacingChanged) for event in outcome.events)
    assert outcome.most_at_once <= 20


# -- anything goes ----------------------------------------------------------------------------------------


class RandomTasks:
    """Tasks that send, are cancelled, time out, get a 429, or lose their connection, all at random.

    Args:
        limits: the limits to keep.
        seed: of all randomness.
        clock: the virtual clock.
    """

    def __init__(self, limits: Limits, seed: int, clock: VirtualClock) -> None:
        self.limits = limits
        self.clock = clock
        self.random = random.Random(seed)
        self.events: list[Event] = []
        self.limiter = Limiter(limits, clock=clock, emit=self.events.append, random=self.random)
        self.limit_set = LimitSet([])
        self.under_way = self.most_under_way = 0
        self.unused = 0

    async def one(self, job: Job) -> None:
        """Send one request and note its result."""
        if self.random.random() < 0.3:
            await self.clock.sleep(self.random.uniform(0, 40))
        slot = await self.limiter.acquire(task_for(job))
        if self.random.random() < 0.05:
            self.limiter.finish(slot, UNSENT)
            return
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        outcome = LOST
        try:
            await self.clock.sleep(self.random.uniform(0, 3))
            self.limit_set.arrive(self.clock.monotonic())
            await self.clock.sleep(self.random.uniform(0, 3))
            outcome = await self.judge(slot)
        finally:
            self.under_way -= 1
            self.limiter.finish(slot, outcome)

    async def judge(self, slot: Slot) -> limiting.Outcome:
        """Return the result of a request: an answer, a 429, or nothing."""
        fate = self.random.random()
        if fate < 0.8:
            return ANSWERED
        if fate < 0.9:
            await self.limiter.rate_limited(slot, self.random.choice([None, 5.0]))
        elif fate < 0.95 and slot.job.lane is Lane.BACKFILL:
            self.limiter.overloaded()
        else:
            return SUCCEEDED
        return LOST

    async def guest(self, job: Job) -> None:
        """Send a request that is cancelled, times out, or is awaited."""
        task = asyncio.create_task(self.one(job))
        fate = self.random.random()
        if fate < 0.2:
            await self.clock.sleep(self.random.uniform(0, 30))
            task.cancel()
            await asyncio.wait([task])
        elif fate < 0.4:
            try:
                async with asyncio.timeout(self.random.uniform(0, 60)):
                    await task
            except TimeoutError:
                pass
        else:
            await task


@settings(max_examples=examples(40))
@given(
    limits=st.builds(
        Limits,
        rates=st.lists(st.builds(Rate, st.integers(1, 6), st.integers(1, 60)), max_size=3),
        concurrency=st.integers(1, 4),
        guard=st.sampled_from([0.0, 1.0]),
        spacing=st.sampled_from(["window", "even"]),
    ),
    seed=st.integers(0, 2**32),
)
def test_every_task_ends_and_nothing_exceeds_the_limits(limits: Limits, seed: int) -> None:
    """Whatever happens to the tasks, every one of them ends, and every limit is kept."""

    async def scene(clock: VirtualClock) -> RandomTasks:
        tasks = RandomTasks(limits, seed, clock)
        jobs = [Job(lane) for lane in Lane for _ in range(2)]
        async with asyncio.TaskGroup() as group:
            for number in range(60):
                group.create_task(tasks.guest(jobs[number % len(jobs)]))
        assert not tasks.limiter.queue.waiting.size
        assert [job.in_flight for job in jobs] == [0, 0, 0, 0]
        return tasks

    tasks = run_virtual(scene)  # a task that hangs is a deadlock, which is an error
    assert tasks.under_way == 0
    assert tasks.most_under_way <= limits.concurrency
    for rate in limits.rates:
        assert tasks.limit_set.log.max_in_window(round(rate.seconds * S)) <= rate.requests
