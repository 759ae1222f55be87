from __future__ import annotations

import itertools

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.pacing.eta import Estimate, forecast, theoretical_minimum
from hourlyclicks.pacing.plans import Limits, Plan, Rate
from hourlyclicks.pacing.window import EVEN_SLACK
from tests.sizes import examples

REQUESTS = st.integers(1, 150)
WHOLE = st.integers(1, 40)
RATES = st.builds(Rate, st.integers(1, 12), st.integers(1, 60))


@attrs.define
class Greedy:
    """The fastest schedule: each request is sent as early as possible.

    Each slot of a window is taken again `held` seconds after the window's length.
    """

    limits: Limits
    latency: float
    held: float = 0.0
    interval: float = 0.0
    sent: list[float] = attrs.Factory(list)

    def after(self, requests: int, seconds: float) -> float:
        """Return the earliest moment that a request so many places back allows."""
        return self.sent[-requests] + seconds if len(self.sent) >= requests else 0.0

    def makespan(self, requests: int) -> float:
        """Send so many requests and return when the last is answered."""
        for _ in range(requests):
            bounds = [
                self.after(1, self.interval),
                self.after(self.limits.concurrency, self.latency),
                *(self.after(rate.requests, rate.seconds + self.held) for rate in self.limits.rates),
            ]
            self.sent.append(max(bounds))
        return self.sent[-1] + self.latency


def as_the_window_does(limits: Limits, latency: float) -> Greedy:
    """Hold slots as long as the window does: from the response on, with the guard."""
    interval = limits.interval * EVEN_SLACK if limits.spacing == "even" else 0.0
    return Greedy(limits, latency, limits.guard + latency, interval)


def test_the_minimum_is_what_the_fastest_schedule_takes() -> None:
    """The theoretical minimum equals the makespan of the greedy schedule, to the second."""
    cases = itertools.product([1, 8, 41, 98, 134], [1, 5, 8], [15, 23, 60], [1, 4, 6], [0, 3, 14, 20])
    for requests, size, window, concurrency, latency in cases:
        rate = Rate(size, window)
        greedy = Greedy(Limits(rates=(rate,), concurrency=concurrency), latency)
        minimum = theoretical_minimum(requests, rate, concurrency=concurrency, latency=latency)
        assert minimum == greedy.makespan(requests)


@given(REQUESTS, RATES, st.integers(1, 6), WHOLE)
def test_no_schedule_is_faster(requests: int, rate: Rate, concurrency: int, latency: int) -> None:
    """The same holds for random sizes, windows, concurrencies and latencies."""
    greedy = Greedy(Limits(rates=(rate,), concurrency=concurrency), latency)
    minimum = theoretical_minimum(requests, rate, concurrency=concurrency, latency=latency)
    assert minimum == greedy.makespan(requests)


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_nothing_takes_no_time(concurrency: int) -> None:
    """No requests take no time, even if the latency is longer than the window."""
    assert theoretical_minimum(0, Rate(9), concurrency=concurrency, latency=10.0) == 0.0
    assert forecast(0, Limits(concurrency=concurrency), latency=10.0) == Estimate(0, 0.0, "latency")


@given(REQUESTS, RATES, st.integers(1, 6), WHOLE, st.sampled_from(["window", "even"]))
def test_the_forecast_of_one_rate_is_exact(
    requests: int, rate: Rate, concurrency: int, latency: int, spacing: str
) -> None:
    """With one rate the forecast is what the window takes, for any latency and both kinds of spacing."""
    limits = Limits(rates=(rate,), concurrency=concurrency, spacing=spacing)  # type: ignore[arg-type]  # drawn from the two
    expected = as_the_window_does(limits, latency).makespan(requests)
    assert forecast(requests, limits, latency=latency).seconds == pytest.approx(expected)


@settings(max_examples=examples(200))
@given(REQUESTS, st.lists(RATES, min_size=2, max_size=3), st.integers(1, 6), WHOLE)
def test_the_forecast_of_several_rates_is_exact(
    requests: int, rates: list[Rate], concurrency: int, latency: int
) -> None:
    """With several rates the forecast is what the window takes."""
    limits = Limits(rates=rates, concurrency=concurrency)
    expected = as_the_window_does(limits, latency).makespan(requests)
    assert forecast(requests, limits, latency=latency).seconds == pytest.approx(expected)


@pytest.mark.parametrize("plan", [plan for plan in Plan if plan is not Plan.FREE])
@pytest.mark.parametrize("requests", [1, 9, 10, 365, 3653])
def test_the_forecast_of_a_plan(plan: Plan, requests: int) -> None:
    """For every plan the forecast is exact and not below the minimum."""
    limits = plan.limits
    seconds = forecast(requests, limits, latency=0.3).seconds
    minimum = theoretical_minimum(requests, limits.rates[0], concurrency=limits.concurrency, latency=0.3)
    assert seconds == pytest.approx(as_the_window_does(limits, 0.3).makespan(requests))
    assert minimum <= seconds <= minimum * 1.023


@pytest.mark.parametrize(
    ("requests", "limits", "expected"),
    [
        (1, Limits(rates=(Rate(1),)), Estimate(1, 0.5, "latency")),
        (3, Limits(concurrency=4), Estimate(3, 0.5, "latency")),
        (5, Limits(concurrency=2), Estimate(5, 1.5, "concurrency")),
        (5, Limits(rates=(Rate(5),)), Estimate(5, 2.5, "concurrency")),
        (6, Limits(rates=(Rate(5),)), Estimate(6, 62.0, "rate")),
        (3, Limits(rates=(Rate(5),), spacing="even"), Estimate(3, 25.7, "rate")),
        (8, Limits(rates=(Rate(5, 3600), Rate(2))), Estimate(8, 3663.5, "rate")),
    ],
)
def test_what_binds(requests: int, limits: Limits, expected: Estimate) -> None:
    """An estimate names what decides it: the rate, the concurrency, or the latency."""
    estimate = forecast(requests, limits, latency=0.5)
    assert attrs.evolve(estimate, seconds=round(estimate.seconds, 6)) == expected
