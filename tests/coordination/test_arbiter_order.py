"""One rate limit for several processes: the order, the claims to days, and clocks that are set back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import Claimed
from hourlyclicks.coordination.process_queue import GRACE, POLL_AFTER, SlotRequest
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.window import Slot
from tests.coordination.steps import LEASE, Steps

if TYPE_CHECKING:
    from hourlyclicks.coordination.arbiter import Arbiter

TWO = Limits(rates=(Rate(2),), concurrency=4)
TEN = Limits(rates=(Rate(10),), concurrency=1)
EVEN = Limits(rates=(Rate(6),), concurrency=4, guard=0.0, spacing="even")
SOON = POLL_AFTER / SECOND
PATIENCE = 2 * GRACE / SECOND

# -- order ------------------------------------------------------------------------------------------------


def test_processes_take_turns() -> None:
    """Of three processes that always want more, each is served every third time."""
    steps, moment = Steps(Limits()), 1.0
    served: list[str] = []
    names = ("ann", "bob", "eve")
    while len(served) < 30:
        for name in names:
            got = steps.ask(moment, name, waiting=3, unsent=99)
            if isinstance(got, Slot):
                served.append(name)
                moment += 0.3
                steps.release(moment, got)
        moment += SOON
    assert [served[first::3] for first in range(3)] == [[name] * 10 for name in served[:3]]


def test_a_higher_priority_goes_first() -> None:
    """A process with an interactive call goes before one with a backfill, however recently it was served."""
    steps = Steps(TEN)
    slot = steps.granted(0, "urgent")
    assert steps.waits_until(0.1, "patient", lane=1) is None
    assert steps.waits_until(0.1, "urgent", lane=0) is None
    steps.release(1, slot)
    assert steps.waits_until(1, "patient", lane=1) == 1 + SOON
    steps.granted(1, "urgent", lane=0)


def test_an_entry_that_is_not_due_holds_up_no_process() -> None:
    """A process that was told to ask later takes no slot from the others until then."""
    steps = Steps(Limits(rates=(Rate(1),)))
    steps.release(0, steps.granted(0, "ann"))
    assert steps.waits_until(1, "bob") == 61.0
    steps.limits = Limits(rates=(Rate(2),))
    steps.granted(2, "ann")


def test_a_queue_entry_expires() -> None:
    """A process that died while it was queued delays the others by two seconds, once."""
    steps = Steps(TEN)
    slot = steps.granted(1, "ann")
    assert steps.waits_until(1.5, "dead") is None
    steps.release(2, slot)
    assert steps.waits_until(2, "ann") == 2 + SOON
    steps.granted(1.5 + PATIENCE, "ann")


def test_a_process_that_leaves_the_queue_is_not_waited_for() -> None:
    """After a process has left, the next one goes at once."""
    steps = Steps(TEN)
    slot = steps.granted(0, "ann")
    steps.waits_until(0.5, "bob")
    steps.release(1, slot)
    steps.step(1, lambda arbiter: arbiter.leave("bob"))
    steps.granted(1, "ann")


def test_each_process_asks_when_those_before_it_have_sent() -> None:
    """Of many that wait for a window, only one asks at a time, and asking early changes nothing."""
    steps = Steps(TWO)
    for moment in (1, 2):
        steps.release(moment, steps.granted(moment, "first"))
    names = [f"process {number}" for number in range(6)]
    asked = [steps.waits_until(3 + number, name) for number, name in enumerate(names)]
    assert asked == [62.0, 63.0, 123.0, 124.0, 184.0, 185.0]
    before = steps.written
    assert [steps.waits_until(20, name) for name in names] == asked
    assert steps.written == before
    steps.granted(62, names[0])


def test_a_process_learns_what_its_next_request_waits_for() -> None:
    """With the slot that it is granted, so that it need not ask."""
    steps = Steps(TWO)
    steps.release(1, steps.granted(1, "ann"))
    request = SlotRequest("ann", 7, 0, 3, 9, "", ("monday",))

    def ask(arbiter: Arbiter) -> Wait | None:
        assert isinstance(arbiter.reserve(request), Slot)
        return arbiter.next_wait(request)

    assert steps.step(2, ask) == Wait(round(62 * SECOND), "rate")
    assert steps.state.queue["ann"].asks == 62 * SECOND


def test_polling_writes_little() -> None:
    """Repeated requests change the state about once a second."""
    steps = Steps(TEN)
    steps.granted(0, "ann")
    before = steps.written
    for number in range(500):
        steps.waits_until(number * SOON, "bob")
    assert steps.written - before <= 12


# -- claims -----------------------------------------------------------------------------------------------


def test_a_day_is_asked_for_by_one_process_at_a_time() -> None:
    """No other process gets it until the claim is released; the same process may try again."""
    steps = Steps(Limits(concurrency=4))
    slot = steps.granted(0, "ann", "monday")
    assert steps.ask(0, "bob", "monday") == Claimed()
    steps.granted(0, "bob", "tuesday")
    steps.release(1, slot)
    assert steps.ask(1, "bob", "monday") == Claimed()
    steps.release(2, steps.granted(1, "ann", "monday"))
    steps.step(2, lambda arbiter: arbiter.settle("monday", "ann"))
    steps.granted(2, "bob", "monday")


def test_a_claim_ends_with_its_lease() -> None:
    """The day of a process that died can be requested again when its request must be over."""
    steps = Steps(Limits(concurrency=4))
    steps.granted(0, "ann", "monday")
    assert steps.ask(LEASE - 1, "bob", "monday") == Claimed()
    steps.granted(LEASE, "bob", "monday")


# -- clocks -----------------------------------------------------------------------------------------------


def test_after_a_reboot_one_window_is_waited_for() -> None:
    """With the clock set back, all that was sent counts as sent just now, and nothing longer than that."""
    steps = Steps(TWO)
    steps.release(5000, steps.granted(5000, "ann"))
    steps.granted(5000, "ann")
    assert steps.waits_until(3, "bob") == 64.0
    steps.release(64, steps.granted(64, "bob"))
    assert steps.waits_until(65, "bob") == 3 + LEASE + 61.0


def test_a_slot_given_back_after_the_clock_was_set_back() -> None:
    """It leaves nothing behind, in particular no moment of the old clock."""
    steps = Steps(Limits(rates=(Rate(9),)))
    steps.release(5000, steps.granted(5000, "ann"))
    slot = steps.granted(5001, "ann", "monday")
    steps.step(3, lambda arbiter: arbiter.cancel(steps.name_of(slot), "monday"))
    steps.granted(4, "bob")


def test_a_pause_is_not_longer_for_a_clock_set_back() -> None:
    """It lasts at most 15 minutes and a quarter of that, from now on."""
    steps = Steps(Limits())
    slot = steps.granted(5000, "ann")
    steps.rate_limited(5000, slot, 900.0)
    steps.release(5000, slot, answered=False)
    assert steps.waits_until(0, "bob") == 1125.0
