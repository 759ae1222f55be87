"""Fetch the days of many targets with a view of the progress, and tell which of them are missing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import attrs
import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, INTERRUPTED, CommandError, exit_code, sentence
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.limits import RateOptions
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.progress.joint import JointProgress
from hourlyclicks.cli.progress.stats import start_stats
from hourlyclicks.cli.progress.views import open_view, shown
from hourlyclicks.cli.steps.collecting import collect_each
from hourlyclicks.cli.steps.keys import find_key
from hourlyclicks.cli.steps.migrating import migrate
from hourlyclicks.errors import ApiError, DecodeError, ServerError, UsageError
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.quantities import count
from hourlyclicks.model.spans import spans
from hourlyclicks.model.target_days import days_of_each
from hourlyclicks.model.targets import Target
from hourlyclicks.pacing.eta import forecast
from hourlyclicks.render.phrases import span

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.cli.progress.stats import RunStats
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.cli.steps.collecting import RunOutcome
    from hourlyclicks.pacing.eta import Estimate

RETRY = RetryPolicy()
"""How hard to try; that of the library."""

_SHOWN = 10


@attrs.frozen
class FetchRun:
    """What is to be fetched, and how.

    Args:
        ranges: the days of each target.
        days: the days that were named.
        rate: the limits to keep.
        access: how to reach the API.
        store: the store, if there is one.
        daily: whether to fetch the sums of days.
        fail_fast: whether to stop early after repeated failures.
    """

    ranges: Mapping[Target, DateRange]
    days: DateRange
    rate: RateOptions
    access: Access
    store: StoreChoice
    daily: bool = False
    fail_fast: bool = False

    def collect(self) -> tuple[RunOutcome, Callable[[], str]]:
        """Fetch it while the progress is shown.

        Returns:
            What came of it, and what says how the run went.
        """
        access, store, rate, ranges = self.access, self.store, self.rate, self.ranges
        key = find_key(access.key_file)
        migrate(store)
        estimate = partial(cost_of, rate=rate, access=access, daily=self.daily)
        view = open_view(count_days(ranges, self.days, rate, estimate, stored=store.where is not None))
        joint = JointProgress(view, days=[*map(len, ranges.values())], estimate=estimate)
        client = access.client(
            key, rate=rate, retry=RETRY, on_event=joint, store=store.where, account=store.account
        )
        lane = Lane.INTERACTIVE if self.fail_fast else Lane.BACKFILL

        async def fetch() -> RunOutcome:
            async with client:
                return await collect_each(client, ranges, lane=lane, daily=self.daily, begin=joint.begin)

        with shown(view):
            outcome = loop.run(fetch())
        return outcome, partial(view.stats.summary, time.monotonic())


def checked_ranges(selection: Selection, rate: RateOptions, days: DateRange) -> dict[Target, DateRange]:
    """Return the days of each target, once it is certain that they can be requested."""
    if not selection:
        raise click.UsageError("no target given: use --link with --domain, --group, --account or --targets")
    targets, since = selection.read_with_since()
    for target in targets:
        rate.check(target)
    ranges = days_of_each(targets, days, since)
    if not ranges:
        raise UsageError(f"every target begins after {days.end}: see the column since of the list")
    return ranges


def cost_of(days: int, rate: RateOptions, access: Access, *, daily: bool) -> Estimate:
    """Return what so many days cost; sums are always asked for in ranges as long as the plan allows."""
    requests = access.range_requests(days, rate) if daily else access.requests(days, rate)
    return forecast(requests, rate.limits)


def count_days(
    ranges: Mapping[Target, DateRange],
    days: DateRange,
    rate: RateOptions,
    estimate: Callable[[int], Estimate],
    *,
    stored: bool,
) -> RunStats:
    """Return the stats of a run for the days of each target, which begins now."""
    several = len(ranges) > 1
    title = f"{count(len(ranges), 'target') if several else next(iter(ranges))}, {days}"
    total = sum(map(len, ranges.values()))
    return start_stats(
        title,
        rate.limits,
        estimate(total),
        days=total,
        stored=stored,
        several=several,
        surveyed=not several,
    )


def tell_provisional(outcome: RunOutcome) -> None:
    """Name the days whose figures can still change."""
    for part in outcome.parts:
        name = f"{part.series.target} " if outcome.several else ""
        for first, last in spans(part.series.provisional_days):
            say(f"not final yet, to be fetched again later: {name}{span(first, last)}")


def tell_missing(outcome: RunOutcome) -> None:
    """Name the days that are not there, and why."""
    failures = list(outcome.failures())
    for target, day, error in failures[:_SHOWN]:
        say(f"missing: {f'{target} ' if outcome.several else ''}{day}: {error}")
    if len(failures) > _SHOWN:
        say(f"missing: {count(len(failures) - _SHOWN, 'day')} more that failed")
    if (failures or outcome.several) and not outcome.interrupted:
        _tell_not_fetched(outcome)


def _tell_not_fetched(outcome: RunOutcome) -> None:
    """Name the days that were not asked for, since the run had ended before."""
    stretches = []
    for part in outcome.parts:
        name = f"{part.series.target} " if outcome.several else ""
        never = [day for day in part.series.missing_days if day not in part.failures]
        stretches += [(name, first, last) for first, last in spans(never)]
    for name, first, last in stretches[:_SHOWN]:
        say(f"missing: {name}{span(first, last)}: not fetched")
    if more := sum((last - first).days + 1 for _, first, last in stretches[_SHOWN:]):
        say(f"missing: {count(more, 'day')} more that {'was' if more == 1 else 'were'} not fetched")
    if outcome.left:
        say(f"missing: all of {count(len(outcome.left), 'target')} from {outcome.left[0]} on: not fetched")


def failure_of(outcome: RunOutcome) -> CommandError:
    """Say in a sentence why days are missing."""
    if outcome.interrupted:
        return CommandError(
            f"interrupted after {outcome.fetched:,} of {count(outcome.total, 'day')}", INTERRUPTED
        )
    error = outcome.ended_by or next((error for _, _, error in outcome.failures()), None)
    assert error is not None  # noqa: S101 - days are missing only if one failed
    if error.fatal and outcome.several and isinstance(error, ApiError | ServerError | DecodeError):
        return CommandError(f"{error.target}: {error}", exit_code(error))  # others are about all targets
    if error.fatal or not outcome.fetched:
        return CommandError.of(error)
    missing = f"{count(outcome.total - outcome.fetched, 'day')} of {outcome.total:,} missing"
    return CommandError(f"{missing}; {sentence(error)}", INCOMPLETE)
