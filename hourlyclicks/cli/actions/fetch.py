"""What ``hourlyclicks fetch`` does."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.cli.console import hangup
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.days import Period, present
from hourlyclicks.cli.options.limits import RateOptions, default_rate
from hourlyclicks.cli.options.rows import RowOptions
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.files import check_writable, save, write
from hourlyclicks.cli.output.formats import check_possible, format_for
from hourlyclicks.cli.output.rows import Shape
from hourlyclicks.cli.selection import Selection
from hourlyclicks.cli.steps.fetching import (
    FetchRun,
    checked_ranges,
    failure_of,
    tell_missing,
    tell_provisional,
)
from hourlyclicks.files.devices import is_device
from hourlyclicks.model.quantities import count

if TYPE_CHECKING:
    import click

    from hourlyclicks.cli.steps.collecting import RunOutcome


@attrs.frozen(kw_only=True)
class Options:
    """The options of the command.

    Args:
        selection: the targets.
        period: the days.
        rate: the limits to keep; ``None``: those of the smallest plan.
        access: how to reach the API.
        store: the store, if there is one.
        form: the format, if it was given.
        rows: what a row of the output is.
        output: the file; ``None``, or ``-``: stdout.
        daily: whether to fetch the sums of days.
        partial: whether to write a result with missing days.
        fail_fast: whether to stop early after repeated failures.
    """

    selection: Selection
    period: Period
    rate: RateOptions | None
    access: Access
    store: StoreChoice
    form: str | None
    rows: RowOptions
    output: Path | None
    daily: bool
    partial: bool
    fail_fast: bool


@attrs.frozen
class Destination:
    """Where the result goes, and when.

    Args:
        shape: the format, and what the rows are.
        output: the file; ``None``: stdout.
        partial: whether a result with missing days is a result.
        stored: whether a store keeps what was fetched, too.
    """

    shape: Shape
    output: Path | None
    partial: bool
    stored: bool = False

    def deliver(self, outcome: RunOutcome) -> bool:
        """Write what the user wants to have, and return whether what was fetched is kept somewhere.

        An incomplete file gets another name unless the user wants it so.
        """
        if outcome.complete or (self.partial and outcome.fetched):
            # Standard output may wait for its reader.
            with nullcontext() if self.output is None else hangup.delaying_signals():
                write(outcome, self.shape, self.output, last_resort=not self.stored)
        elif (aside := self._save(outcome)) is not None:
            say(f"{count(outcome.fetched, 'day')} kept in {aside}")
        elif self.stored:
            say(f"{count(outcome.fetched, 'day')} in the store; nothing is written because days are missing")
        elif outcome.fetched:
            dropped = count(outcome.fetched, "day")
            say(f"{dropped} discarded; use --partial or -o to keep them")
            return False
        return True

    def _save(self, outcome: RunOutcome) -> Path | None:
        """Keep an incomplete result for a file in another one, and return which."""
        if self.output is None or is_device(self.output) or not outcome.fetched:
            return None
        with hangup.delaying_signals():
            return save(outcome, self.shape, self.output)


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    access, store = options.access, options.store
    output = None if options.output == Path("-") else options.output
    days = options.period.days(access.zone, present())
    rate = options.rate or default_rate()
    ranges = checked_ranges(options.selection, rate, days)
    stored = store.where is not None
    check_writable(output)
    form = format_for(options.form, output)
    layout = options.rows.layout(form, daily=options.daily)
    check_possible(form, output, rows=sum(map(layout.count_rows, ranges.values())))
    destination = Destination(
        Shape(form, layout, mark=options.rows.bom), output, partial=options.partial, stored=stored
    )
    run = FetchRun(ranges, days, rate, access, store, daily=options.daily, fail_fast=options.fail_fast)
    outcome, summary = run.collect()
    kept = destination.deliver(outcome)  # before any message: stderr may be closed
    say(summary())
    tell_provisional(outcome)
    if outcome.complete:
        return
    tell_missing(outcome)
    if stored:
        resume.tell_same(ctx, days, output=output)
    elif outcome.fetched or outcome.interrupted:
        resume.tell(ctx, outcome, days, output=output, kept=kept)
    raise failure_of(outcome)
