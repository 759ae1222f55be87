"""The sliding window against an oracle that keeps every request it ever saw.

Time passes in half seconds, a nanosecond more or less, so that moments meet the edges of the windows.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.window import EVEN_SLACK, SlidingWindow, Slot
from tests.pacing.world import S
from tests.sizes import examples

if TYPE_CHECKING:
    from hourlyclicks.pacing.breaker import Wait

NEVER = 10**30
RATES = st.builds(Rate, st.integers(1, 4), st.integers(1, 12))
LIMITS = st.builds(
    Limits,
    rates=st.lists(RATES, min_size=1, max_size=3),
    concurrency=st.integers(1, 4),
    guard=st.sampled_from([0.0, 0.5, 1.0]),
    spacing=st.sampled_from(["window", "even"]),
)
MOMENTS = st.builds(
    lambda halves, more: max(0, halves * S // 2 + more), st.integers(0, 26), st.sampled_from([-1, 0, 1])
)


@attrs.define(eq=False)
class Sent:
    """A request as the oracle sees it."""

    slot: Slot
    sent: int
    even_until: int
    probe: bool
    back: int = NEVER
    abandoned: bool = False


class Oracle:
    """Decides whether a request may be sent by counting from the beginning each time."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requests: list[Sent] = []
        self.interval = self.after_response = 0
        self.held_until: int | None = None

    @property
    def waited_for(self) -> list[Sent]:
        """The requests whose response is awaited."""
        return [request for request in self.requests if request.back == NEVER]

    @property
    def abandoned(self) -> list[Sent]:
        """The abandoned requests that may still arrive, as far as was noticed."""
        return [request for request in self.requests if request.abandoned]

    def in_flight(self, now: int) -> list[Sent]:
        """Return what is in flight at a moment, if nothing returns until then."""
        return [request for request in self.requests if request.back > now]

    def expire(self, now: int) -> None:
        """Note the abandoned requests that can arrive no more."""
        for request in sorted(self.abandoned, key=lambda request: request.back):
            if request.back <= now:
                request.abandoned = False
                self.space_after(request.back)

    def space_after(self, moment: int) -> None:
        """Count the spacing from a response."""
        if self.after_response:
            last = self.requests[-1]
            last.even_until = max(last.even_until, moment + self.after_response)

    def space(self, slack: float, *, from_response: bool) -> None:
        """Spread the requests."""
        self.interval = ceil(ceil(self.limits.interval * S) * slack)
        self.after_response = self.interval if from_response else 0

    def allows(self, now: int) -> bool:
        """Return whether a request may be sent at this moment, if nothing returns until then."""
        return self.not_paused(now) and self.spread(now) and self.within_limits(now)

    def not_paused(self, now: int) -> bool:
        """Return whether the pause allows it."""
        if self.held_until is None:
            return True
        return now >= self.held_until and not any(request.probe for request in self.waited_for)

    def spread(self, now: int) -> bool:
        """Return whether even spacing allows it."""
        if self.after_response and self.in_flight(now):
            return False
        return all(now >= request.even_until for request in self.requests[-1:])

    def within_limits(self, now: int) -> bool:
        """Return whether the rates and the concurrency allow it."""
        return len(self.in_flight(now)) < self.limits.concurrency and all(
            sum(now < request.back + length for request in self.requests) < rate.requests
            for rate, length in self.windows(guard=self.limits.guard)
        )

    def windows(self, guard: float = 0.0) -> list[tuple[Rate, int]]:
        """Return each rate with the nanoseconds of its window."""
        return [(rate, round((rate.seconds + guard) * S)) for rate in self.limits.rates]


class WindowAgainstOracle(RuleBasedStateMachine):
    """The window allows exactly what the oracle allows."""

    window: SlidingWindow
    oracle: Oracle

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.latest: Sent | None = None

    @initialize(limits=LIMITS)
    def open(self, limits: Limits) -> None:
        """Begin."""
        self.window, self.oracle = SlidingWindow(limits), Oracle(limits)
        if limits.spacing == "even":
            self.oracle.space(EVEN_SLACK, from_response=False)

    @rule(length=MOMENTS)
    def pass_time(self, length: int) -> None:
        """Let time pass."""
        self.now += length
        self.latest = None

    @rule()
    def send(self) -> None:
        """Send if the window allows it; if not, it says at which moment it will, or what it waits for."""
        self.oracle.expire(self.now)
        got = self.window.reserve(self.now)
        assert isinstance(got, Slot) == self.oracle.allows(self.now)
        if isinstance(got, Slot):
            even_until = self.now + self.oracle.interval
            self.latest = Sent(got, self.now, even_until, self.oracle.held_until is not None)
            self.oracle.requests.append(self.latest)
        else:
            self.check_wait(got)

    def check_wait(self, wait: Wait) -> None:
        """Compare a wait with the oracle: no nanosecond too long, without a moment only if none is known."""
        if wait.until is None:
            assert not self.oracle.allows(NEVER - 1)
            return
        assert wait.until > self.now
        if wait.binding == "pause":
            assert wait.until == self.oracle.held_until
            return
        assert not self.oracle.allows(wait.until - 1)
        ends = [request.back for request in self.oracle.abandoned]
        assert self.oracle.allows(wait.until) or wait.until == min(ends)

    @precondition(lambda self: self.oracle.waited_for)
    @rule(data=st.data())
    def respond(self, data: st.DataObject) -> None:
        """Return a request that is in flight, with or without an answer."""
        request = data.draw(st.sampled_from(self.oracle.waited_for))
        if data.draw(st.booleans()) and request.slot.epoch == self.window.breaker.epoch:
            assert self.window.breaker.end() == (self.oracle.held_until is not None)
            self.oracle.held_until = None
        self.oracle.expire(self.now)
        self.window.release(request.slot, self.now)
        request.back = self.now
        self.oracle.space_after(self.now)
        self.latest = None

    @precondition(lambda self: self.oracle.waited_for)
    @rule(data=st.data(), length=MOMENTS)
    def abandon(self, data: st.DataObject, length: int) -> None:
        """Abandon a request in flight; it may arrive for a while."""
        request = data.draw(st.sampled_from(self.oracle.waited_for))
        self.oracle.expire(self.now)
        self.window.abandon(request.slot, self.now, self.now + length + 1)
        request.back, request.abandoned, request.probe = self.now + length + 1, True, False
        self.latest = None

    @precondition(lambda self: self.latest is not None)
    @rule()
    def cancel(self) -> None:
        """Cancel the slot that was granted last, at the moment of the grant."""
        assert self.latest is not None
        self.window.cancel(self.latest.slot)
        self.oracle.requests.remove(self.latest)
        self.latest = None

    @rule(length=MOMENTS)
    def pause(self, length: int) -> None:
        """Begin a pause."""
        self.oracle.held_until = self.now + length
        self.window.breaker.begin(self.now + length)
        for request in self.oracle.requests:
            request.probe = False
        self.latest = None

    @rule(slack=st.sampled_from([1.02, 1.05, 1.275]), from_response=st.booleans())
    def spread(self, slack: float, *, from_response: bool) -> None:
        """Spread the requests, more or less."""
        self.window.space(slack, from_response=from_response)
        self.oracle.space(slack, from_response=from_response)
        self.latest = None

    def teardown(self) -> None:
        """Look back: no window was ever met by the time in flight of more requests than it allows.

        Each may have arrived at any moment of that time, so all of them may have arrived in that window. The
        fullest windows begin where a request returned.
        """
        if not hasattr(self, "oracle"):
            return
        spans = [(request.sent, min(request.back, self.now)) for request in self.oracle.requests]
        for rate, window in self.oracle.windows():
            for _, begin in spans:
                assert sum(sent < begin + window and back >= begin for sent, back in spans) <= rate.requests
        for begin, _ in spans:
            under_way = sum(sent <= begin < back for sent, back in spans)
            assert under_way <= self.oracle.limits.concurrency


TestGateAgainstOracle = WindowAgainstOracle.TestCase
TestGateAgainstOracle.settings = settings(max_examples=examples(100), stateful_step_count=50)
