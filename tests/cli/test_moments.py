"""Moments on the user's clock."""

from __future__ import annotations

import datetime as dt

import click
import pytest

from hourlyclicks.cli.moments import on_the_clock, read_deadline

NOON = dt.datetime(2025, 6, 1, 12).astimezone()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("90s", 90), ("0s", 0), ("1d1h1m1s", 90_061)],
)
def test_a_deadline_may_be_a_time_to_take(text: str, seconds: int) -> None:
    """Days, hours, minutes and seconds, the larger ones first."""
    deadline = read_deadline(text)
    assert deadline.moment(NOON) == NOON + dt.timedelta(seconds=seconds)
    assert deadline.limit(NOON) == dt.timedelta(seconds=seconds)
    assert str(deadline) == text


@pytest.mark.parametrize(
    ("text", "day", "time"),
    [
        ("18:00", 1, (18, 0)),
        ("06:00", 2, (6, 0)),
        ("12:00", 2, (12, 0)),
        ("12:01", 1, (12, 1)),
        ("6:30", 2, (6, 30)),
    ],
)
def test_a_deadline_may_be_a_time_of_day(text: str, day: int, time: tuple[int, int]) -> None:
    """The next time that it is so late here: today, or else tomorrow."""
    expected = dt.datetime(2025, 6, day, *time).astimezone()
    assert read_deadline(text).moment(NOON.astimezone(dt.UTC)) == expected
    assert read_deadline(text).limit(NOON.astimezone(dt.UTC)) == expected


@pytest.mark.parametrize(
    "text", ["", "45", "m", "30m1h", "1.5h", "-5m", "24:00", "12:60", "06:00:00", "٣m", "soon"]
)
def test_what_is_no_deadline_is_a_mistake(text: str) -> None:
    """Neither a time to take nor a time of day."""
    with pytest.raises(click.BadParameter):
        read_deadline(text)


def test_the_end_has_its_date_if_that_is_not_today() -> None:
    """The time of day is enough for today."""
    assert on_the_clock(NOON, 125 * 60) == "14:05"
    assert on_the_clock(NOON, 86_400) == "2025-06-02 12:00"
    assert on_the_clock(NOON, 1e12) == "after the year 9999"
