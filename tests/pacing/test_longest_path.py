"""The ETA against an event-by-event simulation that drives a real window."""

from __future__ import annotations

import copy
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.snapshot import Moment
from hourlyclicks.pacing.window import EVEN_SLACK, SlidingWindow, Slot
from tests.pacing.world import S
from tests.sizes import examples

if TYPE_CHECKING:
    from random import Random

    from hourlyclicks.events import Binding

UNLIMITED = 10**9

LIMITS = st.builds(
    Limits,
    rates=st.lists(st.builds(Rate, st.integers(1, 12), st.integers(1, 40)), max_size=3),
    concurrency=st.integers(1, 5),
    guard=st.sampled_from([0.0, 0.3, 1.0]),
)
SPACINGS = st.sampled_from([None, None, (EVEN_SLACK, False), (0.3, False), (1.02, True), (2.5, True)])
"""The interval as a multiple of the average, and whether it is counted from the response."""
LATENCIES = st.one_of(
    st.sampled_from([0, 1, S // 4, S, 2 * S, 7 * S]), st.integers(0, 30 * S), st.integers(0, S // 2)
)
LENGTHS = st.one_of(st.integers(0, 3).map(lambda whole: whole * S), st.integers(0, 20 * S))
PASTS = st.lists(
    st.tuples(
        st.sampled_from(["send", "send", "send", "wait", "return", "return", "abandon", "break"]), LENGTHS
    ),
    max_size=25,
)


@attrs.define
class Simulation:
    """A window, the requests in flight, and the time."""

    window: SlidingWindow
    now: int = 0
    in_flight: list[Slot] = attrs.Factory(list)

    def live(self, past: list[tuple[str, int]]) -> None:
        """Replay a past, as far as the window allows it."""
        for what, length in past:
            if what == "wait":
                self.now += length
            elif what == "break":
                self.window.breaker.begin(self.now + length)
            elif what == "send":
                got = self.window.reserve(self.now)
                if isinstance(got, Slot):
                    self.in_flight.append(got)
            elif self.in_flight:
                slot = self.in_flight.pop(length % len(self.in_flight))
                if what == "return":
                    self.answer(slot)
                else:
                    self.window.abandon(slot, self.now, self.now + length)

    def answer(self, slot: Slot) -> None:
        """Note a response; that of the probe closes the circuit breaker."""
        if slot.probe and slot.epoch == self.window.breaker.epoch:
            self.window.breaker.end()
        self.window.release(slot, self.now)

    def without(self, *, rates: bool = False, concurrency: bool = False) -> Simulation:
        """Return a copy without the rates and their spacing, and optionally without the concurrency."""
        other = copy.deepcopy(self)
        window = other.window
        if rates:
            window._windows, window._even = [], 0
        if concurrency:
            window._concurrency = UNLIMITED
        window._keep_interval(0 if rates else window._interval, from_response=window._after_response > 0)
        return other

    def run(self, requests: int, latency: int, opens: int = 0) -> int:
        """Send so many requests, each as early as the window allows; return when all are answered."""
        number, returns = count(), list[tuple[int, int, Slot]]()
        for slot in self.in_flight:
            heappush(returns, (max(self.now, slot.sent + latency), next(number), slot))
        self.now, sent, last = max(self.now, opens) if not returns else self.now, 0, 0
        while True:
            while returns and returns[0][0] <= self.now:
                self.answer(heappop(returns)[2])
            got = None
            while sent < requests and self.now >= opens:
                got = self.window.reserve(self.now)
                if not isinstance(got, Slot):
                    break
                sent, last = sent + 1, self.now + latency
                heappush(returns, (last, next(number), got))
            if sent == requests:
                return last
            moments = [moment for moment, *_ in returns[:1]]
            if got is not None and not isinstance(got, Slot) and got.until is not None:
                moments.append(got.until)
            if self.now < opens:
                moments.append(opens)
            self.now = min(moments)

    def expected(self, requests: int, latency: int, opens: int = 0) -> Moment:
        """Return what simulations find: the end, and the first limit without which it would be earlier."""
        end = copy.deepcopy(self).run(requests, latency, opens)
        unpaced = self.without(rates=True).run(requests, latency, opens)
        unlimited = self.without(rates=True, concurrency=True).run(requests, latency, opens)
        binding: Binding = "latency"
        if end > unpaced:
            binding = "rate"
        elif unpaced > unlimited:
            binding = "concurrency"
        elif unlimited > self.now + latency:
            binding = "pause"
        return Moment(end, binding)


def begin(limits: Limits, spacing: tuple[float, bool] | None) -> Simulation:
    """Begin with a fresh window."""
    window = SlidingWindow(limits)
    if spacing is not None:
        window.space(spacing[0], from_response=spacing[1])
    return Simulation(window)


@settings(max_examples=examples(1000))
@given(LIMITS, SPACINGS, PASTS, st.integers(1, 300), LATENCIES, st.one_of(st.just(0), LENGTHS))
@example(Limits((Rate(7, 10), Rate(10, 15)), 3), None, [], 200, S // 4, 0)
@example(Limits((Rate(4, 7),), 3), (0.3, False), [("send", 0)] * 4, 100, S, 0)
def test_the_eta_is_what_a_simulation_takes(
    limits: Limits,
    spacing: tuple[float, bool] | None,
    past: list[tuple[str, int]],
    requests: int,
    latency: int,
    opens: int,
) -> None:
    """After any past the end of any number of requests, and what binds, is right to the nanosecond."""
    simulation = begin(limits, spacing)
    simulation.live(past)
    opens += simulation.now if opens else 0
    expected = simulation.expected(requests, latency, opens)
    assert simulation.window.finish(requests, simulation.now, latency, opens=opens) == expected


@settings(max_examples=examples(200))
@given(LIMITS, SPACINGS, PASTS, PASTS, st.integers(1, 300), LATENCIES)
@example(Limits((Rate(2, 1),)), None, [], [("send", 0), ("return", 0), ("wait", 3 * S)] * 40, 9, S)
def test_a_snapshot_does_not_change(
    limits: Limits,
    spacing: tuple[float, bool] | None,
    past: list[tuple[str, int]],
    future: list[tuple[str, int]],
    requests: int,
    latency: int,
) -> None:
    """Later events, a pause and the trimming of the log included, do not move the computed end."""
    simulation = begin(limits, spacing)
    simulation.live(past)
    expected = simulation.window.finish(requests, simulation.now, latency)
    snapshot = simulation.window.snapshot(simulation.now)
    for _ in range(4):
        simulation.live(future)
    simulation.window.space(3.0, from_response=True)
    assert snapshot.finish(requests, latency) == expected


SIZES = [
    Limits((Rate(24),), 2),
    Limits((Rate(60),), 3),
    Limits((Rate(24), Rate(100, 3600)), 2),
    Limits((Rate(5, 1), Rate(24), Rate(130, 400)), 3),
]


@settings(max_examples=examples(100))
@given(
    st.sampled_from(SIZES),
    SPACINGS,
    st.integers(1, 300),
    st.integers(1, 200),
    st.randoms(use_true_random=False),
)
def test_the_eta_in_the_middle_of_a_run(
    limits: Limits, spacing: tuple[float, bool] | None, sent: int, requests: int, random: Random
) -> None:
    """It is as exact with windows as large as those of a plan, and after latencies that varied."""
    simulation = begin(limits, spacing)
    window, returns = simulation.window, list[tuple[int, int, Slot]]()
    for number in range(sent):
        while not isinstance(got := window.reserve(simulation.now), Slot):
            simulation.now = (
                returns[0][0] if got.until is None else min([got.until, *(r[0] for r in returns[:1])])
            )
            while returns and returns[0][0] <= simulation.now:
                simulation.answer(heappop(returns)[2])
        heappush(returns, (simulation.now + random.randrange(S // 10, 2 * S), number, got))
    simulation.in_flight = [slot for *_, slot in sorted(returns)]
    expected = simulation.expected(requests, S // 2)
    assert window.finish(requests, simulation.now, S // 2) == expected
