"""One rate limit for several processes, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import Claimed
from hourlyclicks.coordination.expiry import FORGET_AFTER
from hourlyclicks.coordination.process_queue import GRACE, POLL_AFTER
from hourlyclicks.errors import RateLimitedError
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

# -- slots ------------------------------------------------------------------------------------------------


def test_processes_share_the_window() -> None:
    """A request of one process takes a slot from the other until a window after its response."""
    steps = Steps(TWO)
    for moment, holder in ((0, "ann"), (1, "bob")):
        steps.release(moment + 0.5, steps.granted(moment, holder))
    assert steps.waits_until(2, "ann") == 61.5
    assert steps.waits_until(2, "bob") == 62.5  # since the other one goes first


def test_processes_share_the_cap() -> None:
    """When the slot of another process will be free is unknown."""
    steps = Steps(TEN)
    slot = steps.granted(0, "ann")
    assert steps.waits_until(1, "bob") is None
    steps.release(2, slot)
    steps.granted(2, "bob")


def test_a_restarted_process_finds_the_log() -> None:
    """A process that starts right after a full window waits for it, under any name."""
    steps = Steps(TWO)
    for slot in [steps.granted(0, "before") for _ in range(2)]:
        steps.release(1, slot)
    assert steps.waits_until(2, "after") == 62.0


def test_a_slot_given_back_costs_nothing() -> None:
    """A request that was never sent leaves neither a slot nor a claim."""
    steps = Steps(Limits(rates=(Rate(1),)))
    slot = steps.granted(0, "ann", "monday")
    steps.step(0.1, lambda arbiter: arbiter.cancel(steps.name_of(slot), "monday"))
    steps.granted(0.1, "bob", "monday")


def test_the_slot_of_a_dead_process_is_held_until_its_lease_expires() -> None:
    """Then it counts as if the response had come at that moment."""
    steps = Steps(Limits(rates=(Rate(1),)))
    steps.granted(0, "ann")
    assert steps.waits_until(LEASE - 0.001, "bob") is None
    assert steps.waits_until(LEASE, "bob") == LEASE + 61.0
    steps.granted(LEASE + 61.0, "bob")


def test_after_its_lease_nothing_of_a_request_counts_twice() -> None:
    """A late response, a 429 or a cancelled slot changes nothing."""
    steps = Steps(TWO)
    slot = steps.granted(0, "ann", "monday")
    steps.ask(LEASE, "bob", "monday")
    before = steps.text
    steps.release(LEASE + 1, slot)
    steps.step(LEASE + 1, lambda arbiter: arbiter.cancel(steps.name_of(slot), "monday"))
    assert steps.rate_limited(LEASE + 1, slot) is None
    assert steps.text == before


def test_a_request_counts_for_the_longest_window_of_any_process() -> None:
    """A process that keeps short windows only does not forget for one that keeps a long one."""
    steps = Steps(Limits(rates=(Rate(2, 3600), Rate(2, 60))))
    for moment in (0, 10):
        steps.release(moment, steps.granted(moment, "ann"))
    steps.limits = Limits(rates=(Rate(2, 60),))
    steps.release(100, steps.granted(100, "bob"))
    steps.limits = Limits(rates=(Rate(3, 3600), Rate(2, 60)))
    assert steps.waits_until(200, "ann") == 3601.0


# -- pauses -----------------------------------------------------------------------------------------------


def test_one_pause_and_one_probe() -> None:
    """A 429 of one process pauses all; further ones change nothing; then there is one probe."""
    steps = Steps(Limits(concurrency=4))
    first, second = steps.granted(0, "ann"), steps.granted(0, "bob")
    assert steps.rate_limited(1, first, 30.0) == 30.0
    assert steps.rate_limited(2, second, 90.0) is None
    steps.release(2, first, answered=False)
    steps.release(2, second, answered=False)
    assert steps.waits_until(3, "eve") == 31.0
    probe = steps.granted(31, "bob")
    assert probe.probe
    assert steps.waits_until(31, "ann") is None
    steps.release(32, probe)
    steps.granted(32, "ann")
    steps.granted(32, "eve")


def test_an_answer_from_before_the_pause_does_not_end_it() -> None:
    """Only the probe does."""
    steps = Steps(Limits(concurrency=4))
    first, second = steps.granted(0, "ann"), steps.granted(0, "bob")
    steps.rate_limited(1, first, 30.0)
    steps.release(2, second)
    assert steps.waits_until(3, "bob") == 31.0


@pytest.mark.parametrize("end", ["killed", "cancelled", "broken"])
def test_a_lost_probe_is_replaced(end: str) -> None:
    """A probe that is lost, with its process or alone, is replaced."""
    steps = Steps(Limits(concurrency=4))
    first = steps.granted(0, "ann", "monday")
    steps.rate_limited(1, first, 30.0)
    steps.release(1, first, answered=False)
    probe, moment = steps.granted(31, "ann", "monday"), 32.0
    if end == "killed":
        moment = 31.0 + LEASE
        assert steps.waits_until(moment - 1, "bob") is None
    elif end == "cancelled":
        steps.step(moment, lambda arbiter: arbiter.cancel(steps.name_of(probe), "monday"))
    else:
        steps.release(moment, probe, answered=False)
    assert steps.granted(moment, "bob").probe


def test_pauses_without_an_answer_are_counted_together() -> None:
    """After ten of them, in whichever processes, the next 429 is an error."""
    steps, moment = Steps(Limits()), 0.0
    for number in range(10):
        slot = steps.granted(moment, f"process {number}")
        seconds = steps.rate_limited(moment, slot)
        assert seconds is not None
        steps.release(moment, slot, answered=False)
        moment += seconds
    with pytest.raises(RateLimitedError, match="after 10 pauses"):
        steps.rate_limited(moment, steps.granted(moment, "last"))


def test_the_throttle_is_shared() -> None:
    """The second 429 spreads the requests of all processes, also of one that starts later."""
    steps, moment = Steps(TEN), 0.0
    for holder in ("ann", "bob"):
        slot = steps.granted(moment, holder)
        moment += steps.rate_limited(moment, slot, 5.0) or 0.0
        steps.release(moment, slot, answered=False)
    steps.release(moment, steps.granted(moment, "eve"))
    assert steps.waits_until(moment, "zoe") == pytest.approx(moment + 6.3)


def test_after_an_idle_hour_the_throttle_starts_anew() -> None:
    """What 429 answers had taught is forgotten after an hour without a request, and not before."""
    for idle, spread in ((FORGET_AFTER / SECOND - 1, True), (FORGET_AFTER / SECOND, False)):
        steps, moment = Steps(TEN), 0.0
        for _ in range(2):
            slot = steps.granted(moment, "ann")
            moment += steps.rate_limited(moment, slot, 5.0) or 0.0
            steps.release(moment, slot, answered=False)
        steps.release(moment, steps.granted(moment, "ann"))
        moment += idle
        steps.release(moment, steps.granted(moment, "ann"))
        assert isinstance(steps.ask(moment, "ann"), Wait if spread else Slot)


def test_configured_even_spacing_is_shared() -> None:
    """Where one process spreads its requests evenly, all do."""
    steps = Steps(EVEN)
    steps.release(0, steps.granted(0, "ann"))
    steps.limits = Limits(rates=(Rate(6),), concurrency=4, guard=0.0)
    assert steps.waits_until(1, "bob") == 10.5
    steps.release(10.5, steps.granted(10.5, "bob"))
    assert steps.waits_until(11, "bob") == 21.0


def test_spacing_from_the_response_holds_also_after_a_lease() -> None:
    """A request whose lease has ended counts as answered then, for the spacing too."""
    steps, moment = Steps(Limits(rates=(Rate(6),), concurrency=4, guard=0.0)), 0.0
    for _ in range(3):
        slot = steps.granted(moment, "ann")
        moment += steps.rate_limited(moment, slot, 5.0) or 0.0
        steps.release(moment, slot, answered=False)
        moment += 60
    steps.release(moment, steps.granted(moment, "ann"))
    moment += 60
    steps.granted(moment, "ann")
    until = steps.waits_until(moment + LEASE, "bob")
    assert until == pytest.approx(moment + LEASE + 10.2)


# -- ranges -----------------------------------------------------------------------------------------------


def test_a_range_claims_all_its_days_or_none() -> None:
    """Another process waits for each of them; one that is claimed elsewhere keeps the whole range waiting."""
    steps = Steps(Limits(concurrency=9))
    first = steps.granted(0, "ann", "monday", further=("tuesday", "wednesday"))
    for day in ("monday", "tuesday", "wednesday"):
        assert isinstance(steps.ask(1, "bob", day), Claimed)
    assert isinstance(steps.ask(1, "bob", "sunday", further=("monday",)), Claimed)
    steps.granted(1, "bob", "sunday")
    steps.step(2, lambda arbiter: arbiter.cancel(steps.name_of(first), "monday", "tuesday", "wednesday"))
    steps.granted(2, "bob", "tuesday", further=("wednesday",))


def test_claims_are_renewed_by_each_change() -> None:
    """Also one that has expired, but none that another process has by now."""
    steps = Steps(Limits(concurrency=9))
    steps.release(1, steps.granted(0, "ann", "monday", further=("tuesday", "wednesday")))

    def renew(at: float, *, changed: bool) -> None:
        def step(arbiter: Arbiter) -> None:
            arbiter.changed = changed
            arbiter.renew_claims(("monday", "tuesday"), "ann")

        steps.step(at, step)

    renew(30, changed=True)
    written = steps.written
    renew(31, changed=False)
    assert steps.written == written  # it is not worth a write
    steps.granted(LEASE + 1, "bob", "wednesday")
    for day in ("monday", "tuesday"):
        assert isinstance(steps.ask(30 + LEASE - 1, "bob", day), Claimed)
    steps.granted(30 + LEASE + 1, "bob", "monday")
    renew(30 + LEASE + 2, changed=True)
    assert isinstance(steps.ask(30 + LEASE + 3, "ann", "monday"), Claimed)
    assert isinstance(steps.ask(30 + LEASE + 3, "bob", "tuesday"), Claimed)  # it is renewed
