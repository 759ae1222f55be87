"""One pace for several processes: whose turn it is, who asks for a day, and clocks put back."""

from __future__ import annotations

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import GRACE, TURN, Taken
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import LEASE, Booth

TWO = Limits(rates=(Rate(2),), concurrency=4)
TEN = Limits(rates=(Rate(10),), concurrency=1)
EVEN = Limits(rates=(Rate(6),), concurrency=4, guard=0.0, spacing="even")
SOON = TURN / SECOND
PATIENCE = 2 * GRACE / SECOND

# -- turns ------------------------------------------------------------------------------------------------


def test_turns_are_taken() -> None:
    """Of three processes that always want more, each is served every third time."""
    booth, moment = Booth(Limits()), 1.0
    served: list[str] = []
    names = ("ann", "bob", "eve")
    while len(served) < 30:
        for name in names:
            got = booth.ask(moment, name, waiting=3, unsent=99)
            if isinstance(got, Slot):
                served.append(name)
                moment += 0.3
                booth.release(moment, got)
        moment += SOON
    assert [served[first::3] for first in range(3)] == [[name] * 10 for name in served[:3]]


def test_who_is_more_urgent_goes_first() -> None:
    """A process with an interactive call is not overtaken by one with a backfill, however recently served."""
    booth = Booth(TEN)
    slot = booth.given(0, "urgent")
    assert booth.held(0.1, "patient", lane=1) is None
    assert booth.held(0.1, "urgent", lane=0) is None
    booth.release(1, slot)
    assert booth.held(1, "patient", lane=1) == 1 + SOON
    booth.given(1, "urgent", lane=0)


def test_nobody_yields_to_one_whose_time_has_not_come() -> None:
    """Who was told to ask later competes with nobody before."""
    booth = Booth(Limits(rates=(Rate(1),)))
    booth.release(0, booth.given(0, "ann"))
    assert booth.held(1, "bob") == 61.0
    booth.limits = Limits(rates=(Rate(2),))
    booth.given(2, "ann")


def test_one_that_does_not_come_is_waited_for_a_moment() -> None:
    """A process that died in the line costs the others two seconds once."""
    booth = Booth(TEN)
    slot = booth.given(1, "ann")
    assert booth.held(1.5, "dead") is None
    booth.release(2, slot)
    assert booth.held(2, "ann") == 2 + SOON
    booth.given(1.5 + PATIENCE, "ann")


def test_who_leaves_the_line_is_not_waited_for() -> None:
    """After a process has stepped out, the next goes at once."""
    booth = Booth(TEN)
    slot = booth.given(0, "ann")
    booth.held(0.5, "bob")
    booth.release(1, slot)
    booth.step(1, lambda arbiter: arbiter.leave("bob"))
    booth.given(1, "ann")


def test_who_only_waits_writes_little() -> None:
    """Asking again and again changes the book about once a second."""
    booth = Booth(TEN)
    booth.given(0, "ann")
    before = booth.written
    for number in range(500):
        booth.held(number * SOON, "bob")
    assert booth.written - before <= 12


# -- claims -----------------------------------------------------------------------------------------------


def test_a_day_is_asked_for_by_one_process_at_a_time() -> None:
    """Another that wants it is told so, until it is settled; the same process may try again."""
    booth = Booth(Limits(concurrency=4))
    slot = booth.given(0, "ann", "monday")
    assert booth.ask(0, "bob", "monday") == Taken()
    booth.given(0, "bob", "tuesday")
    booth.release(1, slot)
    assert booth.ask(1, "bob", "monday") == Taken()
    booth.release(2, booth.given(1, "ann", "monday"))
    booth.step(2, lambda arbiter: arbiter.settle("monday", "ann"))
    booth.given(2, "bob", "monday")


def test_a_claim_ends_with_its_lease() -> None:
    """The day of a process that died can be asked for again when its request must be over."""
    booth = Booth(Limits(concurrency=4))
    booth.given(0, "ann", "monday")
    assert booth.ask(LEASE - 1, "bob", "monday") == Taken()
    booth.given(LEASE, "bob", "monday")


# -- clocks -----------------------------------------------------------------------------------------------


def test_after_a_reboot_one_window_is_waited_for() -> None:
    """With the clock put back, all that was sent counts as sent just now, and nothing longer than that."""
    booth = Booth(TWO)
    booth.release(5000, booth.given(5000, "ann"))
    booth.given(5000, "ann")
    assert booth.held(3, "bob") == 64.0
    booth.release(64, booth.given(64, "bob"))
    assert booth.held(65, "bob") == 3 + LEASE + 61.0


def test_a_place_given_back_after_the_clock_was_put_back() -> None:
    """It leaves nothing behind, no moment on the old clock least of all."""
    booth = Booth(Limits(rates=(Rate(9),)))
    booth.release(5000, booth.given(5000, "ann"))
    slot = booth.given(5001, "ann", "monday")
    booth.step(3, lambda arbiter: arbiter.cancel(slot.id, "monday"))
    booth.given(4, "bob")


def test_a_pause_is_not_longer_for_a_clock_put_back() -> None:
    """It lasts a quarter of an hour and a quarter of that at most, from now on."""
    booth = Booth(Limits())
    slot = booth.given(5000, "ann")
    booth.refuse(5000, slot, 900.0)
    booth.release(5000, slot, answered=False)
    assert booth.held(0, "bob") == 1125.0
