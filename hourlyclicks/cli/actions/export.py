"""What ``hourlyclicks export`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, CommandError
from hourlyclicks.cli.options.rows import RowOptions
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output.files import check_writable, writing
from hourlyclicks.cli.output.formats import check_possible, format_for
from hourlyclicks.cli.output.rows import Shape, writing_rows
from hourlyclicks.cli.selection import Selection
from hourlyclicks.cli.steps.stored_series import StoredSeries, tell_not_stored
from hourlyclicks.cli.steps.stores import looking_into, one_account
from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.quantities import count
from hourlyclicks.model.zones import as_zone

if TYPE_CHECKING:
    from hourlyclicks.cli.output.formats import Format
    from hourlyclicks.model.frames.layouts import Layout


@attrs.frozen(kw_only=True)
class Options:
    """The options of the command.

    Args:
        store: the store.
        selection: the targets; none: all.
        days: the days; ``None``: of each target from the first that is known to the last.
        form: the format, if it was given.
        timezone: the time zone of the column ``time``; ``None``: without this column.
        rows: what a row of the file is.
        output: the file; ``None``, or ``-``: stdout.
        partial: whether to write a result with missing days.
    """

    store: StoreChoice
    selection: Selection
    days: DateRange | None
    form: str | None
    timezone: str | None
    rows: RowOptions
    output: Path | None
    partial: bool

    def layout(self, form: Format) -> Layout:
        """Return what the rows of the file are.

        Raises:
            click.UsageError: options contradict each other or the format.
        """
        layout, zone = self.rows.layout(form, zone=as_zone(self.timezone)), self.timezone
        if zone is not None and not self.rows.usual:
            raise click.UsageError("--timezone adds the moment of each hour: not with --wide or --by")
        if zone is not None and form == "xlsx":
            raise click.UsageError("Excel has no time zones: --timezone is for csv, jsonl and parquet")
        return layout


@attrs.frozen
class Destination:
    """Where the rows go, and what they are.

    Args:
        shape: the format, and what the rows are.
        output: the file; ``None``: stdout.
        partial: whether to write a result with missing days.
    """

    shape: Shape
    output: Path | None
    partial: bool


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    output = None if options.output == Path("-") else options.output
    check_writable(output)
    form = format_for(options.form, output, otherwise="csv")
    shape = Shape(form, options.layout(form), mark=options.rows.bom)
    check_possible(form, output)
    destination = Destination(shape, output, partial=options.partial)
    targets, since = options.selection.read_with_since()
    store, days = options.store, options.days

    async def export() -> int:
        async with looking_into(store) as opened:
            stored = StoredSeries(await one_account(opened, store.account), targets, days, since)
            return await _export(ctx, stored, destination)

    missing = loop.run(export())
    if missing and days is not None:
        raise CommandError(f"{count(missing, 'day')} missing", INCOMPLETE)


async def _export(ctx: click.Context, stored: StoredSeries, destination: Destination) -> int:
    """Write the days, and return how many are missing."""
    days, shape = stored.days, destination.shape
    ranges = await stored.ranges()
    missing = tell_not_stored(ctx, ranges, days)
    parts = {target: part for target, (part, _) in ranges.items() if part is not None}
    total = sum(map(len, parts.values()))
    if days is None and not total:
        raise UsageError("the store has no figures for these targets")
    if missing and days is not None and (not destination.partial or missing == total):
        say("nothing is written because days are missing; use --partial to write the others")
        return missing
    check_possible(shape.form, destination.output, rows=sum(map(shape.layout.count_rows, parts.values())))
    with writing(shape.form, destination.output) as stream, writing_rows(shape, stream) as add:
        for target, part in parts.items():
            await stored.write(target, part, shape, add)
    return missing
