"""What remains of a process that was killed, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.orphans import HeldSlots, held_slots
from hourlyclicks.coordination.state import ArbiterState, Process
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.window import Slot
from tests.coordination.steps import LEASE, Steps
from tests.pacing.world import S

if TYPE_CHECKING:
    from hourlyclicks.coordination.arbiter import Arbiter

TWO_AT_A_TIME = Limits(rates=(Rate(24),), concurrency=2)
ANN = frozenset({"ann"})
RESPONSE = 0.5
UNTIL = 5 + 2 * RESPONSE + 1
"""When the requests that `killed` leaves behind at 5 s end to count as in flight, if that is seen at once."""


def killed(limits: Limits = TWO_AT_A_TIME, *, requests: int = 2) -> Steps:
    """Return the steps of a process that is killed after 5 s with requests in flight and a queue entry."""
    steps = Steps(limits)
    steps.release(RESPONSE, steps.granted(0, "ann"))
    for _ in range(requests):
        steps.granted(5, "ann", waiting=9)
    return steps


def test_the_requests_of_a_killed_process_are_waited_for_briefly() -> None:
    """For twice the slowest response and a second, and not for the lease."""
    steps = killed()
    assert steps.waits_until(5, "bob") is None
    steps.gone = ANN
    assert steps.waits_until(5, "bob") == UNTIL
    assert steps.waits_until(UNTIL - 0.5, "bob") == UNTIL  # that moment stays
    steps.granted(UNTIL, "bob")
    steps.granted(UNTIL, "bob")


def test_after_a_while_they_are_not_waited_for() -> None:
    """A process that starts later than that does not wait at all."""
    steps = killed()
    steps.gone = ANN
    steps.granted(15, "bob")


def test_they_keep_their_slots_of_the_window() -> None:
    """Until their leases have expired and a window after that, whatever else is answered."""
    steps = killed(Limits(rates=(Rate(4),), concurrency=2))
    steps.gone = ANN
    steps.waits_until(5, "bob")
    steps.release(8, steps.granted(7.5, "bob"))  # the fourth of the window, with the one that was answered
    assert steps.waits_until(9, "bob") == RESPONSE + 61
    for moment in (RESPONSE + 61, 8 + 61):
        steps.release(moment + 1, steps.granted(moment, "bob"))
    assert steps.waits_until(71, "bob") == 5 + LEASE + 61  # not before an orphan may have arrived


def test_the_end_of_a_run_is_known_after_a_kill() -> None:
    """The requests of the killed process take slots of each window, and the others pass them by."""
    steps, latency, requests = killed(Limits(rates=(Rate(24, 2.0),), concurrency=2, guard=0.0)), 0.05, 60
    steps.gone = ANN
    steps.waits_until(5, "bob")
    now, in_flight = 8.0, list[tuple[float, Slot]]()
    known = steps.step(now, lambda arbiter: arbiter.snapshot().finish(requests, round(latency * S)))
    for _ in range(requests):
        while not isinstance(got := steps.ask(now, "bob"), Slot):
            assert isinstance(got, Wait)
            moments = [] if got.until is None else [got.until / S]
            now = min([*moments, *(moment for moment, _ in in_flight)])
            while in_flight and in_flight[0][0] <= now:
                steps.release(*in_flight.pop(0))
        in_flight.append((now + latency, got))
    assert known.when / S == pytest.approx(in_flight[-1][0], abs=latency)


def test_a_limit_of_one_waits_for_the_window_all_the_same() -> None:
    """The request may arrive until its lease expires; a second one must not come within a window."""
    steps = killed(Limits(rates=(Rate(1, 2.0),), concurrency=1, guard=0.0), requests=1)
    steps.gone = ANN
    assert steps.waits_until(5, "bob") == UNTIL
    assert steps.waits_until(8, "bob") == 5 + LEASE + 2


def test_without_a_response_so_far_the_lease_counts() -> None:
    """Nothing is known of how long the server works on a request."""
    steps = Steps(TWO_AT_A_TIME)
    steps.granted(0, "ann")
    steps.granted(0, "ann")
    steps.gone = ANN
    assert steps.waits_until(1, "bob") == LEASE


def test_a_request_that_had_timed_out_counts_as_long_as_before() -> None:
    """The server hangs."""
    steps = Steps(Limits(rates=(Rate(24),), concurrency=1))
    steps.release(1, steps.granted(0, "ann"))
    slot = steps.granted(5, "ann")
    steps.step(35, lambda arbiter: arbiter.abandon(steps.name_of(slot), 30 * S))
    steps.gone = ANN
    assert steps.waits_until(36, "bob") == 65


def test_its_claims_and_its_queue_entry_end_at_once() -> None:
    """Its days are free for others, and no place is kept for it."""
    steps = killed(requests=1)
    steps.granted(5, "ann", "monday", lane=0, waiting=9)
    steps.gone = ANN
    assert steps.waits_until(5, "bob", "monday", lane=1) == UNTIL
    steps.granted(UNTIL, "bob", "monday", lane=1)
    assert "ann" not in steps.state.queue
    assert {claim.holder for claim in steps.state.claims.values()} == {"bob"}


def test_a_probe_of_a_killed_process_is_followed_by_another() -> None:
    """Its verdict will not come."""
    steps = Steps(Limits(rates=(Rate(24),), concurrency=4))
    slot = steps.granted(0, "ann")
    pause = steps.rate_limited(1, slot, 10)
    steps.release(1, slot, answered=False)
    assert pause is not None
    assert steps.granted(1 + pause, "ann").probe
    assert steps.waits_until(2 + pause, "bob") is None
    steps.gone = ANN
    got = steps.ask(3 + pause, "bob")
    assert isinstance(got, Slot)
    assert got.probe


def test_a_process_that_was_there_after_all_does_no_harm() -> None:
    """If it reports a response, that counts, and nothing is released twice."""
    steps = Steps(TWO_AT_A_TIME)
    slot = steps.granted(0, "ann")
    steps.gone = ANN
    steps.granted(1, "bob", waiting=2)
    assert len(steps.state.orphans) == 1
    steps.gone = frozenset()
    steps.release(2, slot)
    assert (steps.state.orphans, steps.state.released) == ({}, [2 * S])


def test_a_step_that_finds_nothing_new_writes_nothing() -> None:
    """A process that polls does not cause a write each time."""
    steps = killed()
    steps.gone = ANN
    steps.waits_until(5, "bob")
    written = steps.written
    steps.waits_until(5.5, "bob")
    assert steps.written == written


@given(
    st.lists(st.floats(0, 30), max_size=30),
    st.floats(5, 60),
    st.lists(st.floats(0.01, 3), min_size=1, max_size=60),
)
def test_no_window_gets_more_than_the_limit(before: list[float], killed_at: float, gaps: list[float]) -> None:
    """Wherever the requests of a killed process arrive within their leases."""
    limits = Limits(rates=(Rate(6, 20.0),), concurrency=3, guard=0.0)
    steps = Steps(limits)
    spans: list[tuple[float, float]] = []
    for moment in sorted(before):
        if moment < killed_at and isinstance(steps.ask(moment, "ann"), Slot):
            spans.append((moment, moment + LEASE))  # it may arrive at any time until then
            if len(spans) % 3:
                steps.release(moment, _last(steps))
                spans[-1] = (moment, moment)
    steps.gone = ANN
    now = killed_at
    for gap in gaps:
        now += gap
        if isinstance(steps.ask(now, "bob"), Slot):
            steps.release(now, _last(steps))
            spans.append((now, now))
    for start in {moment for span in spans for moment in span}:
        assert sum(first < start + 20 and last >= start for first, last in spans) <= 6


def _last(steps: Steps) -> Slot:
    return next(reversed(steps._names))


def test_what_is_waited_for_is_known() -> None:
    """Requests of a killed process at once, those of others after two seconds without a response."""
    steps = killed()
    steps.ask(5, "bob")
    assert held_slots(steps.state, "bob", 6 * S) is None
    assert held_slots(steps.state, "bob", 7 * S) == HeldSlots(2, (5 + LEASE) * S, killed=False)
    assert held_slots(steps.state, "bob", 7 * S).why == "2 requests of another process may still be under way"  # type: ignore[union-attr]  # see above
    steps.gone = ANN
    steps.ask(7, "bob")
    held = held_slots(steps.state, "bob", 7 * S)
    assert held == HeldSlots(2, round((7 + 2 * RESPONSE + 1) * S), killed=True)
    assert held.why == "2 requests of a process that was killed may still be under way"
    assert held_slots(steps.state, "eve", 7 * S) is None


def test_a_wait_for_the_window_is_no_wait_for_requests() -> None:
    """Nor is one while own requests are in flight."""
    steps = Steps(Limits(rates=(Rate(2),), concurrency=3))
    steps.granted(0, "ann")
    slot = steps.granted(0, "bob")
    steps.ask(0, "bob")
    assert held_slots(steps.state, "bob", 9 * S) is None
    steps.release(1, slot)
    steps = Steps(Limits(rates=(Rate(2),), concurrency=3))
    for _ in range(2):
        steps.release(1, steps.granted(0, "ann"))
    steps.ask(1, "bob")
    assert held_slots(steps.state, "bob", 9 * S) is None


def test_the_processes_of_those_with_nothing_left_are_dropped() -> None:
    """A holder that waits, has a request or runs is known by its process."""
    steps = Steps(TWO_AT_A_TIME)
    here = Process("m", 1, 2)
    slot = steps.granted(0, "ann")
    steps.step(0, lambda arbiter: arbiter.introduce("ann", here))
    assert steps.state.processes == {}  # the step changed nothing else

    def respond(arbiter: Arbiter) -> None:
        arbiter.release(steps.name_of(slot), answered=True)
        arbiter.introduce("bob", here)

    steps.step(1, respond)
    assert steps.state.processes == {"bob": here}


@pytest.mark.parametrize("orphans", [{"unknown.1": 5}, {"ann.1": 2**62}])
def test_orphans_that_are_none_do_no_harm(orphans: dict[str, int]) -> None:
    """As after an older version wrote the state."""
    state = ArbiterState(orphans=orphans)
    steps = Steps(TWO_AT_A_TIME, text=state.write())
    steps.granted(SECOND, "bob")
