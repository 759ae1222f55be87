"""Where the hours that a picture or a page shows come from: a store, or the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs
import click
from click.core import ParameterSource

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, CommandError
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.days import Period, needed, present
from hourlyclicks.cli.options.limits import RateOptions, default_rate
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.files import rescued
from hourlyclicks.cli.output.rows import Shape
from hourlyclicks.cli.selection import Selection
from hourlyclicks.cli.steps.fetching import (
    FetchRun,
    checked_ranges,
    failure_of,
    tell_missing,
    tell_provisional,
)
from hourlyclicks.cli.steps.stored_series import StoredSeries, tell_not_stored
from hourlyclicks.cli.steps.stores import looking_into, one_account
from hourlyclicks.errors import UsageError
from hourlyclicks.model.frames.layouts import hourly_layout
from hourlyclicks.model.quantities import count

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.cli.steps.collecting import RunOutcome
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.series import HourlySeries

_OF_FETCHING = frozenset(
    {"plan", "limit", "concurrency", "guard", "user_agent", "base_url", "proxy", "key_file", "endpoint"}
    | {"fail_fast"}
)
"""Options that mean nothing for days that are in a store."""


@attrs.frozen(kw_only=True)
class SourceOptions:
    """What was said about where the hours come from.

    Args:
        store: the store; without one, the days are fetched.
        selection: the targets.
        period: the days, if they were named.
        rate: the limits to keep; ``None``: those of the smallest plan.
        access: how to reach the API.
        fail_fast: whether to stop early after repeated failures.
    """

    store: StoreChoice
    selection: Selection
    period: Period | None
    rate: RateOptions | None
    access: Access
    fail_fast: bool

    def days(self) -> DateRange | None:
        """Return the days that were named."""
        return None if self.period is None else self.period.days(self.access.zone, present())


class Work(Protocol):
    """What is made of the hours: a picture or a page."""

    @property
    def output(self) -> Path | None:
        """The file; ``None``: stdout."""
        ...

    def check(self, targets: int) -> None:
        """Raise `UsageError` if there is no room for so many targets."""
        ...

    def add(self, series: HourlySeries) -> None:
        """Take the hours of one target."""
        ...

    def write(self) -> None:
        """Write it."""
        ...


def make(ctx: click.Context, options: SourceOptions, work: Work) -> None:
    """Let hours be shown that are in a store, if one was named, or that are fetched for it."""
    if options.store.where is None:
        _of_fetched_days(ctx, options, work)
    else:
        _of_stored_days(ctx, options, work)


def _of_stored_days(ctx: click.Context, options: SourceOptions, work: Work) -> None:
    """Show days in a store."""
    _check_nothing_is_fetched(ctx)
    targets, since = options.selection.read_with_since()
    days = options.days()

    async def read() -> int:
        async with looking_into(options.store) as opened:
            account = await one_account(opened, options.store.account)
            stored = StoredSeries(account, targets, days, since)
            ranges = await stored.ranges()
            known = {target: part for target, (part, _) in ranges.items() if part is not None}
            work.check(len(known))
            missing = tell_not_stored(ctx, ranges, days)
            if missing == sum(map(len, known.values())):
                raise UsageError("the store has no figures for these targets")
            for target, part in known.items():
                work.add(await stored.series(target, part))
        return missing

    missing = loop.run(read())
    work.write()
    if missing and days is not None:
        raise CommandError(f"{count(missing, 'day')} missing", INCOMPLETE)


def _check_nothing_is_fetched(ctx: click.Context) -> None:
    """Refuse options that would have no effect."""
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name or "")
        if parameter.name in _OF_FETCHING and source is ParameterSource.COMMANDLINE:
            name = max(parameter.opts, key=len)
            raise click.UsageError(f"{name} is for days that are fetched; with a store, nothing is requested")


def _of_fetched_days(ctx: click.Context, options: SourceOptions, work: Work) -> None:
    """Fetch the days, and show what was fetched, however that ended."""
    days = needed(options.period).days(options.access.zone, present())
    rate = options.rate or default_rate()
    ranges = checked_ranges(options.selection, rate, days)
    work.check(len(ranges))
    run = FetchRun(ranges, days, rate, options.access, options.store, fail_fast=options.fail_fast)
    outcome, summary = run.collect()
    if outcome.fetched:
        _write_or_rescue(work, outcome)
    say(summary())
    tell_provisional(outcome)
    if outcome.complete:
        return
    tell_missing(outcome)
    resume.tell_same(ctx, days, output=work.output, when="To fetch it again:")
    raise failure_of(outcome)


def _write_or_rescue(work: Work, outcome: RunOutcome) -> None:
    """Show what was fetched; if that fails, the data is nowhere else, so keep it where temporary files go."""
    try:
        for series in outcome.hourly():
            work.add(series)
        work.write()
    except BrokenPipeError:  # the reader of stdout wants no more
        raise
    except Exception:
        kept = rescued(outcome, Shape("csv", hourly_layout()), None)
        if kept is not None:
            say(f"the data is in {kept}")
        raise
