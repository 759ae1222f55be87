"""The needs of all jobs against their plain sums, and what an ETA costs among many jobs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.model.priority import Lane
from hourlyclicks.pacing.demand import Demand
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.queue import Job
from hourlyclicks.simulator.clock import run_virtual
from tests.pacing.world import World
from tests.sizes import examples

if TYPE_CHECKING:
    from types import FrameType

    from _typeshed import TraceFunction

    from hourlyclicks.simulator.clock import VirtualClock

NEEDS = st.integers(0, 70)
CHANGES = st.lists(st.tuples(st.integers(0, 9), NEEDS), max_size=60)
FEW = Limits(rates=(Rate(20),), concurrency=2)


@given(changes=CHANGES, most=st.integers(0, 100))
@settings(max_examples=examples(200), deadline=None)
def test_a_sum_is_that_of_all_needs(changes: list[tuple[int, int]], most: int) -> None:
    """After any changes, each need counts up to the bound; of jobs that are gone nothing is left."""
    demand, needs = Demand(), dict.fromkeys(range(10), 0)
    for job, need in changes:
        demand.add(needs[job], -1)
        demand.add(need)
        needs[job] = need
    assert demand.up_to(most) == sum(min(need, most) for need in needs.values())
    assert demand.total == sum(needs.values())
    for need in needs.values():
        demand.add(need, -1)
    assert (demand.total, demand.up_to(most), demand._nodes) == (0, 0, {})


def test_a_long_run_needs_little_memory() -> None:
    """A need that passes through many numbers leaves nothing behind."""
    demand = Demand()
    demand.add(5)
    for need in range(4_000, 0, -1):
        demand.add(need)
        demand.add(need, -1)
    assert demand.total == 5
    assert len(demand._nodes) < 20  # those of the one need that is left


def plain_sum(jobs: list[Job], job: Job) -> int:
    """Return how many requests of other jobs come before those of a job, from the definition."""
    return sum(
        other.unsent if other.lane < job.lane else min(other.unsent, job.unsent)
        for other in jobs
        if other is not job and other.lane <= job.lane
    )


STEPS = st.lists(
    st.tuples(st.sampled_from(["enter", "leave", "days", "slot", "ask"]), st.integers(0, 7), NEEDS),
    max_size=80,
)


@given(steps=STEPS)
@settings(max_examples=examples(200), deadline=None)
def test_the_jobs_before_a_job_are_counted_as_they_are_now(steps: list[tuple[str, int, int]]) -> None:
    """Whatever jobs begin, end, send or are answered between two questions, the sum is exact."""

    async def scene(clock: VirtualClock) -> None:
        eta = World.of(clock, FEW).limiter.eta
        jobs = [Job(Lane(number % 2), remaining=number) for number in range(8)]
        for job in jobs:
            job.days_per_request = 1 + job.remaining % 3
        entered: list[Job] = []
        for what, number, days in steps:
            job = jobs[number]
            if what == "enter" and job not in entered:
                eta.enter(job)
                entered.append(job)
            elif what == "leave" and job in entered:
                eta.leave(job)
                entered.remove(job)
            elif what == "days":
                job.remaining = days
            elif what == "slot":
                job.in_flight = days % 4
                if job.changed is not None:
                    job.changed.add(job)
            else:
                assert eta._of_others(job, job.unsent) == plain_sum(entered, job)
        for lane in Lane:
            assert eta.unsent(lane) == sum(job.unsent for job in entered if job.lane is lane)

    run_virtual(scene)


@pytest.mark.parametrize("lane", Lane)
def test_a_slot_changes_what_a_job_still_needs(lane: Lane) -> None:
    """Getting a slot, at once or in the queue, and giving it back shows in the sums."""

    async def scene(clock: VirtualClock) -> None:
        world = World.of(clock, Limits(concurrency=3))
        job, other = Job(lane, 30), Job(lane, 40)
        world.limiter.eta.enter(job)
        world.limiter.eta.enter(other)
        seen = []
        for _ in range(3):
            seen.append(world.limiter.eta.unsent(lane))
            await world.ask(job, 0.5)
            job.done()
        assert seen == [70, 69, 68]

    run_virtual(scene)


def lines_run(jobs: int) -> int:
    """Return how many lines of code an event of one of so many jobs runs, on average."""

    async def scene(clock: VirtualClock) -> int:
        world = World.of(clock, FEW)
        eta = world.limiter.eta
        others = [Job(Lane.INTERACTIVE, remaining=20 + number % 40) for number in range(jobs)]
        for job in others:
            eta.enter(job)
        eta.deferred(others[0])()
        count = 0

        def trace(_frame: FrameType, event: str, _: object) -> TraceFunction:
            nonlocal count
            count += event == "line"
            return trace

        before = sys.gettrace()  # of what measures the coverage of the tests
        sys.settrace(trace)
        try:
            for job in others[:10]:
                job.done()
                eta.deferred(job)()
        finally:
            sys.settrace(before)
        return count // 10

    return run_virtual(scene)


def test_an_eta_among_many_jobs_costs_no_more_than_among_few() -> None:
    """With eighty times as many jobs, an event runs the same lines of code, and no loop over the jobs."""
    few, many = lines_run(10), lines_run(800)
    assert many <= few * 1.1
