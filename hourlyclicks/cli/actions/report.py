"""What ``hourlyclicks report`` does."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import attrs
import click
from click.core import ParameterSource

from hourlyclicks.cli.actions.export import Holdings, tell_missing
from hourlyclicks.cli.actions.fetch import (
    Asked,
    checked_ranges,
    failure_of,
    tell_provisional,
)
from hourlyclicks.cli.actions.fetch import tell_missing as tell_failed
from hourlyclicks.cli.actions.stores import looking_into, one_account
from hourlyclicks.cli.console import hangup, loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, USAGE, Failure
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.shared import Period, RateOptions, default_rate, needed, present
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.files import check_writable, writing
from hourlyclicks.cli.selection import Selection
from hourlyclicks.errors import UsageError
from hourlyclicks.files.devices import descriptor_of, is_special
from hourlyclicks.render.page import page_of
from hourlyclicks.render.page.choice import Chooser
from hourlyclicks.render.page.document import check_installed
from hourlyclicks.render.phrases import count

_SUFFIXES = {"", ".html", ".htm"}
_OF_FETCHING = frozenset(
    {"plan", "limit", "concurrency", "guard", "user_agent", "base_url", "proxy", "key_file", "endpoint"}
    | {"fail_fast"}
)
"""Options that mean nothing for days that are in a store."""


@attrs.frozen(kw_only=True)
class Options:
    """The options of the command.

    Args:
        store: the store; without one, the days are fetched.
        selection: the targets.
        period: the days, if they were named.
        output: the file; ``-``: stdout.
        show: whether to open it in a browser.
        title: the heading of the page.
        rate: the limits to keep; ``None``: those of the smallest plan.
        access: how to reach the API.
        fail_fast: whether to stop early after repeated failures.
    """

    store: StoreChoice
    selection: Selection
    period: Period | None
    output: Path
    show: bool
    title: str | None
    rate: RateOptions | None
    access: Access
    fail_fast: bool


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    output = None if options.output == Path("-") else options.output
    _check_name(output)
    if options.show and output is None:
        raise click.UsageError("--open needs a file: -o report.html")
    check_writable(output)
    check_installed()
    if options.store.where is None:
        _of_fetched_days(ctx, options, output)
    else:
        _of_stored_days(ctx, options, output)


def _check_name(output: Path | None) -> None:
    """Refuse a file whose name promises another format."""
    if output is None or descriptor_of(output) is not None or is_special(output):
        return
    if output.suffix.lower() not in _SUFFIXES:
        raise Failure(f"{output}: a report cannot be a {output.suffix} file; use .html", USAGE)


def _of_stored_days(ctx: click.Context, options: Options, output: Path | None) -> None:
    """Write the page about days in a store."""
    _check_nothing_is_fetched(ctx)
    targets, since = options.selection.read_with_since()
    days = None if options.period is None else options.period.days(options.access.zone, present())

    async def read() -> tuple[Chooser, int]:
        chooser = Chooser()
        async with looking_into(options.store) as opened:
            account = await one_account(opened, options.store.account)
            holdings = Holdings(account, targets, days, since)
            ranges = await holdings.ranges()
            missing = tell_missing(ctx, ranges, days)
            total = sum(len(part) for part, _ in ranges.values() if part is not None)
            if missing == total:
                raise UsageError("the store has no figures for these targets")
            for target, (part, _) in ranges.items():
                if part is not None:
                    chooser.add(await holdings.series(target, part))
        return chooser, missing

    chooser, missing = loop.run(read())
    _write(chooser, options, output)
    if missing and days is not None:
        raise Failure(f"{count(missing, 'day')} missing", INCOMPLETE)


def _check_nothing_is_fetched(ctx: click.Context) -> None:
    """Refuse options that would have no effect."""
    for parameter in ctx.command.params:
        if parameter.name in _OF_FETCHING and _is_given(ctx, parameter.name):
            name = max(parameter.opts, key=len)
            raise click.UsageError(f"{name} is for days that are fetched; with a store, nothing is requested")


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _of_fetched_days(ctx: click.Context, options: Options, output: Path | None) -> None:
    """Fetch the days, and write the page about what was fetched, however that ended."""
    days = needed(options.period).days(options.access.zone, present())
    rate = options.rate or default_rate()
    ranges = checked_ranges(options.selection, rate, days)
    asked = Asked(ranges, days, rate, options.access, options.store, fail_fast=options.fail_fast)
    outcome, summary = asked.collect()
    if outcome.fetched:
        chooser = Chooser()
        for series in outcome.hourly():
            chooser.add(series)
        with hangup.held():
            _write(chooser, options, output)
    say(summary())
    tell_provisional(outcome)
    if outcome.complete:
        return
    tell_failed(outcome)
    resume.tell_same(ctx, days, output=output, when="To fetch it again:")
    raise failure_of(outcome)


def _write(chooser: Chooser, options: Options, output: Path | None) -> None:
    """Write the page, and open it if that is wanted."""
    page = page_of(chooser.choice(), title=options.title)
    with writing("html", output) as stream:
        stream.write(page)
    if options.show and output is not None and not webbrowser.open(output.resolve().as_uri()):
        say(f"no browser was found; open {output}")
