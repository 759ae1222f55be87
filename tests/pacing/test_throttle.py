"""What a 429 changes: how long all requests pause, and how they are spread afterwards."""

from __future__ import annotations

import pytest

from hourlyclicks.errors import RateLimitedError
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.throttle import (
    LONGEST_WAIT,
    AdaptiveSpacing,
    AdaptiveThrottle,
    SpacingStep,
    Throttled,
    first_pause,
)
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import S

DOUBLED = [60, 120, 240, 480, 900, 900, 900, 900, 900, 900]
SIX = Limits(rates=(Rate(6),), concurrency=4)


def granted(throttle: AdaptiveThrottle, now: float) -> Slot:
    """Return a slot that must be free, at a moment in seconds."""
    got = throttle.reserve(round(now * S))
    assert isinstance(got, Slot)
    return got


def rate_limit(
    throttle: AdaptiveThrottle, slot: Slot, now: float, seconds: float | None = None, *, for_rate: bool = True
) -> Throttled | None:
    """Answer a request with a 429, at a moment in seconds."""
    return throttle.rate_limited(slot, seconds, now=round(now * S), u=0.0, for_rate=for_rate)


@pytest.mark.parametrize(
    ("rates", "seconds"), [((), 60.0), ((Rate(5, 10.0),), 10.0), ((Rate(5, 3600.0), Rate(1, 90.0)), 60.0)]
)
def test_the_first_pause(rates: tuple[Rate, ...], seconds: float) -> None:
    """It lasts as long as the shortest window, and at most a minute."""
    assert first_pause(Limits(rates=rates)) == seconds
    throttle = AdaptiveThrottle(Limits(rates=rates))
    assert rate_limit(throttle, granted(throttle, 0), 0) == Throttled(seconds, None)


def test_a_429_pauses_all_requests() -> None:
    """Nothing is sent until the pause is over; then a probe is sent."""
    throttle = AdaptiveThrottle(SIX)
    slot = granted(throttle, 0)
    assert rate_limit(throttle, slot, 1, 30.0) == Throttled(30.0, None)
    assert throttle.reserve(2 * S) == Wait(31 * S, "pause")
    assert granted(throttle, 31).probe
    assert throttle.reserve(31 * S) == Wait(None, "pause")


def test_a_burst_of_429_answers_is_one() -> None:
    """Requests that were sent before the pause neither lengthen nor end it."""
    throttle = AdaptiveThrottle(SIX)
    first, second, third = (granted(throttle, 0) for _ in range(3))
    rate_limit(throttle, first, 1, 30.0)
    assert rate_limit(throttle, second, 2, 60.0) is None
    assert not throttle.answered(third)
    assert throttle.reserve(3 * S) == Wait(31 * S, "pause")


def test_the_probe_ends_the_pause() -> None:
    """Its answer ends the pause, once."""
    throttle = AdaptiveThrottle(SIX)
    rate_limit(throttle, granted(throttle, 0), 1, 30.0)
    probe = granted(throttle, 31)
    assert throttle.answered(probe)
    assert not throttle.answered(probe)
    granted(throttle, 31)


def test_the_second_429_spreads_the_requests() -> None:
    """The first one changes no spacing; each further one adds a step, if the rate was the reason."""
    throttle = AdaptiveThrottle(SIX)
    rate_limit(throttle, granted(throttle, 0), 0, 1.0)
    found = rate_limit(throttle, granted(throttle, 1), 1, 1.0)
    assert found is not None
    assert found.interval == pytest.approx(10.5)
    found = rate_limit(throttle, granted(throttle, 61), 61, 1.0, for_rate=False)
    assert found == Throttled(1.0, None)


def test_without_a_rate_there_is_nothing_to_spread() -> None:
    """Unlimited requests stay unlimited after any number of 429s."""
    throttle = AdaptiveThrottle(Limits(concurrency=4))
    for moment in (0, 10, 20, 30):
        assert rate_limit(throttle, granted(throttle, moment), moment, 1.0) == Throttled(1.0, None)


def test_too_long_a_retry_after_begins_no_pause() -> None:
    """A Retry-After of more than 15 minutes is an error, and no request is held."""
    throttle = AdaptiveThrottle(SIX)
    with pytest.raises(RateLimitedError):
        rate_limit(throttle, granted(throttle, 0), 0, 901.0)
    granted(throttle, 0)


# -- the spacing alone


def spacing(*, step: int = 0, forget_after: int = 3) -> AdaptiveSpacing:
    """Return an adaptive spacing for windows of a minute."""
    return AdaptiveSpacing(first_pause=60.0, forget_after=forget_after, step=step)


def step_after_429(held: AdaptiveSpacing) -> SpacingStep | None:
    """Handle a 429 as the limiter does."""
    held.rate_limited(None, 0.0)
    return held.next_step()


def test_after_ten_pauses_a_429_is_an_error() -> None:
    """After ten pauses without an answer the eleventh 429 is an error without a length."""
    held = spacing()
    assert [held.rate_limited(None, 0.0) for _ in range(10)] == DOUBLED
    with pytest.raises(RateLimitedError, match="after 10 pauses") as caught:
        held.rate_limited(None, 0.0)
    assert caught.value.retry_after is None


def test_an_answer_resets_the_number_of_pauses() -> None:
    """The limit is on pauses without an answer, not on pauses."""
    held = spacing()
    for _ in range(50):
        assert held.rate_limited(None, 0.0) == 60
        held.answered()


def test_too_long_a_retry_after_is_an_error() -> None:
    """900 s are accepted; one second more is an error at once, which carries the length."""
    held = spacing()
    assert held.rate_limited(LONGEST_WAIT, 0.0) == 900
    with pytest.raises(RateLimitedError, match="asks to wait 901 s") as caught:
        held.rate_limited(901.0, 0.0)
    assert caught.value.retry_after == 901.0


def test_the_spacing_grows_from_the_second_429_on() -> None:
    """The first 429 leaves the spacing as it is; from the second on it grows, up to the last step."""
    held = spacing()
    steps = [held.next_step() for _ in range(13)]
    stretched = [SpacingStep(1.02 * 1.25**power, from_response=True) for power in range(10)]
    assert steps == [
        None,
        SpacingStep(1.05, from_response=False),
        *stretched,
        SpacingStep(1.02 * 8, from_response=True),
    ]


def test_the_last_step_is_the_last() -> None:
    """Any number of further 429s causes neither an overflow nor another change."""
    held = spacing()
    for _ in range(13):
        held.next_step()
    assert {held.next_step() for _ in range(5000)} == {None}


def test_even_spacing_is_one_step_ahead() -> None:
    """A client with even spacing adapts from the first 429 on."""
    assert spacing(step=1).next_step() == SpacingStep(1.02, from_response=True)


def test_a_single_429_is_forgotten() -> None:
    """After enough answers the next 429 counts as a first one; after fewer it is the second."""
    held = spacing(forget_after=3)
    assert step_after_429(held) is None
    for _ in range(3):
        held.answered()
    assert step_after_429(held) is None
    for _ in range(2):
        held.answered()
    assert step_after_429(held) == SpacingStep(1.05, from_response=False)


def test_even_spacing_is_kept() -> None:
    """No number of answers brings back window spacing after two 429s."""
    held = spacing(forget_after=3)
    held.next_step()
    held.next_step()
    for _ in range(100):
        held.answered()
    assert held.next_step() == SpacingStep(1.02, from_response=True)
