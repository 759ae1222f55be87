from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.pacing.queue import Job, Lane, PriorityQueue


def served(queue: PriorityQueue[str], lane: Lane) -> list[str]:
    """Serve a lane until it is empty."""
    items = []
    while queue.waiting(lane):
        first = queue.first(lane)
        items.append(queue.pop(lane)[1])
        assert items[-1] == first
    return items


def test_jobs_take_turns() -> None:
    """Within a lane each job gets one item served at a time, however many another has waiting."""
    queue: PriorityQueue[str] = PriorityQueue()
    large, small = Job(Lane.BACKFILL), Job(Lane.BACKFILL)
    for item in ("a1", "a2", "a3", "a4"):
        queue.push(large, item)
    for item in ("b1", "b2"):
        queue.push(small, item)
    assert served(queue, Lane.BACKFILL) == ["a1", "b1", "a2", "b2", "a3", "a4"]


def test_a_job_that_comes_back_goes_to_the_end() -> None:
    """A job whose only item was served goes behind those that wait."""
    queue: PriorityQueue[str] = PriorityQueue()
    first, second = Job(Lane.BACKFILL), Job(Lane.BACKFILL)
    queue.push(first, "a1")
    queue.push(second, "b1")
    assert queue.pop(Lane.BACKFILL) == (first, "a1")
    queue.push(first, "a2")
    assert served(queue, Lane.BACKFILL) == ["b1", "a2"]


def test_lanes_are_apart() -> None:
    """An item waits in the lane of its job only."""
    queue: PriorityQueue[str] = PriorityQueue()
    queue.push(Job(Lane.BACKFILL), "slow")
    assert not queue.waiting(Lane.INTERACTIVE)
    queue.push(Job(Lane.INTERACTIVE), "quick")
    assert served(queue, Lane.INTERACTIVE) == ["quick"]
    assert served(queue, Lane.BACKFILL) == ["slow"]
    assert not queue.size


def test_the_order_of_the_lanes() -> None:
    """Interactive comes before backfill, in iteration and in comparison."""
    assert list(Lane) == [Lane.INTERACTIVE, Lane.BACKFILL]
    assert Lane.INTERACTIVE < Lane.BACKFILL


def test_a_removed_item_is_not_served() -> None:
    """A removed item is gone, with its job when it was the last; the others keep their order."""
    queue: PriorityQueue[str] = PriorityQueue()
    one, two = Job(Lane.INTERACTIVE), Job(Lane.INTERACTIVE)
    for job, item in ((one, "a1"), (one, "a2"), (two, "b1")):
        queue.push(job, item)
    queue.remove(one, "a1")
    queue.remove(two, "b1")
    assert served(queue, Lane.INTERACTIVE) == ["a2"]


def test_removing_twice_is_fine() -> None:
    """An item that no longer waits can be removed, whether or not its job still waits."""
    queue: PriorityQueue[str] = PriorityQueue()
    job = Job(Lane.INTERACTIVE)
    queue.remove(job, "never there")
    queue.push(job, "a1")
    queue.remove(job, "never there")
    assert served(queue, Lane.INTERACTIVE) == ["a1"]


def test_draining_takes_everything() -> None:
    """All items of all lanes are returned, and the queue is empty."""
    queue: PriorityQueue[str] = PriorityQueue()
    queue.push(Job(Lane.BACKFILL), "slow")
    queue.push(Job(Lane.INTERACTIVE), "quick")
    assert sorted(queue.drain()) == ["quick", "slow"]
    assert not queue.size
    assert queue.drain() == []


@given(st.lists(st.integers(0, 4), max_size=40))
def test_no_job_waits_longer_than_a_round(order: list[int]) -> None:
    """Between two items of one job no other job is served twice."""
    queue: PriorityQueue[int] = PriorityQueue()
    jobs = [Job(Lane.BACKFILL) for _ in range(5)]
    for number in order:
        queue.push(jobs[number], number)
    turns = []
    while queue.size:
        turns.append(queue.pop(Lane.BACKFILL)[1])
    assert sorted(turns) == sorted(order)
    for number in set(order):
        positions = [position for position, turn in enumerate(turns) if turn == number]
        rounds = [turns[a + 1 : b] for a, b in pairwise(positions)]
        assert all(len(set(turn)) == len(turn) for turn in rounds)


@pytest.mark.parametrize(("remaining", "in_flight", "unsent"), [(5, 0, 5), (5, 2, 3), (1, 2, 0)])
def test_days_in_flight_need_no_slot(remaining: int, in_flight: int, unsent: int) -> None:
    """Of the days that were not answered yet, those in flight are not sent again."""
    job = Job(Lane.INTERACTIVE, remaining)
    job.in_flight = in_flight
    assert job.unsent == unsent


@given(st.lists(st.integers(1, 70), min_size=1), st.integers(1, 31))
def test_requests_are_those_of_each_target(days: list[int], longest: int) -> None:
    """No request asks for days of two targets, so a job needs as many as its targets need by themselves."""
    job = Job(Lane.BACKFILL, remaining=0)
    job.days_per_request = longest
    for number in days:
        job.add_target(number)
    assert job.remaining == sum(days)
    assert job.unanswered == job.unsent == sum(-(-number // longest) for number in days)
    job.in_flight = 1
    assert job.unsent == job.unanswered - 1
    job.remaining = 0
    job.add_target(days[0])
    assert job.unanswered == -(-days[0] // longest)
