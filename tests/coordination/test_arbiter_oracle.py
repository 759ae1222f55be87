"""The arbiter against an oracle that sees everything: several processes, deaths, and clocks set back.

The oracle has a clock of its own that never goes back; the arbiter sees another one that does.
"""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hourlyclicks.coordination.arbiter import Arbiter, Claimed
from hourlyclicks.coordination.process_queue import SlotRequest
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.errors import RateLimitedError
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import S
from tests.sizes import examples

LEASE = 15 * S
HOLDERS = ("ann", "bob", "eve")
DAYS = ("monday", "tuesday", "friday", "sunday")
RATES = st.builds(Rate, st.integers(1, 4), st.integers(1, 12))
LIMITS = st.builds(
    Limits,
    rates=st.lists(RATES, min_size=1, max_size=3),
    concurrency=st.integers(1, 4),
    guard=st.sampled_from([0.0, 1.0]),
    spacing=st.sampled_from(["window", "even"]),
)
MOMENTS = st.builds(
    lambda halves, more: max(0, halves * S // 2 + more), st.integers(0, 26), st.sampled_from([-1, 0, 1])
)


@attrs.define(eq=False)
class Sent:
    """A request as the oracle sees it; its process may be dead."""

    name: str
    holder: str
    day: str
    sent: int
    probe: bool
    back: int
    alive: bool = True
    claims: bool = True


class ArbiterAgainstOracle(RuleBasedStateMachine):
    """Whatever several processes do, the limits hold for all of them together."""

    limits: Limits

    def __init__(self) -> None:
        super().__init__()
        self.now = 100_000 * S
        self.shift = 0
        self.text: str | None = None
        self.requests: list[Sent] = []
        self.numbers = 0
        self.held_until: int | None = None
        self.latest: Sent | None = None

    @initialize(limits=LIMITS)
    def open(self, limits: Limits) -> None:
        """Begin."""
        self.limits = limits

    def step(self, step: Any) -> Any:  # noqa: ANN401 - whatever the step returns
        """Take a step as the store does: read, act, and write what has changed."""
        arbiter = Arbiter(self.limits, ArbiterState.read(self.text), now=self.now + self.shift, lease=LEASE)
        result = step(arbiter)
        state = arbiter.close()
        if arbiter.changed:
            self.text = state.write()
        return result

    @property
    def in_flight(self) -> list[Sent]:
        """The requests in flight, as far as can be known."""
        return [request for request in self.requests if request.back > self.now]

    @property
    def awaited(self) -> list[Sent]:
        """The requests in flight whose process is alive."""
        return [request for request in self.in_flight if request.alive]

    @rule(length=MOMENTS)
    def pass_time(self, length: int) -> None:
        """Let time pass."""
        self.now += length
        self.latest = None

    @rule(length=st.sampled_from([1, 7 * S, 900 * S, 50_000 * S]))
    def set_back_the_clock(self, length: int) -> None:
        """Give the store another clock, which is behind."""
        self.shift = max(self.shift - length, -self.now)

    @rule(holder=st.sampled_from(HOLDERS), day=st.sampled_from(DAYS), lane=st.integers(0, 1))
    def ask(self, holder: str, day: str, lane: int) -> None:
        """Request a slot; one that is granted breaks no rule."""
        self.numbers += 1
        request = SlotRequest(holder, self.numbers, lane, 1, 1, "", (day,))
        got = self.step(lambda arbiter: arbiter.reserve(request))
        claimed = any(sent.day == day and sent.claims and sent.holder != holder for sent in self.in_flight)
        assert isinstance(got, Claimed) >= claimed
        if isinstance(got, Slot):
            assert len(self.in_flight) < self.limits.concurrency
            assert self.held_until is None or self.now >= self.held_until
            assert not (self.held_until is not None and any(sent.probe for sent in self.in_flight))
            probe = self.held_until is not None
            self.latest = Sent(request.name, holder, day, self.now, probe, self.now + LEASE)
            self.requests.append(self.latest)
        elif isinstance(got, Wait) and got.until is not None:
            assert got.until > self.now + self.shift

    @precondition(lambda self: self.awaited)
    @rule(data=st.data(), answered=st.booleans(), kept=st.booleans())
    def respond(self, data: st.DataObject, *, answered: bool, kept: bool) -> None:
        """Return a request, with an answer or without; its day may be settled."""
        request = data.draw(st.sampled_from(self.awaited))
        current = request.name in ArbiterState.read(self.text).requests
        assert current
        epoch = (
            ArbiterState.read(self.text).requests[request.name].epoch
            == ArbiterState.read(self.text).pause.epoch
        )
        self.step(lambda arbiter: arbiter.release(request.name, answered=answered))
        request.back = self.now
        request.probe = False
        if answered and epoch:
            self.held_until = None
        if kept:
            self.step(lambda arbiter: arbiter.settle(request.day, request.holder))
            for other in self.requests:
                other.claims &= other.day != request.day
        self.latest = None

    @precondition(lambda self: self.awaited)
    @rule(data=st.data(), length=MOMENTS)
    def abandon(self, data: st.DataObject, length: int) -> None:
        """Abandon a request, which may still arrive for a while."""
        request = data.draw(st.sampled_from(self.awaited))
        self.step(lambda arbiter: arbiter.abandon(request.name, length + 1))
        request.back, request.alive, request.probe = self.now + length + 1, False, False
        self.latest = None

    @precondition(lambda self: self.latest is not None)
    @rule()
    def cancel(self) -> None:
        """Cancel the slot that was granted last."""
        request, self.latest = self.latest, None
        assert request is not None
        self.step(lambda arbiter: arbiter.cancel(request.name, request.day))
        self.requests.remove(request)
        for other in self.requests:
            other.claims &= other.day != request.day

    @precondition(lambda self: self.awaited)
    @rule(data=st.data(), retry_after=st.sampled_from([None, 2.0, 900.0]), u=st.sampled_from([0.0, 0.999]))
    def rate_limit(self, data: st.DataObject, retry_after: float | None, u: float) -> None:
        """Answer a request with a 429: all pause, once for all requests sent before."""
        request = data.draw(st.sampled_from(self.awaited))
        state = ArbiterState.read(self.text)
        first = state.requests[request.name].epoch == state.pause.epoch
        try:
            pause = self.step(
                lambda arbiter: arbiter.rate_limited(request.name, retry_after, u=u, for_rate=True)
            )
        except RateLimitedError:
            return
        assert (pause is not None) == first
        if pause is not None:
            self.held_until = self.now + round(pause.seconds * S)
            for other in self.requests:
                other.probe = False
        self.latest = None

    @rule(holder=st.sampled_from(HOLDERS))
    def kill(self, holder: str) -> None:
        """Kill a process: its requests in flight arrive some time before their leases expire."""
        for request in self.in_flight:
            request.alive &= request.holder != holder
        self.latest = None

    @rule(holder=st.sampled_from(HOLDERS))
    def leave(self, holder: str) -> None:
        """Leave the queue."""
        self.step(lambda arbiter: arbiter.leave(holder))

    @invariant()
    def a_slot_comes_in_bounded_time(self) -> None:
        """A process that asks long enough is served: after the pause, the leases and the windows."""
        if not hasattr(self, "limits"):
            return
        now = self.now + self.shift
        seen = Arbiter(self.limits, ArbiterState.read(self.text), now=now, lease=LEASE).close()
        later = now + 1125 * S + LEASE + 13 * S + self.interval
        arbiter = Arbiter(self.limits, seen, now=later, lease=LEASE)
        assert isinstance(arbiter.reserve(SlotRequest("zoe", 0, 1, 1, 1, "", ("another day",))), Slot)

    @property
    def interval(self) -> int:
        """An upper bound of even spacing."""
        return round(self.limits.interval * 9 * S)

    def teardown(self) -> None:
        """Look back: no window ever held more requests than allowed."""
        if not hasattr(self, "limits"):
            return
        spans = [(request.sent, min(request.back, self.now)) for request in self.requests]
        for rate in self.limits.rates:
            window = round(rate.seconds * S)
            for _, begin in spans:
                assert sum(sent < begin + window and back >= begin for sent, back in spans) <= rate.requests
        for begin, _ in spans:
            assert sum(sent <= begin < back for sent, back in spans) <= self.limits.concurrency


TestArbiterAgainstOracle = ArbiterAgainstOracle.TestCase
TestArbiterAgainstOracle.settings = settings(max_examples=examples(150), stateful_step_count=50)
