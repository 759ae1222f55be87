from __future__ import annotations

import pytest

from hourlyclicks.pacing.gate import Gate, Moment
from hourlyclicks.pacing.pause import Wait
from hourlyclicks.pacing.plans import Limits, Rate
from tests.pacing.world import S, refused, taken

TWO_A_MINUTE = Limits(rates=(Rate(2),), concurrency=4, guard=0.0)


def test_a_place_is_held_until_a_window_after_the_response() -> None:
    """Once a window is full the next request waits for a whole window and the guard after a response."""
    gate = Gate(Limits(rates=(Rate(2),), concurrency=4, guard=1.0))
    slots = [taken(gate, 0), taken(gate, 0)]
    gate.release(slots[0], 3 * S)
    gate.release(slots[1], 4 * S)
    assert refused(gate, 5) == Wait(64 * S, "rate")
    assert gate.reserve(64 * S - 1) == Wait(64 * S, "rate")
    taken(gate, 64)
    assert refused(gate, 64) == Wait(65 * S, "rate")


def test_a_request_under_way_holds_its_place() -> None:
    """While its response is out a request may arrive at any time, so nobody knows when its place is free."""
    gate = Gate(TWO_A_MINUTE)
    taken(gate, 0)
    taken(gate, 0)
    assert refused(gate, 10_000) == Wait(None, "rate")


def test_concurrency_holds() -> None:
    """No more requests are under way than allowed; a response lets the next one go at once."""
    gate = Gate(Limits(concurrency=2))
    first, _ = taken(gate, 0), taken(gate, 0)
    assert refused(gate, 1) == Wait(None, "concurrency")
    gate.release(first, 2 * S)
    taken(gate, 2)


def test_several_windows_hold_at_once() -> None:
    """The window that opens last decides."""
    gate = Gate(Limits(rates=(Rate(3, 3600), Rate(2, 60)), concurrency=1, guard=0.0))
    for now in (0, 1):
        gate.release(taken(gate, now), now * S)
    assert refused(gate, 2) == Wait(60 * S, "rate")
    gate.release(taken(gate, 60), 60 * S)
    assert refused(gate, 61) == Wait(3600 * S, "rate")
    taken(gate, 3600)


def test_what_was_never_sent_leaves_no_trace() -> None:
    """A cancelled place is free again in every window, under way and in even spacing."""
    gate = Gate(Limits(rates=(Rate(1, 60), Rate(1, 3600)), spacing="even"))
    gate.cancel(taken(gate, 0))
    taken(gate, 0)


def test_even_spacing_counts_from_the_sending() -> None:
    """Even spacing keeps 1.05 times the tightest average between two sendings, whatever is under way."""
    gate = Gate(Limits(rates=(Rate(10, 60), Rate(100, 3600)), concurrency=4, spacing="even"))
    taken(gate, 0)
    assert gate.interval == pytest.approx(37.8)
    assert refused(gate, 1) == Wait(round(37.8 * S), "rate")
    taken(gate, 37.8)


def test_cancelling_an_earlier_place_keeps_the_spacing_of_a_later_one() -> None:
    """Even spacing forgets a request that was never sent, and only that one."""
    gate = Gate(Limits(rates=(Rate(60),), concurrency=4, spacing="even"))
    first = taken(gate, 0)
    taken(gate, 1.05)
    gate.cancel(first)
    assert refused(gate, 1.06) == Wait(round(2.1 * S), "rate")


def test_spacing_from_the_response() -> None:
    """Spaced from the response, one request at a time is under way and the next waits for the interval."""
    gate = Gate(Limits(rates=(Rate(60),), concurrency=4))
    gate.space(2.0, from_response=True)
    assert gate.interval == 2.0
    slot = taken(gate, 0)
    assert refused(gate, 100) == Wait(None, "rate")
    gate.release(slot, 100 * S)
    assert refused(gate, 101) == Wait(102 * S, "rate")
    taken(gate, 102)


def test_window_spacing_has_no_interval() -> None:
    """In window spacing nothing is kept between two sendings."""
    gate = Gate(TWO_A_MINUTE)
    assert gate.interval == 0.0
    assert gate.limited
    assert not Gate(Limits()).limited


def test_a_pause_holds_the_gate() -> None:
    """A pause comes before everything else, and after it a single probe goes."""
    gate = Gate(Limits(concurrency=4))
    gate.pause.begin(10 * S)
    assert refused(gate, 9) == Wait(10 * S, "pause")
    probe = taken(gate, 10)
    assert probe.probe
    assert refused(gate, 11) == Wait(None, "pause")
    gate.pause.end()
    assert not taken(gate, 11).probe


def test_a_probe_keeps_the_limit() -> None:
    """A probe passes the windows like any other request."""
    gate = Gate(Limits(rates=(Rate(1),), guard=0.0))
    gate.release(taken(gate, 0), 0)
    gate.pause.begin(10 * S)
    assert refused(gate, 10) == Wait(60 * S, "rate")
    assert taken(gate, 60).probe


@pytest.mark.parametrize("how", ["release", "cancel"])
def test_a_lost_probe_is_replaced(how: str) -> None:
    """A probe that comes back without a verdict, or was never sent, makes room for the next."""
    gate = Gate(Limits(concurrency=2))
    gate.pause.begin(0)
    probe = taken(gate, 0)
    if how == "release":
        gate.release(probe, S)
    else:
        gate.cancel(probe)
    assert taken(gate, 1).probe


def test_a_probe_of_an_earlier_pause_is_not_missed() -> None:
    """When a probe comes back after the next pause began, the probe of that one stays the only one."""
    gate = Gate(Limits(concurrency=3))
    gate.pause.begin(0)
    old = taken(gate, 0)
    gate.pause.begin(5 * S)
    assert taken(gate, 5).epoch == old.epoch + 1
    gate.release(old, 6 * S)
    assert refused(gate, 6) == Wait(None, "pause")


# -- foresight --------------------------------------------------------------------------------------------


def test_the_first_request_costs_its_latency() -> None:
    """With nothing in its way a request is answered after its latency."""
    assert Gate(TWO_A_MINUTE).finish(1, 5 * S, S) == Moment(6 * S, "latency")


def test_the_concurrency_binds() -> None:
    """Without rates the requests go in rounds, those under way included."""
    gate = Gate(Limits(concurrency=2))
    assert gate.finish(5, 0, S) == Moment(3 * S, "concurrency")
    taken(gate, 0)
    assert gate.finish(5, 0, S) == Moment(3 * S, "concurrency")
    taken(gate, 0)
    assert gate.finish(5, 0, S) == Moment(4 * S, "concurrency")


def test_the_rate_binds() -> None:
    """A full window costs its length, its guard and the latency, again for each further window."""
    gate = Gate(Limits(rates=(Rate(2),), concurrency=2, guard=1.0))
    assert gate.finish(3, 0, S) == Moment(63 * S, "rate")
    assert gate.finish(7, 0, S) == Moment((3 * 62 + 1) * S, "rate")


def test_what_was_sent_before_counts() -> None:
    """Places that are not free yet, and requests under way, push the end back."""
    gate = Gate(TWO_A_MINUTE)
    gate.release(taken(gate, 0), 10 * S)
    assert gate.finish(1, 20 * S, S) == Moment(21 * S, "latency")
    assert gate.finish(2, 20 * S, S) == Moment(71 * S, "rate")
    taken(gate, 20)
    assert gate.finish(1, 20 * S, S) == Moment(71 * S, "rate")
    assert gate.finish(2, 20 * S, S) == Moment(82 * S, "rate")


def test_places_that_became_free_long_ago_count_from_now() -> None:
    """A window that was full long ago does not let a later round begin before its time."""
    gate = Gate(TWO_A_MINUTE)
    for slot in [taken(gate, 0), taken(gate, 0)]:
        gate.release(slot, 0)
    assert gate.finish(4, 200 * S, S) == Moment((200 + 61 + 1) * S, "rate")


def test_windows_are_taken_together() -> None:
    """Behind a full hour the minutes go on counting."""
    gate = Gate(Limits(rates=(Rate(4, 3600), Rate(2, 60)), concurrency=4, guard=0.0))
    assert gate.finish(8, 0, 0) == Moment(3660 * S, "rate")


@pytest.mark.parametrize(("from_response", "seconds"), [(False, 4 * 2 + 3), (True, 4 * 5 + 3)])
def test_even_spacing_is_foreseen(*, from_response: bool, seconds: int) -> None:
    """Even spacing costs its interval a request; counted from the response, the latency too."""
    gate = Gate(Limits(rates=(Rate(60),), concurrency=4, guard=0.0))
    gate.space(2.0, from_response=from_response)
    assert gate.finish(5, 0, 3 * S) == Moment(seconds * S, "rate")


def test_a_pause_is_foreseen() -> None:
    """The end lies behind the pause, and is decided by it when nothing else takes longer."""
    gate = Gate(Limits(concurrency=2))
    gate.pause.begin(100 * S)
    assert gate.finish(1, 0, S) == Moment(101 * S, "pause")
    assert gate.finish(5, 0, S) == Moment(103 * S, "concurrency")
    assert gate.finish(1, 200 * S, S) == Moment(201 * S, "latency")


def test_somebody_elses_pause_is_foreseen() -> None:
    """A moment before which nothing may go is a pause as well."""
    assert Gate(Limits()).finish(1, 0, S, opens=50 * S) == Moment(51 * S, "pause")
