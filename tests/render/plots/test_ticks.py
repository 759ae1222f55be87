"""Labels of days and counts."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import DateRange
from hourlyclicks.render.plots.ticks import day_ticks, short, span
from tests.sizes import examples

DATES = st.dates(dt.date(1, 1, 1), dt.date(9990, 1, 1))


@settings(max_examples=examples(200))
@given(DATES, st.one_of(st.integers(1, 60), st.integers(1, 5000), st.integers(1, 3_000_000)))
def test_labels_are_few_and_in_order(start: dt.date, days: int) -> None:
    """There is at least one label, never more than 31, each within the range, and the first says the year."""
    days = min(days, dt.date.max.toordinal() - start.toordinal() + 1)
    whole = DateRange(start, start + dt.timedelta(days=days - 1))
    ticks = day_ticks(whole)
    places = [tick.place for tick in ticks]
    assert 1 <= len(ticks) <= 31
    assert places == sorted(set(places))
    assert 0 <= places[0] <= places[-1] < days
    assert str(whole[places[0]].year) in f"{ticks[0].label} {ticks[0].below}".split()


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [
        ("2025-12-30", "2026-01-02", [("30", "Dec 2025"), ("31", ""), ("1", "Jan 2026"), ("2", "")]),
        ("2025-12-01", "2026-02-10", [("1", "Dec 2025"), ("8", ""), ("15", ""), ("22", ""), ("29", "")]),
        ("2025-11-20", "2026-06-30", [("Dec", "2025"), ("Jan", "2026"), ("Feb", ""), ("Mar", "")]),
        ("2023-05-05", "2026-12-31", [("Jul", "2023"), ("Oct", ""), ("Jan", "2024"), ("Apr", "")]),
        ("2001-05-05", "2014-12-31", [("2002", ""), ("2003", ""), ("2004", "")]),
    ],
)
def test_labels_are_days_mondays_months_or_years(start: str, end: str, labels: list[tuple[str, str]]) -> None:
    """The longer the range, the coarser they are."""
    ticks = day_ticks(DateRange.of(start, end))
    assert [(tick.label, tick.below) for tick in ticks[: len(labels)]] == labels


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[(0, "0"), (0.44, "0.4"), (3, "3"), (3.5, "3.5"), (9.96, "10"), (12.4, "12"), (893, "893")],
        *[(999.6, "1k"), (2071, "2.1k"), (11_000, "11k"), (30_890, "31k"), (999_999, "1M"), (2.5e9, "2.5G")],
    ],
)
def test_counts_have_two_digits(number: float, text: str) -> None:
    """Or all digits of whole thousands."""
    assert short(number) == text


def test_days_in_words() -> None:
    """A single day stands for itself."""
    assert span(DateRange.of("2025-01-01", "2025-12-31")) == "1 Jan 2025 \N{EN DASH} 31 Dec 2025"
    assert span(DateRange.of("2025-01-01", "2025-01-01")) == "1 Jan 2025"
