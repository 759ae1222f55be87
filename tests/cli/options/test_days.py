"""The days of a command."""

from __future__ import annotations

import datetime as dt

import click
import pytest

from hourlyclicks import UsageError
from hourlyclicks.cli.options.days import Period, read_day, read_span, with_period
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.zones import as_zone, last_ended

SEOUL = as_zone("Asia/Seoul")
MORNING = dt.datetime(2025, 6, 2, 8, 0, tzinfo=dt.UTC)
RANGE = ("--from", "2025-04-01", "--to", "2025-04-02")


@click.command
@with_period
def probe(**values: object) -> dict[str, object]:
    """Return what a command gets."""
    return values


def parse(*words: str) -> dict[str, object]:
    """Return what a command gets from a command line."""
    values: dict[str, object] = probe.main(words, standalone_mode=False)
    return values


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--from", "2025-04-01"),
        ("--to", "2025-04-01"),
        (*RANGE, "--last", "3d"),
        ("--last", "0d"),
        ("--last", "30"),
        ("--last", "-3d"),
        ("--last", "٣d"),
        ("--from", "2025-4-1", "--to", "2025-04-02"),
        ("--from", "2025-02-29", "--to", "2025-03-01"),
    ],
)
def test_days_are_named_exactly_once(words: tuple[str, ...]) -> None:
    """None, half a range, two ranges and an invalid day are errors."""
    with pytest.raises(click.UsageError):
        parse(*words)


def test_days_arrive_as_a_period() -> None:
    """It has both ends, or a number of days or weeks."""
    day = dt.date(2025, 4, 1)
    assert parse(*RANGE)["period"] == Period(day, day + dt.timedelta(days=1), None)
    assert parse("--last", "4w")["period"] == Period(None, None, 28)


def test_the_last_days_end_with_the_last_complete_one() -> None:
    """It is yesterday in the account's zone; without a zone, the last day that is over everywhere."""
    at_noon = MORNING.replace(hour=12)
    assert last_ended(MORNING, dt.UTC) == dt.date(2025, 6, 1)
    assert last_ended(MORNING.replace(hour=15), SEOUL) == dt.date(2025, 6, 2)
    assert last_ended(MORNING, None) == dt.date(2025, 5, 31)
    assert last_ended(at_noon, None) == dt.date(2025, 6, 1)
    assert Period(None, None, 30).days(dt.UTC, MORNING) == DateRange.of("2025-05-03", "2025-06-01")


def test_the_last_days_do_not_go_back_for_ever() -> None:
    """More days than the calendar has are an error."""
    with pytest.raises(UsageError, match="year 1"):
        Period(None, None, 999_999).days(dt.UTC, MORNING)


def test_a_range_of_days_is_checked() -> None:
    """An end before its start is a mistake."""
    with pytest.raises(UsageError, match="after its end"):
        Period(dt.date(2025, 4, 2), dt.date(2025, 4, 1), None).days(None, MORNING)


def test_values_are_read() -> None:
    """A day, and a number of days."""
    assert read_day("2025-04-01") == dt.date(2025, 4, 1)
    assert read_span("30d") == 30
