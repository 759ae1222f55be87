from __future__ import annotations

import pytest

from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.snapshot import Moment
from hourlyclicks.pacing.window import SlidingWindow
from tests.pacing.world import S, must_wait, taken

TWO_A_MINUTE = Limits(rates=(Rate(2),), concurrency=4, guard=0.0)


def test_a_slot_is_held_until_a_window_after_the_response() -> None:
    """When a window is full, the next request waits for the window and the guard after a response."""
    window = SlidingWindow(Limits(rates=(Rate(2),), concurrency=4, guard=1.0))
    slots = [taken(window, 0), taken(window, 0)]
    window.release(slots[0], 3 * S)
    window.release(slots[1], 4 * S)
    assert must_wait(window, 5) == Wait(64 * S, "rate")
    assert window.reserve(64 * S - 1) == Wait(64 * S, "rate")
    taken(window, 64)
    assert must_wait(window, 64) == Wait(65 * S, "rate")


def test_a_request_in_flight_holds_its_slot() -> None:
    """It may arrive at any time until its response, so the moment at which its slot is free is unknown."""
    window = SlidingWindow(TWO_A_MINUTE)
    taken(window, 0)
    taken(window, 0)
    assert must_wait(window, 10_000) == Wait(None, "rate")


def test_concurrency_holds() -> None:
    """No more requests are in flight than allowed; after a response the next one is sent at once."""
    window = SlidingWindow(Limits(concurrency=2))
    first, _ = taken(window, 0), taken(window, 0)
    assert must_wait(window, 1) == Wait(None, "concurrency")
    window.release(first, 2 * S)
    taken(window, 2)


def test_several_windows_hold_at_once() -> None:
    """The window that opens last decides."""
    window = SlidingWindow(Limits(rates=(Rate(3, 3600), Rate(2, 60)), concurrency=1, guard=0.0))
    for now in (0, 1):
        window.release(taken(window, now), now * S)
    assert must_wait(window, 2) == Wait(60 * S, "rate")
    window.release(taken(window, 60), 60 * S)
    assert must_wait(window, 61) == Wait(3600 * S, "rate")
    taken(window, 3600)


def test_what_was_never_sent_leaves_no_trace() -> None:
    """A cancelled slot is free again in every window, in the concurrency and in even spacing."""
    window = SlidingWindow(Limits(rates=(Rate(1, 60), Rate(1, 3600)), spacing="even"))
    window.cancel(taken(window, 0))
    taken(window, 0)


def test_even_spacing_counts_from_the_sending() -> None:
    """Even spacing keeps 1.05 times the tightest average between two sendings, whatever is in flight."""
    window = SlidingWindow(Limits(rates=(Rate(10, 60), Rate(100, 3600)), concurrency=4, spacing="even"))
    taken(window, 0)
    assert window.interval == pytest.approx(37.8)
    assert must_wait(window, 1) == Wait(round(37.8 * S), "rate")
    taken(window, 37.8)


def test_cancelling_an_earlier_slot_keeps_the_spacing_of_a_later_one() -> None:
    """Even spacing drops a request that was never sent, and only that one."""
    window = SlidingWindow(Limits(rates=(Rate(60),), concurrency=4, spacing="even"))
    first = taken(window, 0)
    taken(window, 1.05)
    window.cancel(first)
    assert must_wait(window, 1.06) == Wait(round(2.1 * S), "rate")


def test_spacing_from_the_response() -> None:
    """Spaced from the response, one request at a time is in flight, and the next waits for the interval."""
    window = SlidingWindow(Limits(rates=(Rate(60),), concurrency=4))
    window.space(2.0, from_response=True)
    assert window.interval == 2.0
    slot = taken(window, 0)
    assert must_wait(window, 100) == Wait(None, "rate")
    window.release(slot, 100 * S)
    assert must_wait(window, 101) == Wait(102 * S, "rate")
    taken(window, 102)


def test_window_spacing_has_no_interval() -> None:
    """In window spacing nothing is kept between two sendings."""
    window = SlidingWindow(TWO_A_MINUTE)
    assert window.interval == 0.0
    assert window.limited
    assert not SlidingWindow(Limits()).limited


def test_a_pause_holds_the_window() -> None:
    """A pause comes before the limits, and after it a single probe is sent."""
    window = SlidingWindow(Limits(concurrency=4))
    window.breaker.begin(10 * S)
    assert must_wait(window, 9) == Wait(10 * S, "pause")
    probe = taken(window, 10)
    assert probe.probe
    assert must_wait(window, 11) == Wait(None, "pause")
    window.breaker.end()
    assert not taken(window, 11).probe


def test_a_probe_keeps_the_limit() -> None:
    """A probe passes the windows like any other request."""
    window = SlidingWindow(Limits(rates=(Rate(1),), guard=0.0))
    window.release(taken(window, 0), 0)
    window.breaker.begin(10 * S)
    assert must_wait(window, 10) == Wait(60 * S, "rate")
    assert taken(window, 60).probe


@pytest.mark.parametrize("how", ["release", "cancel"])
def test_a_lost_probe_is_replaced(how: str) -> None:
    """A probe without a result, or one that was never sent, is replaced."""
    window = SlidingWindow(Limits(concurrency=2))
    window.breaker.begin(0)
    probe = taken(window, 0)
    if how == "release":
        window.release(probe, S)
    else:
        window.cancel(probe)
    assert taken(window, 1).probe


def test_a_probe_of_an_earlier_pause_is_not_missed() -> None:
    """When a probe returns after the next pause began, the probe of that pause stays the only one."""
    window = SlidingWindow(Limits(concurrency=3))
    window.breaker.begin(0)
    old = taken(window, 0)
    window.breaker.begin(5 * S)
    assert taken(window, 5).epoch == old.epoch + 1
    window.release(old, 6 * S)
    assert must_wait(window, 6) == Wait(None, "pause")


# -- the end of a run -------------------------------------------------------------------------------------


def test_the_first_request_costs_its_latency() -> None:
    """With nothing to wait for a request is answered after its latency."""
    assert SlidingWindow(TWO_A_MINUTE).finish(1, 5 * S, S) == Moment(6 * S, "latency")


def test_the_concurrency_binds() -> None:
    """Without rates the requests are sent in rounds, those in flight included."""
    window = SlidingWindow(Limits(concurrency=2))
    assert window.finish(5, 0, S) == Moment(3 * S, "concurrency")
    taken(window, 0)
    assert window.finish(5, 0, S) == Moment(3 * S, "concurrency")
    taken(window, 0)
    assert window.finish(5, 0, S) == Moment(4 * S, "concurrency")


def test_the_rate_binds() -> None:
    """A full window costs its length, its guard and the latency, again for each further window."""
    window = SlidingWindow(Limits(rates=(Rate(2),), concurrency=2, guard=1.0))
    assert window.finish(3, 0, S) == Moment(63 * S, "rate")
    assert window.finish(7, 0, S) == Moment((3 * 62 + 1) * S, "rate")


def test_what_was_sent_before_counts() -> None:
    """Slots that are not free yet, and requests in flight, delay the end."""
    window = SlidingWindow(TWO_A_MINUTE)
    window.release(taken(window, 0), 10 * S)
    assert window.finish(1, 20 * S, S) == Moment(21 * S, "latency")
    assert window.finish(2, 20 * S, S) == Moment(71 * S, "rate")
    taken(window, 20)
    assert window.finish(1, 20 * S, S) == Moment(71 * S, "rate")
    assert window.finish(2, 20 * S, S) == Moment(82 * S, "rate")


def test_slots_that_became_free_long_ago_count_from_now() -> None:
    """A window that was full long ago lets no later round begin before the present."""
    window = SlidingWindow(TWO_A_MINUTE)
    for slot in [taken(window, 0), taken(window, 0)]:
        window.release(slot, 0)
    assert window.finish(4, 200 * S, S) == Moment((200 + 61 + 1) * S, "rate")


def test_windows_are_taken_together() -> None:
    """After a full hour the windows of a minute still count."""
    window = SlidingWindow(Limits(rates=(Rate(4, 3600), Rate(2, 60)), concurrency=4, guard=0.0))
    assert window.finish(8, 0, 0) == Moment(3660 * S, "rate")


@pytest.mark.parametrize(("from_response", "seconds"), [(False, 4 * 2 + 3), (True, 4 * 5 + 3)])
def test_the_end_with_even_spacing(*, from_response: bool, seconds: int) -> None:
    """Each request costs an interval; counted from the response, the latency too."""
    window = SlidingWindow(Limits(rates=(Rate(60),), concurrency=4, guard=0.0))
    window.space(2.0, from_response=from_response)
    assert window.finish(5, 0, 3 * S) == Moment(seconds * S, "rate")


def test_the_end_after_a_pause() -> None:
    """The end lies after the pause, which binds when nothing else takes longer."""
    window = SlidingWindow(Limits(concurrency=2))
    window.breaker.begin(100 * S)
    assert window.finish(1, 0, S) == Moment(101 * S, "pause")
    assert window.finish(5, 0, S) == Moment(103 * S, "concurrency")
    assert window.finish(1, 200 * S, S) == Moment(201 * S, "latency")


def test_the_end_after_another_moment() -> None:
    """A moment before which nothing may be sent counts as a pause."""
    assert SlidingWindow(Limits()).finish(1, 0, S, opens=50 * S) == Moment(51 * S, "pause")
