"""Deadlines on the user's clock."""

from __future__ import annotations

import datetime as dt

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.cli.options.deadlines import read_deadline
from hourlyclicks.model.zones import as_zone

NEW_YEAR = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
NOON = dt.datetime(2025, 6, 1, 12).astimezone()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("90s", 90), ("0s", 0), ("1d1h1m1s", 90_061)],
)
def test_a_deadline_may_be_a_duration(text: str, seconds: int) -> None:
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
    """It is the next such local time: today, or else tomorrow."""
    expected = dt.datetime(2025, 6, day, *time).astimezone()
    assert read_deadline(text).moment(NOON.astimezone(dt.UTC)) == expected
    assert read_deadline(text).limit(NOON.astimezone(dt.UTC)) == expected


@pytest.mark.parametrize(
    "text", ["", "45", "m", "30m1h", "1.5h", "-5m", "24:01", "25:00", "12:60", "06:00:00", "٣m", "soon"]
)
def test_what_is_no_deadline_is_a_mistake(text: str) -> None:
    """Anything that is neither a duration nor a time of day is an error."""
    with pytest.raises(click.BadParameter):
        read_deadline(text)


@pytest.mark.parametrize(
    ("zone", "text", "now", "expected"),
    [
        # the clock shows 02:30 twice: the next of the two is meant
        ("Europe/Berlin", "02:30", "2025-10-26T01:00+02:00", "2025-10-26T02:30+02:00"),
        ("Europe/Berlin", "02:30", "2025-10-26T02:45+02:00", "2025-10-26T02:30+01:00"),
        ("Europe/Berlin", "02:30", "2025-10-26T02:30+02:00", "2025-10-26T02:30+01:00"),
        ("Europe/Berlin", "02:30", "2025-10-26T02:30+01:00", "2025-10-27T02:30+01:00"),
        ("Europe/Berlin", "06:00", "2025-10-25T22:00+02:00", "2025-10-26T06:00+01:00"),
        # it never shows 02:30: the moment it is set forward is meant
        ("Europe/Berlin", "02:30", "2025-03-30T00:00+01:00", "2025-03-30T03:00+02:00"),
        ("Europe/Berlin", "02:30", "2025-03-30T03:10+02:00", "2025-03-31T02:30+02:00"),
        ("Europe/Berlin", "02:00", "2025-03-30T00:00+01:00", "2025-03-30T03:00+02:00"),
        ("Europe/Berlin", "03:00", "2025-03-30T01:59:59+01:00", "2025-03-30T03:00+02:00"),
        ("America/New_York", "02:30", "2025-03-09T01:30-05:00", "2025-03-09T03:00-04:00"),
        ("America/New_York", "01:30", "2025-11-02T01:40-04:00", "2025-11-02T01:30-05:00"),
        ("Australia/Lord_Howe", "02:15", "2025-10-05T01:00+10:30", "2025-10-05T02:30+11:00"),
        ("America/Sao_Paulo", "00:00", "2018-11-03T22:00-03:00", "2018-11-04T01:00-02:00"),
        ("America/Havana", "24:00", "2025-03-08T22:00-05:00", "2025-03-09T01:00-04:00"),
        ("Pacific/Apia", "12:00", "2011-12-29T13:00-10:00", "2011-12-31T12:00+14:00"),
        ("Asia/Seoul", "24:00", "2025-06-01T12:00+09:00", "2025-06-02T00:00+09:00"),
        ("Asia/Seoul", "00:00", "2025-06-02T00:00+09:00", "2025-06-03T00:00+09:00"),
    ],
)
def test_a_time_of_day_is_the_next_that_the_clock_shows(
    zone: str, text: str, now: str, expected: str
) -> None:
    """It is, also in nights in which clocks change, and where a whole day was left out."""
    found = read_deadline(text).moment(dt.datetime.fromisoformat(now), zone=as_zone(zone))
    assert found == dt.datetime.fromisoformat(expected)


@given(
    st.integers(0, 5_000_000).map(lambda minutes: NEW_YEAR + dt.timedelta(minutes=minutes)),
    st.times(),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Seoul", "UTC"]),
)
def test_a_time_of_day_is_never_over_and_never_a_day_late(now: dt.datetime, time: dt.time, name: str) -> None:
    """It is at most a day ahead, plus an hour if the clock is set back."""
    found = read_deadline(f"{time:%H:%M}").moment(now, zone=as_zone(name))
    assert dt.timedelta(0) < found - now <= dt.timedelta(hours=25)
