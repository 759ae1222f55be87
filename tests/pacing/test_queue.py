from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.pacing.queue import Job, Lane, PriorityQueue


def served(lanes: PriorityQueue[str], lane: Lane) -> list[str]:
    """Serve a lane until nobody waits in it."""
    tickets = []
    while lanes.waiting(lane):
        first = lanes.first(lane)
        tickets.append(lanes.pop(lane)[1])
        assert tickets[-1] == first
    return tickets


def test_calls_take_turns() -> None:
    """Within a lane each call gets one ticket served at a time, however many another has waiting."""
    lanes: PriorityQueue[str] = PriorityQueue()
    large, small = Job(Lane.BACKFILL), Job(Lane.BACKFILL)
    for ticket in ("a1", "a2", "a3", "a4"):
        lanes.push(large, ticket)
    for ticket in ("b1", "b2"):
        lanes.push(small, ticket)
    assert served(lanes, Lane.BACKFILL) == ["a1", "b1", "a2", "b2", "a3", "a4"]


def test_a_call_that_comes_back_goes_to_the_end() -> None:
    """A call whose only ticket was served lines up behind those that wait."""
    lanes: PriorityQueue[str] = PriorityQueue()
    first, second = Job(Lane.BACKFILL), Job(Lane.BACKFILL)
    lanes.push(first, "a1")
    lanes.push(second, "b1")
    assert lanes.pop(Lane.BACKFILL) == (first, "a1")
    lanes.push(first, "a2")
    assert served(lanes, Lane.BACKFILL) == ["b1", "a2"]


def test_lanes_are_apart() -> None:
    """A ticket waits in the lane of its call only."""
    lanes: PriorityQueue[str] = PriorityQueue()
    lanes.push(Job(Lane.BACKFILL), "slow")
    assert not lanes.waiting(Lane.INTERACTIVE)
    lanes.push(Job(Lane.INTERACTIVE), "quick")
    assert served(lanes, Lane.INTERACTIVE) == ["quick"]
    assert served(lanes, Lane.BACKFILL) == ["slow"]
    assert not lanes.size


def test_the_order_of_urgency() -> None:
    """Interactive comes before backfill wherever lanes are gone through or compared."""
    assert list(Lane) == [Lane.INTERACTIVE, Lane.BACKFILL]
    assert Lane.INTERACTIVE < Lane.BACKFILL


def test_who_leaves_is_not_served() -> None:
    """A removed ticket is gone, with its call when it was the last; others keep their places."""
    lanes: PriorityQueue[str] = PriorityQueue()
    one, two = Job(Lane.INTERACTIVE), Job(Lane.INTERACTIVE)
    for call, ticket in ((one, "a1"), (one, "a2"), (two, "b1")):
        lanes.push(call, ticket)
    lanes.remove(one, "a1")
    lanes.remove(two, "b1")
    assert served(lanes, Lane.INTERACTIVE) == ["a2"]


def test_leaving_twice_is_fine() -> None:
    """A ticket that is no longer waiting can be removed, whether or not its call still waits."""
    lanes: PriorityQueue[str] = PriorityQueue()
    call = Job(Lane.INTERACTIVE)
    lanes.remove(call, "never there")
    lanes.push(call, "a1")
    lanes.remove(call, "never there")
    assert served(lanes, Lane.INTERACTIVE) == ["a1"]


def test_draining_takes_everything() -> None:
    """All tickets of all lanes are handed over, and nobody waits any more."""
    lanes: PriorityQueue[str] = PriorityQueue()
    lanes.push(Job(Lane.BACKFILL), "slow")
    lanes.push(Job(Lane.INTERACTIVE), "quick")
    assert sorted(lanes.drain()) == ["quick", "slow"]
    assert not lanes.size
    assert lanes.drain() == []


@given(st.lists(st.integers(0, 4), max_size=40))
def test_nobody_waits_longer_than_a_round(order: list[int]) -> None:
    """Between two tickets of one call no other call is served twice."""
    lanes: PriorityQueue[int] = PriorityQueue()
    calls = [Job(Lane.BACKFILL) for _ in range(5)]
    for number in order:
        lanes.push(calls[number], number)
    turns = []
    while lanes.size:
        turns.append(lanes.pop(Lane.BACKFILL)[1])
    assert sorted(turns) == sorted(order)
    for number in set(order):
        places = [place for place, turn in enumerate(turns) if turn == number]
        rounds = [turns[a + 1 : b] for a, b in pairwise(places)]
        assert all(len(set(turn)) == len(turn) for turn in rounds)


@pytest.mark.parametrize(("remaining", "flying", "unsent"), [(5, 0, 5), (5, 2, 3), (1, 2, 0)])
def test_days_under_way_need_no_slot(remaining: int, flying: int, unsent: int) -> None:
    """Of the days that were not answered yet, those under way are not to be sent again."""
    call = Job(Lane.INTERACTIVE, remaining)
    call.in_flight = flying
    assert call.unsent == unsent
