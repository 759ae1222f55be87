"""Figures and foreign text as words."""

from __future__ import annotations

import datetime as dt

from hourlyclicks import Limits, Plan, Rate
from hourlyclicks.render.phrases import fit, limits_in_words, on_the_clock, safe, span

NOON = dt.datetime(2025, 6, 1, 12).astimezone()


def test_limits_read_well() -> None:
    """A limit says what is allowed in which time, and how much at a time."""
    assert limits_in_words(Plan.BUSINESS.limits) == "24 requests a minute, 2 at a time"
    both = Limits((Rate(1, 1.0), Rate(500, 90.0)), concurrency=3)
    assert limits_in_words(both) == "1 request a second and 500 requests in 90 s, 3 at a time"
    assert limits_in_words(Limits()) == "any rate, 1 at a time"


def test_foreign_text_cannot_control_a_terminal() -> None:
    """Control, ANSI and bidirectional characters are escaped, Hangul and brackets are not."""
    assert safe("[red]한\x1b[31m\u202e\r\nx[/]") == "[red]한\\x1b[31m\\u202e\\r\\nx[/]"


def test_a_stretch_of_one_day_is_that_day() -> None:
    """A range is written as its ends, or as its day."""
    assert span(dt.date(2025, 4, 1), dt.date(2025, 4, 1)) == "2025-04-01"
    assert span(dt.date(2025, 4, 1), dt.date(2025, 4, 3)) == "2025-04-01..2025-04-03"


def test_the_end_has_its_date_if_that_is_not_today() -> None:
    """Today the time of day is enough."""
    assert on_the_clock(NOON, 125 * 60) == "14:05"
    assert on_the_clock(NOON, 86_400) == "2025-06-02 12:00"
    assert on_the_clock(NOON, 1e12) == "after the year 9999"


def test_a_line_is_cut_to_the_columns_it_has() -> None:
    """A character of Hangul takes two columns."""
    assert fit("https://vvd.bz/kYdr", 19) == "https://vvd.bz/kYdr"
    assert fit("https://vvd.bz/kYdr", 18) == "https://vvd.bz/..."
    assert fit("한글한글", 8) == "한글한글"
    assert fit("한글한글", 7) == "한글..."
