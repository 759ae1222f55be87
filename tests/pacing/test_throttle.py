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
    Spacing,
    Throttled,
    first_pause,
)
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import S

DOUBLED = [60, 120, 240, 480, 900, 900, 900, 900, 900, 900]
SIX = Limits(rates=(Rate(6),), concurrency=4)


def given(throttle: AdaptiveThrottle, now: float) -> Slot:
    """Take a place that must be free, at a moment in seconds."""
    got = throttle.reserve(round(now * S))
    assert isinstance(got, Slot)
    return got


def refuse(
    throttle: AdaptiveThrottle, slot: Slot, now: float, seconds: float | None = None, *, for_rate: bool = True
) -> Throttled | None:
    """Let a request be refused, at a moment in seconds."""
    return throttle.rate_limited(slot, seconds, now=round(now * S), u=0.0, for_rate=for_rate)


@pytest.mark.parametrize(
    ("rates", "seconds"), [((), 60.0), ((Rate(5, 10.0),), 10.0), ((Rate(5, 3600.0), Rate(1, 90.0)), 60.0)]
)
def test_the_first_pause(rates: tuple[Rate, ...], seconds: float) -> None:
    """It lasts as long as the shortest window, and at most a minute."""
    assert first_pause(Limits(rates=rates)) == seconds
    throttle = AdaptiveThrottle(Limits(rates=rates))
    assert refuse(throttle, given(throttle, 0), 0) == Throttled(seconds, None)


def test_a_refusal_pauses_everybody() -> None:
    """Nothing goes until the pause is over, and then a probe does."""
    throttle = AdaptiveThrottle(SIX)
    slot = given(throttle, 0)
    assert refuse(throttle, slot, 1, 30.0) == Throttled(30.0, None)
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
    assert found == Throttled(1.0, None)


def test_without_a_rate_there_is_nothing_to_spread() -> None:
    """Unlimited requests stay so, whatever is refused."""
    throttle = AdaptiveThrottle(Limits(concurrency=4))
    for moment in (0, 10, 20, 30):
        assert refuse(throttle, given(throttle, moment), moment, 1.0) == Throttled(1.0, None)


def test_a_pause_that_is_too_long_is_none() -> None:
    """Who is told to wait for more than a quarter of an hour is told so, and nothing is held."""
    throttle = AdaptiveThrottle(SIX)
    with pytest.raises(RateLimitedError):
        refuse(throttle, given(throttle, 0), 0, 901.0)
    given(throttle, 0)


# -- the spacing alone


def spacing(*, step: int = 0, forget_after: int = 3) -> AdaptiveSpacing:
    """Make a brake for windows of a minute."""
    return AdaptiveSpacing(first_pause=60.0, forget_after=forget_after, step=step)


def step_after_429(held: AdaptiveSpacing) -> Spacing | None:
    """Meet a refusal as the limiter does."""
    held.rate_limited(None, 0.0)
    return held.next_step()


def test_the_brake_gives_up() -> None:
    """After ten pauses without an answer the eleventh refusal is an error that names no length."""
    held = spacing()
    assert [held.rate_limited(None, 0.0) for _ in range(10)] == DOUBLED
    with pytest.raises(RateLimitedError, match="after 10 pauses") as caught:
        held.rate_limited(None, 0.0)
    assert caught.value.retry_after is None


def test_an_answer_lets_the_brake_go_on() -> None:
    """The bound is on pauses without an answer, not on pauses."""
    held = spacing()
    for _ in range(50):
        assert held.rate_limited(None, 0.0) == 60
        held.answered()


def test_too_long_a_wish_is_refused_at_once() -> None:
    """900 s are waited for; a second more is an error at once, which carries the wish."""
    held = spacing()
    assert held.rate_limited(LONGEST_WAIT, 0.0) == 900
    with pytest.raises(RateLimitedError, match="asks to wait 901 s") as caught:
        held.rate_limited(901.0, 0.0)
    assert caught.value.retry_after == 901.0


def test_one_refusal_teaches_nothing() -> None:
    """The first refusal leaves the spacing as it is; from the second on it grows, to its last step."""
    held = spacing()
    steps = [held.next_step() for _ in range(13)]
    stretched = [Spacing(1.02 * 1.25**power, from_response=True) for power in range(10)]
    assert steps == [
        None,
        Spacing(1.05, from_response=False),
        *stretched,
        Spacing(1.02 * 8, from_response=True),
    ]


def test_the_last_step_is_the_last() -> None:
    """A client that is refused for years neither overflows nor tells of changes that are none."""
    held = spacing()
    for _ in range(13):
        held.next_step()
    assert {held.next_step() for _ in range(5000)} == {None}


def test_even_spacing_is_one_step_ahead() -> None:
    """Who spaces evenly from the beginning learns from the first refusal."""
    assert spacing(step=1).next_step() == Spacing(1.02, from_response=True)


def test_a_single_refusal_is_forgotten() -> None:
    """After a calm the next refusal is a first one again; after less of a calm it is the second."""
    held = spacing(forget_after=3)
    assert step_after_429(held) is None
    for _ in range(3):
        held.answered()
    assert step_after_429(held) is None
    for _ in range(2):
        held.answered()
    assert step_after_429(held) == Spacing(1.05, from_response=False)


def test_even_spacing_is_kept() -> None:
    """No calm is long enough to go back to bursts once two refusals have shown that they are refused."""
    held = spacing(forget_after=3)
    held.next_step()
    held.next_step()
    for _ in range(100):
        held.answered()
    assert held.next_step() == Spacing(1.02, from_response=True)
