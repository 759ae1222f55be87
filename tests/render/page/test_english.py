from __future__ import annotations

import datetime as dt

import pytest

from hourlyclicks.render.page.english import compact, in_full, short, stretch, stretches, with_weekday

MARCH = dt.date(2025, 3, 3)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (7, "7"),
        (145.4, "145"),
        (999.4, "999"),
        (999.6, "1k"),
        (2069, "2.07k"),
        (9573, "9.57k"),
        (3427076, "3.43M"),
        (2**63, "9.22E"),
    ],
)
def test_numbers_have_three_digits(number: float, words: str) -> None:
    """A unit stands for the thousands."""
    assert compact(number) == words


def test_days_are_in_english() -> None:
    """In full, short, and with the day of the week."""
    assert (in_full(MARCH), short(MARCH), short(MARCH, year=False)) == ("3 March 2025", "3 Mar 2025", "3 Mar")
    assert with_weekday(MARCH) == "Mon 3 Mar 2025"


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (dt.date(2025, 3, 3), "3 Mar 2025"),
        (dt.date(2025, 3, 8), "3 – 8 Mar 2025"),
        (dt.date(2025, 4, 1), "3 Mar – 1 Apr 2025"),
        (dt.date(2026, 3, 8), "3 Mar 2025 – 8 Mar 2026"),
    ],
)
def test_a_stretch_repeats_nothing(last: dt.date, words: str) -> None:
    """The month and the year are named once where both ends have the same."""
    assert stretch(MARCH, last) == words


def test_many_stretches_are_counted() -> None:
    """Twenty are named, and the number of the others."""
    spans = [(MARCH + dt.timedelta(days=2 * place),) * 2 for place in range(23)]
    said = stretches([(first, last) for first, last in spans])
    assert said.count(",") == 19
    assert said.endswith(" and 3 more stretches of days")
    assert stretches([]) == ""
