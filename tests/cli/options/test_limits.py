"""The rate limits of a command."""

from __future__ import annotations

import click
import pytest

from hourlyclicks import Account, Plan, PlanError, Rate
from hourlyclicks.cli.options.limits import PLANS, RateOptions, default_rate, read_rate, with_rate


@click.command
@with_rate
def probe(**values: object) -> dict[str, object]:
    """Return what a command gets."""
    return values


def parse(*words: str) -> dict[str, object]:
    """Return what a command gets from a command line."""
    values: dict[str, object] = probe.main(words, standalone_mode=False)
    return values


def test_every_plan_can_be_named() -> None:
    """The names are those of the plans, in lower case, without spaces."""
    assert list(PLANS) == ["free", "personal", "premium", "business", "business-plus", "enterprise"]
    assert parse("--plan", "business-plus")["rate"] == RateOptions(
        Plan.BUSINESS_PLUS.limits, Plan.BUSINESS_PLUS, named=True
    )


def test_own_limits_come_without_a_plan() -> None:
    """With --limit no plan is checked."""
    rate = parse("--limit", "24/60", "--limit", "500/3600", "--concurrency", "4")["rate"]
    assert isinstance(rate, RateOptions)
    assert rate.plan is None
    assert rate.limits.rates == (Rate(24, 60.0), Rate(500, 3600.0))
    assert (rate.limits.concurrency, rate.limits.guard) == (4, 1.0)
    rate.check(Account())


def test_a_plan_can_be_adjusted() -> None:
    """Concurrency and guard change the limits of a plan, but not its rules."""
    rate = parse("--concurrency", "3", "--guard", "0")["rate"]
    assert isinstance(rate, RateOptions)
    assert (rate.plan, rate.limits.rates) == (Plan.PERSONAL, Plan.PERSONAL.limits.rates)
    assert (rate.limits.concurrency, rate.limits.guard) == (3, 0.0)


def test_no_option_about_limits_is_noticed() -> None:
    """The command gets ``None``, and decides itself."""
    assert parse()["rate"] is None
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
        parse(*words)


def test_an_assumed_plan_says_so() -> None:
    """The error of an assumed plan says so; that of a named plan does not."""
    with pytest.raises(PlanError, match="no --plan was named"):
        default_rate().check(Account())
    with pytest.raises(PlanError) as caught:
        RateOptions(Plan.PERSONAL.limits, Plan.PERSONAL, named=True).check(Account())
    assert "--plan" not in str(caught.value)


def test_a_rate_is_read() -> None:
    """Its seconds may be a fraction."""
    assert read_rate("24/1.5") == Rate(24, 1.5)
