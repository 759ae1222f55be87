"""What ``hourlyclicks export`` does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from hourlyclicks.cli.actions.stores import looking_into, one_account
from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, Failure
from hourlyclicks.cli.options.rows import RowOptions
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.files import check_writable, writing
from hourlyclicks.cli.output.formats import BINARY, check_possible, format_for
from hourlyclicks.cli.output.rows import Shape, writing_rows
from hourlyclicks.cli.selection import Selection
from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.quantities import count
from hourlyclicks.model.series import merge_days
from hourlyclicks.model.targets import Target
from hourlyclicks.model.zones import as_zone
from hourlyclicks.store.ledger import WITH_FIGURES
from hourlyclicks.store.stored_account import StoredAccount, chunks

if TYPE_CHECKING:
    from hourlyclicks.cli.output.formats import Format
    from hourlyclicks.cli.output.rows import Writer
    from hourlyclicks.model.frames.layouts import Layout
    from hourlyclicks.model.series import HourlySeries

_MANY = 20
"""From more targets on, the hint names the summary."""


@attrs.define
class StoredSeries:
    """The days of one account in a store.

    Args:
        account: the account; ``None``: the store is empty.
        targets: which targets; none: all it has.
        days: which days; ``None``: of each target from the first that is known to the last.
        since: the first days of targets; earlier days of them do not count.
    """

    account: StoredAccount | None
    targets: tuple[Target, ...]
    days: DateRange | None
    since: Mapping[Target, dt.date]

    async def ranges(self) -> dict[Target, tuple[DateRange | None, int]]:
        """Return for each target its days, and how many of them are missing; ``None``: nothing is known."""
        targets = self.targets
        if not targets and self.account is not None:
            targets = tuple(await self.account.targets())
        return {target: await self._range(target) for target in targets}

    async def series(self, target: Target, days: DateRange) -> HourlySeries:
        """Return the hours of a target."""
        if self.account is None:
            return merge_days(days, (), target=target)
        return await self.account.series(days.start, days.end, target)

    async def _range(self, target: Target) -> tuple[DateRange | None, int]:
        own = DateRange(self.since.get(target, dt.date.min), dt.date.max)
        days = None if self.days is None else self.days.clip(own)
        if self.account is None or (days is None and self.days is not None):
            return days, len(days or ())
        if days is not None:
            states = await self.account.count_by_state(target, days)
            return days, len(days) - sum(states[state] for state in WITH_FIGURES)
        entries = await self.account.entries(target, own)
        known = [entry.date for entry in entries if entry.state in WITH_FIGURES]
        if not known:
            return None, 0
        days = DateRange(known[0], known[-1])
        return days, len(days) - len(known)

    async def write(self, target: Target, days: DateRange, shape: Shape, add: Writer) -> None:
        """Write every row of a target; text a stretch of days at a time, as far as rows are of days."""
        for part in [days] if shape.form in BINARY or not shape.layout.by_day else chunks(days):
            add(await self.series(target, part))


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
        raise Failure(f"{count(missing, 'day')} missing", INCOMPLETE)


async def _export(ctx: click.Context, stored: StoredSeries, destination: Destination) -> int:
    """Write the days, and return how many are missing."""
    days, shape = stored.days, destination.shape
    ranges = await stored.ranges()
    missing = tell_missing(ctx, ranges, days)
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


def _status(ctx: click.Context, days: DateRange | None, targets: int) -> str:
    """Return the command line that shows which days are missing."""
    summary = ("--summary",) if targets > _MANY else ()
    within = () if days is None else ("--from", str(days.start), "--to", str(days.end))
    return resume.status_of(ctx, *summary, *within)


def tell_missing(
    ctx: click.Context, ranges: dict[Target, tuple[DateRange | None, int]], days: DateRange | None
) -> int:
    """Say on stderr what is not in the store, and return how many days that are.

    Args:
        ctx: the command.
        ranges: the days of each target, and how many of them are missing.
        days: the days that were named.
    """
    status = _status(ctx, days, len(ranges))
    missing = {target: number for target, (_, number) in ranges.items() if number}
    if missing:
        total = sum(len(part) for part, _ in ranges.values() if part is not None)
        of = f"{count(total, 'day')} of {count(len(ranges), 'target')}"
        say(f"missing: {sum(missing.values()):,} of {of}; see {status}")
    unknown = sum(part is None for part, _ in ranges.values())
    if unknown:
        say(f"left out: {count(unknown, 'target')} without any figures")
    return sum(missing.values())
