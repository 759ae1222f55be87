"""What ``hourlyclicks estimate`` does."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.options.limits import PLANS
from hourlyclicks.cli.steps.stores import account_to_fill, looking_into
from hourlyclicks.jobs.estimate import count_ranges, count_requests
from hourlyclicks.model.quantities import count, duration
from hourlyclicks.model.range_caps import MONTH
from hourlyclicks.model.target_days import days_of_each
from hourlyclicks.model.zones import as_zone
from hourlyclicks.pacing.eta import forecast
from hourlyclicks.pacing.plans import Plan, longest_range
from hourlyclicks.render.phrases import BOUND_BY, limits_in_words
from hourlyclicks.store.freshness import Freshness
from hourlyclicks.store.protocol import NoStoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hourlyclicks.cli.options.days import Period
    from hourlyclicks.cli.options.limits import RateOptions
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.plans import Limits

_PLANS = [plan for plan in PLANS.values() if plan is not Plan.FREE]
_ROW = "{:<13}  {:>8}  {:>9}  {:>10}  {:<16}  {}"
_RANGES = "{:<13}  {:>8}  {:>9}  {:>10}  {:>10}  {}"
_MOST_TARGETS = 1_000_000


def run(
    *,
    store: StoreChoice,
    selection: Selection,
    period: Period,
    rate: RateOptions | None,
    timezone: str | None,
    endpoint: EndpointChoice,
) -> None:
    """See the help of the command."""
    now, zone = present(), as_zone(timezone)
    days = period.days(zone, now)
    number = _number(selection)
    targets, since = ((), {}) if number is not None else selection.read_with_since()
    if store.by_option and not targets:
        raise click.UsageError("no target given: --store needs targets")
    ranges = days_of_each(targets, days, since)
    number = number or len(targets) or 1
    most = sum(map(len, ranges.values())) if targets else len(days) * number
    said = f"{count(len(days), 'day')}, {count(number, 'target')}"
    stored = store if store.where is not None and targets else None
    by_ranges = endpoint != "v2"
    caps: set[RangeCap | None] = {None, *(_caps(rate) if by_ranges else ())}
    requests: dict[RangeCap | None, int]
    if stored is not None:
        requests = loop.run(_due(stored, ranges, caps, now=now, zone=zone))
        stored_days = most - requests[None]
        said += f"; {_without_request(stored_days)}" if stored_days else "; all days are to be requested"
    else:
        each = [*ranges.values()] if targets else [days]
        requests = {cap: sum(map(partial(_requests, cap=cap), each)) for cap in caps}
        requests = requests if targets else {cap: n * number for cap, n in requests.items()}
    if rate is not None:
        cap = _cap(rate) if by_ranges else None
        said = f"{count(requests[cap], 'request')}: {said}"
        lines = _single(requests[cap], rate.limits, now)
    elif by_ranges:
        lines = _comparison_of_ranges(requests, now)
    else:
        said = f"{count(requests[None], 'request')}: {said}"
        lines = _comparison(requests[None], now)
    click.echo(said)
    for line in lines:
        click.echo(line)


def _number(selection: Selection) -> int | None:
    """Return the number of targets, if that was said in the place of a file."""
    text = str(selection.file)
    if not (text.isascii() and text.isdecimal()):
        return None
    if selection.named or selection.domain is not None:
        raise click.UsageError(
            "--targets with a number cannot be combined with --link, --domain, --group or --account"
        )
    if not 1 <= len(text) <= len(str(_MOST_TARGETS)) or not 1 <= int(text) <= _MOST_TARGETS:
        raise click.UsageError(f"--targets is a number from 1 to {_MOST_TARGETS:,}, or a file")
    return int(text)


def _without_request(days: int) -> str:
    return f"{count(days, 'day')} in the store {'needs' if days == 1 else 'need'} no request"


def _requests(days: DateRange, *, cap: RangeCap | None) -> int:
    return len(days) if cap is None else count_ranges(days, cap)


def _cap(rate: RateOptions) -> RangeCap:
    """Return how many days a request for a range may ask for with the limits of a user."""
    return MONTH if rate.plan is None else longest_range(rate.plan)


def _caps(rate: RateOptions | None) -> list[RangeCap]:
    """Return the caps of all plans that are shown."""
    return [_cap(rate)] if rate is not None else [longest_range(plan) for plan in _PLANS]


async def _due(
    choice: StoreChoice,
    ranges: Mapping[Target, DateRange],
    caps: Iterable[RangeCap | None],
    *,
    now: dt.datetime,
    zone: dt.tzinfo | None,
) -> dict[RangeCap | None, int]:
    """Return how many requests a backfill would send, by the cap; of a store that is not there, for all days.

    Without a cap it is the number of days.
    """
    freshness = Freshness(now, zone, patient=True)
    if choice.exists:
        with suppress(NoStoreError):
            async with looking_into(choice) as store:
                account = await account_to_fill(store, choice.account)
                return {
                    cap: await count_requests(account, ranges, cap, freshness=freshness, now=now)
                    for cap in caps
                }
    return {cap: sum(map(partial(_requests, cap=cap), ranges.values())) for cap in caps}


def finish(now: dt.datetime, seconds: float) -> str:
    """Return the local time at which it would be done, to the minute."""
    try:
        return f"{(now + dt.timedelta(seconds=seconds)).astimezone():%Y-%m-%d %H:%M}"
    except OverflowError:
        return "after the year 9999"


def _single(requests: int, limits: Limits, now: dt.datetime) -> Iterator[str]:
    cost = forecast(requests, limits)
    yield f"{limits_in_words(limits)}"
    yield f"takes {duration(cost.seconds)}, bound by {BOUND_BY[cost.binding]}"
    yield f"done on {finish(now, cost.seconds)} if started now"


def _comparison_of_ranges(requests: Mapping[RangeCap | None, int], now: dt.datetime) -> Iterator[str]:
    yield ""
    yield _RANGES.format("plan", "a minute", "a request", "requests", "takes", "done by")
    for plan in _PLANS:
        cap = longest_range(plan)
        cost = forecast(requests[cap], plan.limits)
        yield _RANGES.format(
            plan.value,
            plan.limits.rates[0].requests,
            str(cap),
            f"{requests[cap]:,}",
            duration(cost.seconds),
            finish(now, cost.seconds),
        )


def _comparison(requests: int, now: dt.datetime) -> Iterator[str]:
    yield ""
    yield _ROW.format("plan", "a minute", "at a time", "takes", "done by", "bound by")
    for plan in _PLANS:
        limits = plan.limits
        cost = forecast(requests, limits)
        yield _ROW.format(
            plan.value,
            limits.rates[0].requests,
            limits.concurrency,
            duration(cost.seconds),
            finish(now, cost.seconds),
            BOUND_BY[cost.binding],
        )
