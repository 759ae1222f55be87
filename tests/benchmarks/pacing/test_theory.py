"""The theoretical minimum, against hand-made and exhaustive answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pacing.runs import PLANS, Scene
from benchmarks.pacing.theory import least_seconds
from hourlyclicks.pacing.eta import theoretical_minimum

if TYPE_CHECKING:
    from hourlyclicks import Plan


def _as_early_as_possible(requests: int, rate: int, window: int, concurrency: int, latency: int) -> int:
    """Return when the last response comes if each request leaves as soon as nothing speaks against it."""
    sent: list[int] = []
    for number in range(requests):
        moment = 0
        if number >= rate:
            moment = max(moment, sent[number - rate] + window)
        if number >= concurrency:
            moment = max(moment, sent[number - concurrency] + latency)
        sent.append(moment)
    return sent[-1] + latency


@given(
    requests=st.integers(1, 40),
    rate=st.integers(1, 7),
    window=st.integers(1, 30),
    concurrency=st.integers(1, 5),
    latency=st.integers(1, 20),
)
def test_no_schedule_is_faster(requests: int, rate: int, window: int, concurrency: int, latency: int) -> None:
    """The formula says when the last response comes if everything leaves as early as possible."""
    least = least_seconds(requests, rate=rate, window=window, concurrency=concurrency, latency=latency)
    assert least == _as_early_as_possible(requests, rate, window, concurrency, latency)


def test_one_request_takes_one_round_trip() -> None:
    """With nothing before it a request only has its own way to go."""
    assert least_seconds(1, rate=9, window=60.0, concurrency=1, latency=0.3) == 0.3


def test_ten_years_at_fifteen_a_minute() -> None:
    """243 windows pass, and the 8 days that are left take 8 round trips."""
    least = least_seconds(3653, rate=15, window=60.0, concurrency=1, latency=0.305)
    assert least == pytest.approx(243 * 60 + 8 * 0.305)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("requests", [1, 30, 365, 3653])
def test_the_package_says_the_same(plan: Plan, requests: int) -> None:
    """Two formulas that know nothing of each other agree on every plan."""
    scene = Scene(plan, requests, (0.005, 0.3), seed=0)
    limits = plan.limits
    theirs = theoretical_minimum(requests, limits.rates[0], concurrency=limits.concurrency, latency=0.305)
    assert scene.least == pytest.approx(theirs)
