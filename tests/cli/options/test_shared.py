"""Options that several commands share."""

from __future__ import annotations

import datetime as dt

import click
import pytest

from hourlyclicks import Account, Plan, PlanError, Rate, UsageError
from hourlyclicks.cli.options.shared import (
    PLANS,
    Period,
    RateOptions,
    default_rate,
    read_day,
    read_rate,
    read_span,
    with_period,
    with_rate,
)
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.zones import as_zone, last_ended
from tests.cli.serving import invoke

SEOUL = as_zone("Asia/Seoul")
MORNING = dt.datetime(2025, 6, 2, 8, 0, tzinfo=dt.UTC)
RANGE = ("--from", "2025-04-01", "--to", "2025-04-02")


@click.command
@with_period
@with_rate
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


def test_every_plan_can_be_named() -> None:
    """The names are those of the plans, in lower case, without spaces."""
    assert list(PLANS) == ["free", "personal", "premium", "business", "business-plus", "enterprise"]
    assert parse(*RANGE, "--plan", "business-plus")["rate"] == RateOptions(
        Plan.BUSINESS_PLUS.limits, Plan.BUSINESS_PLUS, named=True
    )


def test_own_limits_come_without_a_plan() -> None:
    """With --limit no plan is checked."""
    rate = parse(*RANGE, "--limit", "24/60", "--limit", "500/3600", "--concurrency", "4")["rate"]
    assert isinstance(rate, RateOptions)
    assert rate.plan is None
    assert rate.limits.rates == (Rate(24, 60.0), Rate(500, 3600.0))
    assert (rate.limits.concurrency, rate.limits.guard) == (4, 1.0)
    rate.check(Account())


def test_a_plan_can_be_adjusted() -> None:
    """Concurrency and guard change the limits of a plan, but not its rules."""
    rate = parse(*RANGE, "--concurrency", "3", "--guard", "0")["rate"]
    assert isinstance(rate, RateOptions)
    assert (rate.plan, rate.limits.rates) == (Plan.PERSONAL, Plan.PERSONAL.limits.rates)
    assert (rate.limits.concurrency, rate.limits.guard) == (3, 0.0)


def test_no_option_about_limits_is_noticed() -> None:
    """The command gets ``None``, and decides itself."""
    assert parse(*RANGE)["rate"] is None
    assert default_rate().plan is Plan.PERSONAL


@pytest.mark.parametrize(
    "words",
    [
        ("--plan", "premium", "--limit", "9/60"),
        ("--limit", "9"),
        ("--limit", "0/60"),
        ("--limit", "9/0"),
        ("--limit", "nine/60"),
        ("--concurrency", "0"),
        ("--guard", "-1"),
    ],
)
def test_invalid_limits_are_errors(words: tuple[str, ...]) -> None:
    """A plan together with limits is an error, and so are invalid limits."""
    with pytest.raises(click.UsageError):
        parse(*RANGE, *words)


def test_an_assumed_plan_says_so() -> None:
    """The error of an assumed plan says so; that of a named plan does not."""
    with pytest.raises(PlanError, match="no --plan was named"):
        default_rate().check(Account())
    with pytest.raises(PlanError) as caught:
        RateOptions(Plan.PERSONAL.limits, Plan.PERSONAL, named=True).check(Account())
    assert "--plan" not in str(caught.value)


def test_values_are_read() -> None:
    """A day, a number of days, a rate."""
    assert read_day("2025-04-01") == dt.date(2025, 4, 1)
    assert read_span("30d") == 30
    assert read_rate("24/1.5") == Rate(24, 1.5)


@pytest.mark.parametrize(
    "words",
    [
        ("fetch", *RANGE, "--account", "-o", ""),
        ("fetch", *RANGE, "--account", "--key-file", ""),
        ("fetch", *RANGE, "--targets", ""),
        ("fetch", *RANGE, "--account", "--store", "x.db", "--account-name", ""),
        ("backfill", *RANGE, "--account", "--store", "x.db", "--account-name", " "),
        ("export", "--store", "x.db", "-o", ""),
        ("status", "--store", "x.db", "--account-name", ""),
    ],
)
def test_an_empty_name_is_refused(words: tuple[str, ...]) -> None:
    """An unset variable of the shell names no file and no account."""
    result = invoke(*words)
    assert result.exit_code == 2
    assert "empty" in result.stderr.splitlines()[-1]
