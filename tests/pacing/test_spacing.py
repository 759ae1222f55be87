from __future__ import annotations

import math

import pytest

from hourlyclicks.errors import RateLimitedError
from hourlyclicks.pacing.spacing import LONGEST_WAIT, MOST_PAUSES, AdaptiveSpacing, OpenIntervals, Spacing

DOUBLED = [60, 120, 240, 480, 900, 900, 900, 900, 900, 900]


def spacing(*, step: int = 0, calm: int = 3) -> AdaptiveSpacing:
    """Make a brake for windows of a minute."""
    return AdaptiveSpacing(first_pause=60.0, calm=calm, step=step)


def refuse(held: AdaptiveSpacing) -> Spacing | None:
    """Meet a refusal as the limiter does."""
    held.refused(None, 0.0)
    return held.next_step()


def test_pauses_double() -> None:
    """Without a wish of the server the first pause is a window, the next twice that, up to fifteen."""
    backoff = OpenIntervals(60.0)
    assert [backoff.next(None, 0.0) for _ in range(MOST_PAUSES)] == DOUBLED
    assert backoff.spent


def test_the_longest_run_of_pauses_does_not_overflow() -> None:
    """However many pauses there are, each has a length."""
    backoff = OpenIntervals(60.0)
    assert {backoff.next(None, 0.0) for _ in range(5000)} == set(DOUBLED)


def test_the_server_names_the_length() -> None:
    """A wish of the server is granted, and counts as a pause."""
    backoff = OpenIntervals(60.0)
    assert backoff.next(7.5, 0.0) == 7.5
    assert backoff.next(None, 0.0) == 120


@pytest.mark.parametrize("asked", [None, 40.0])
def test_chance_makes_it_up_to_a_quarter_longer(asked: float | None) -> None:
    """Chance lengthens a pause by at most a quarter, and never shortens it, whoever named its length."""
    length = asked or 60.0
    assert OpenIntervals(60.0).next(asked, 0.5) == length * 1.125
    assert OpenIntervals(60.0).next(asked, math.nextafter(1.0, 0.0)) == pytest.approx(length * 1.25)


def test_an_answer_begins_anew() -> None:
    """An answer between two pauses makes the next one short again, and the count of pauses zero."""
    backoff = OpenIntervals(60.0)
    for _ in range(MOST_PAUSES):
        backoff.next(None, 0.0)
    backoff.answered()
    assert not backoff.spent
    assert backoff.next(None, 0.0) == 60


def test_the_brake_gives_up() -> None:
    """After ten pauses without an answer the eleventh refusal is an error that names no length."""
    held = spacing()
    assert [held.refused(None, 0.0) for _ in range(10)] == DOUBLED
    with pytest.raises(RateLimitedError, match="after 10 pauses") as caught:
        held.refused(None, 0.0)
    assert caught.value.retry_after is None


def test_an_answer_lets_the_brake_go_on() -> None:
    """The bound is on pauses without an answer, not on pauses."""
    held = spacing()
    for _ in range(50):
        assert held.refused(None, 0.0) == 60
        held.answered()


def test_too_long_a_wish_is_refused_at_once() -> None:
    """900 s are waited for; a second more is an error at once, which carries the wish."""
    held = spacing()
    assert held.refused(LONGEST_WAIT, 0.0) == 900
    with pytest.raises(RateLimitedError, match="asks to wait 901 s") as caught:
        held.refused(901.0, 0.0)
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
    held = spacing(calm=3)
    assert refuse(held) is None
    for _ in range(3):
        held.answered()
    assert refuse(held) is None
    for _ in range(2):
        held.answered()
    assert refuse(held) == Spacing(1.05, from_response=False)


def test_even_spacing_is_kept() -> None:
    """No calm is long enough to go back to bursts once two refusals have shown that they are refused."""
    held = spacing(calm=3)
    held.next_step()
    held.next_step()
    for _ in range(100):
        held.answered()
    assert held.next_step() == Spacing(1.02, from_response=True)
