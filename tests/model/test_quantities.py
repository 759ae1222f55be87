"""Numbers and durations in words."""

from __future__ import annotations

import pytest

from hourlyclicks.model.quantities import count, duration
from tests.cases import every_case


@every_case(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3599.6, "1 h"),
        (24_796, "6 h 53 min"),
        (86_399, "1 d"),
        (183_600, "2 d 3 h"),
        (86_400 * 1500, "1,500 d"),
    ],
)
def test_a_duration_has_two_units(seconds: float, words: str) -> None:
    """Seconds become the two largest units, rounded."""
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (1, "day", "1 day"),
        (3653, "day", "3,653 days"),
        (200, "key", "200 keys"),
        (0, "retry", "0 retries"),
        (1, "retry", "1 retry"),
    ],
)
def test_a_number_agrees_with_its_noun(number: int, noun: str, words: str) -> None:
    """One is singular, all others are plural."""
    assert count(number, noun) == words
