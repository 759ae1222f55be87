"""One pace for several processes, step by step."""

from __future__ import annotations

import pytest

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import FORGET, GRACE, TURN
from hourlyclicks.errors import RateLimitedError
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import LEASE, Booth

TWO = Limits(rates=(Rate(2),), concurrency=4)
TEN = Limits(rates=(Rate(10),), concurrency=1)
EVEN = Limits(rates=(Rate(6),), concurrency=4, guard=0.0, spacing="even")
SOON = TURN / SECOND
PATIENCE = 2 * GRACE / SECOND

# -- places -----------------------------------------------------------------------------------------------


def test_processes_share_the_window() -> None:
    """What one process sends is missing to the other, until a window after its response."""
    booth = Booth(TWO)
    for moment, holder in ((0, "ann"), (1, "bob")):
        booth.release(moment + 0.5, booth.given(moment, holder))
    assert booth.held(2, "ann") == booth.held(2, "bob") == 61.5


def test_processes_share_the_cap() -> None:
    """A place of another process is known to come back, and nobody knows when."""
    booth = Booth(TEN)
    slot = booth.given(0, "ann")
    assert booth.held(1, "bob") is None
    booth.release(2, slot)
    booth.given(2, "bob")


def test_a_restarted_process_finds_the_log() -> None:
    """Who is started right after a full window waits for it, whatever name it has now."""
    booth = Booth(TWO)
    for slot in [booth.given(0, "before") for _ in range(2)]:
        booth.release(1, slot)
    assert booth.held(2, "after") == 62.0


def test_a_place_given_back_costs_nothing() -> None:
    """A request that was never sent leaves nothing: no place, no claim."""
    booth = Booth(Limits(rates=(Rate(1),)))
    slot = booth.given(0, "ann", "monday")
    booth.step(0.1, lambda arbiter: arbiter.cancel(slot.id, "monday"))
    booth.given(0.1, "bob", "monday")


def test_the_place_of_a_dead_process_is_held_until_its_lease_ends() -> None:
    """Then it counts as if the response had come at that moment."""
    booth = Booth(Limits(rates=(Rate(1),)))
    booth.given(0, "ann")
    assert booth.held(LEASE - 0.001, "bob") is None
    assert booth.held(LEASE, "bob") == LEASE + 61.0
    booth.given(LEASE + 61.0, "bob")


def test_after_its_lease_nothing_of_a_request_counts_twice() -> None:
    """A response that comes after all, a refusal or a return of the place change nothing."""
    booth = Booth(TWO)
    slot = booth.given(0, "ann", "monday")
    booth.ask(LEASE, "bob", "monday")
    before = booth.text
    booth.release(LEASE + 1, slot)
    booth.step(LEASE + 1, lambda arbiter: arbiter.cancel(slot.id, "monday"))
    assert booth.refuse(LEASE + 1, slot) is None
    assert booth.text == before


def test_a_place_counts_for_the_longest_window_anybody_keeps() -> None:
    """A process that keeps short windows only does not forget for one that keeps a long one."""
    booth = Booth(Limits(rates=(Rate(2, 3600), Rate(2, 60))))
    for moment in (0, 10):
        booth.release(moment, booth.given(moment, "ann"))
    booth.limits = Limits(rates=(Rate(2, 60),))
    booth.release(100, booth.given(100, "bob"))
    booth.limits = Limits(rates=(Rate(3, 3600), Rate(2, 60)))
    assert booth.held(200, "ann") == 3601.0


# -- pauses -----------------------------------------------------------------------------------------------


def test_one_pause_and_one_probe() -> None:
    """A refusal of one process pauses all; the refusals of the others add nothing; then one tries."""
    booth = Booth(Limits(concurrency=4))
    first, second = booth.given(0, "ann"), booth.given(0, "bob")
    assert booth.refuse(1, first, 30.0) == 30.0
    assert booth.refuse(2, second, 90.0) is None
    booth.release(2, first, answered=False)
    booth.release(2, second, answered=False)
    assert booth.held(3, "eve") == 31.0
    probe = booth.given(31, "bob")
    assert probe.probe
    assert booth.held(31, "ann") is None
    booth.release(32, probe)
    booth.given(32, "ann")
    booth.given(32, "eve")


def test_an_answer_from_before_the_pause_does_not_end_it() -> None:
    """Only the probe does."""
    booth = Booth(Limits(concurrency=4))
    first, second = booth.given(0, "ann"), booth.given(0, "bob")
    booth.refuse(1, first, 30.0)
    booth.release(2, second)
    assert booth.held(3, "bob") == 31.0


@pytest.mark.parametrize("end", ["killed", "cancelled", "broken"])
def test_a_lost_probe_is_replaced(end: str) -> None:
    """A probe that is lost, with its process or without, is followed by another."""
    booth = Booth(Limits(concurrency=4))
    first = booth.given(0, "ann", "monday")
    booth.refuse(1, first, 30.0)
    booth.release(1, first, answered=False)
    probe, moment = booth.given(31, "ann", "monday"), 32.0
    if end == "killed":
        moment = 31.0 + LEASE
        assert booth.held(moment - 1, "bob") is None
    elif end == "cancelled":
        booth.step(moment, lambda arbiter: arbiter.cancel(probe.id, "monday"))
    else:
        booth.release(moment, probe, answered=False)
    assert booth.given(moment, "bob").probe


def test_pauses_without_an_answer_are_counted_together() -> None:
    """After ten of them, whoever had them, waiting is no use any more."""
    booth, moment = Booth(Limits()), 0.0
    for number in range(10):
        slot = booth.given(moment, f"process {number}")
        seconds = booth.refuse(moment, slot)
        assert seconds is not None
        booth.release(moment, slot, answered=False)
        moment += seconds
    with pytest.raises(RateLimitedError, match="after 10 pauses"):
        booth.refuse(moment, booth.given(moment, "last"))


def test_what_refusals_teach_is_shared() -> None:
    """The second refusal spreads the requests of everybody, also of a process that comes later."""
    booth, moment = Booth(TEN), 0.0
    for holder in ("ann", "bob"):
        slot = booth.given(moment, holder)
        moment += booth.refuse(moment, slot, 5.0) or 0.0
        booth.release(moment, slot, answered=False)
    booth.release(moment, booth.given(moment, "eve"))
    assert booth.held(moment, "zoe") == pytest.approx(moment + 6.3)


def test_after_an_idle_hour_the_brake_begins_anew() -> None:
    """What refusals had taught is forgotten when nobody has asked for an hour, and not before."""
    for idle, spread in ((FORGET / SECOND - 1, True), (FORGET / SECOND, False)):
        booth, moment = Booth(TEN), 0.0
        for _ in range(2):
            slot = booth.given(moment, "ann")
            moment += booth.refuse(moment, slot, 5.0) or 0.0
            booth.release(moment, slot, answered=False)
        booth.release(moment, booth.given(moment, "ann"))
        moment += idle
        booth.release(moment, booth.given(moment, "ann"))
        assert isinstance(booth.ask(moment, "ann"), Wait if spread else Slot)


def test_configured_even_spacing_is_shared() -> None:
    """Where one process spreads its requests evenly, all do."""
    booth = Booth(EVEN)
    booth.release(0, booth.given(0, "ann"))
    booth.limits = Limits(rates=(Rate(6),), concurrency=4, guard=0.0)
    assert booth.held(1, "bob") == 10.5
    booth.release(10.5, booth.given(10.5, "bob"))
    assert booth.held(11, "bob") == 21.0


def test_spacing_from_the_response_holds_also_after_a_lease() -> None:
    """A request whose lease has ended counts as answered then, for the spacing too."""
    booth, moment = Booth(Limits(rates=(Rate(6),), concurrency=4, guard=0.0)), 0.0
    for _ in range(3):
        slot = booth.given(moment, "ann")
        moment += booth.refuse(moment, slot, 5.0) or 0.0
        booth.release(moment, slot, answered=False)
        moment += 60
    booth.release(moment, booth.given(moment, "ann"))
    moment += 60
    booth.given(moment, "ann")
    until = booth.held(moment + LEASE, "bob")
    assert until == pytest.approx(moment + LEASE + 10.2)
