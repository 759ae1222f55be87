"""``hourlyclicks estimate``: how long a range takes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options import PLANS, present, with_pace, with_period
from hourlyclicks.cli.words import BOUND_BY, count, duration
from hourlyclicks.cli.words import pace as pace_in_words
from hourlyclicks.model.dates import as_zone
from hourlyclicks.pacing.plans import Plan
from hourlyclicks.pacing.schedule import TYPICAL_LATENCY, forecast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.cli.options import Pace, Period
    from hourlyclicks.pacing.plans import Limits

_PLANS = [plan for plan in PLANS.values() if plan is not Plan.FREE]
_ROW = "{:<13}  {:>8}  {:>9}  {:>10}  {:<16}  {}"


@click.command(name="estimate")
@with_period
@with_pace
@click.option(
    "--targets",
    metavar="N",
    type=click.IntRange(1, 1_000_000),
    default=1,
    show_default=True,
    help="For so many links or groups.",
)
@click.option("--timezone", metavar="ZONE", help="The account's time zone, for --last.")
def command(*, period: Period, pace: Pace | None, targets: int, timezone: str | None) -> None:
    """Tell how long a range takes under your limits; sends nothing.

    Without --plan and --limit, all plans are compared. Needs no key.
    """
    now = present()
    days = len(period.days(as_zone(timezone), now))
    lines = _comparison(days * targets, now) if pace is None else _single(days * targets, pace.limits, now)
    click.echo(f"{count(days * targets, 'request')}: {count(days, 'day')}, {count(targets, 'target')}")
    for line in lines:
        click.echo(line)


def finish(now: dt.datetime, seconds: float) -> str:
    """Return the local time at which it would be done, to the minute."""
    try:
        return f"{now.astimezone() + dt.timedelta(seconds=seconds):%Y-%m-%d %H:%M}"
    except OverflowError:
        return "after the year 9999"


def _single(requests: int, limits: Limits, now: dt.datetime) -> Iterator[str]:
    cost = forecast(requests, limits, latency=TYPICAL_LATENCY)
    yield f"{pace_in_words(limits)}"
    yield f"takes {duration(cost.seconds)}, bound by {BOUND_BY[cost.binding]}"
    yield f"done on {finish(now, cost.seconds)} if started now"


def _comparison(requests: int, now: dt.datetime) -> Iterator[str]:
    yield ""
    yield _ROW.format("plan", "a minute", "at a time", "takes", "done by", "bound by")
    for plan in _PLANS:
        limits = plan.limits
        cost = forecast(requests, limits, latency=TYPICAL_LATENCY)
        yield _ROW.format(
            plan.value,
            limits.rates[0].requests,
            limits.concurrency,
            duration(cost.seconds),
            finish(now, cost.seconds),
            BOUND_BY[cost.binding],
        )
