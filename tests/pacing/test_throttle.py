"""What the gate and the brake of one account do together."""

from __future__ import annotations

import pytest

from hourlyclicks.errors import RateLimitedError
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.throttle import AdaptiveThrottle, Refusal, first_pause
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import S

SIX = Limits(rates=(Rate(6),), concurrency=4)


def given(throttle: AdaptiveThrottle, now: float) -> Slot:
    """Take a place that must be free, at a moment in seconds."""
    got = throttle.reserve(round(now * S))
    assert isinstance(got, Slot)
    return got


def refuse(
    throttle: AdaptiveThrottle, slot: Slot, now: float, seconds: float | None = None, *, for_rate: bool = True
) -> Refusal | None:
    """Let a request be refused, at a moment in seconds."""
    return throttle.refused(slot, seconds, now=round(now * S), u=0.0, for_rate=for_rate)


@pytest.mark.parametrize(
    ("rates", "seconds"), [((), 60.0), ((Rate(5, 10.0),), 10.0), ((Rate(5, 3600.0), Rate(1, 90.0)), 60.0)]
)
def test_the_first_pause(rates: tuple[Rate, ...], seconds: float) -> None:
    """It lasts as long as the shortest window, and at most a minute."""
    assert first_pause(Limits(rates=rates)) == seconds
    throttle = AdaptiveThrottle(Limits(rates=rates))
    assert refuse(throttle, given(throttle, 0), 0) == Refusal(seconds, None)


def test_a_refusal_pauses_everybody() -> None:
    """Nothing goes until the pause is over, and then a probe does."""
    throttle = AdaptiveThrottle(SIX)
    slot = given(throttle, 0)
    assert refuse(throttle, slot, 1, 30.0) == Refusal(30.0, None)
    assert throttle.reserve(2 * S) == Wait(31 * S, "pause")
    assert given(throttle, 31).probe
    assert throttle.reserve(31 * S) == Wait(None, "pause")


def test_a_burst_of_refusals_is_one() -> None:
    """What had left before the pause began neither lengthens nor ends it."""
    throttle = AdaptiveThrottle(SIX)
    first, second, third = (given(throttle, 0) for _ in range(3))
    refuse(throttle, first, 1, 30.0)
    assert refuse(throttle, second, 2, 60.0) is None
    assert not throttle.answered(third)
    assert throttle.reserve(3 * S) == Wait(31 * S, "pause")


def test_the_probe_ends_the_pause() -> None:
    """Its answer says that it is over, once."""
    throttle = AdaptiveThrottle(SIX)
    refuse(throttle, given(throttle, 0), 1, 30.0)
    probe = given(throttle, 31)
    assert throttle.answered(probe)
    assert not throttle.answered(probe)
    given(throttle, 31)


def test_the_second_refusal_spreads_the_requests() -> None:
    """The first one teaches nothing; each further one a step, if the rate was the reason."""
    throttle = AdaptiveThrottle(SIX)
    refuse(throttle, given(throttle, 0), 0, 1.0)
    found = refuse(throttle, given(throttle, 1), 1, 1.0)
    assert found is not None
    assert found.interval == pytest.approx(10.5)
    found = refuse(throttle, given(throttle, 61), 61, 1.0, for_rate=False)
    assert found == Refusal(1.0, None)


def test_without_a_rate_there_is_nothing_to_spread() -> None:
    """Unlimited requests stay so, whatever is refused."""
    throttle = AdaptiveThrottle(Limits(concurrency=4))
    for moment in (0, 10, 20, 30):
        assert refuse(throttle, given(throttle, moment), moment, 1.0) == Refusal(1.0, None)


def test_a_pause_that_is_too_long_is_none() -> None:
    """Who is told to wait for more than a quarter of an hour is told so, and nothing is held."""
    throttle = AdaptiveThrottle(SIX)
    with pytest.raises(RateLimitedError):
        refuse(throttle, given(throttle, 0), 0, 901.0)
    given(throttle, 0)
