"""What ``hourlyclicks export`` does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

import attrs

from hourlyclicks.cli.actions.stores import looking_into, one_account
from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, Failure
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.files import check_writable, format_for, writing
from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.export import COLUMNS
from hourlyclicks.model.series import merge_days
from hourlyclicks.model.targets import Target
from hourlyclicks.render.phrases import count
from hourlyclicks.store.ledger import WITH_FIGURES
from hourlyclicks.store.stored_account import StoredAccount, chunks

if TYPE_CHECKING:
    import click

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.output.files import Format
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.model.series import HourlySeries

_MANY = 20
"""From more targets on, the hint names the summary."""


@attrs.define
class Holdings:
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

    async def write(self, target: Target, days: DateRange, form: Format, stream: IO[str]) -> None:
        """Write every hour of a target, a stretch of days at a time."""
        for chunk in chunks(days):
            series = await self.series(target, chunk)
            if form == "csv":
                series.write_csv(stream, header=False)
            else:
                series.write_jsonl(stream)


def run(
    ctx: click.Context,
    *,
    store: StoreChoice,
    selection: Selection,
    days: DateRange | None,
    form: str | None,
    output: Path | None,
    partial: bool,
) -> None:
    """See the help of the command."""
    output = None if output == Path("-") else output
    check_writable(output)
    chosen = format_for(form, output, otherwise="csv")
    targets, since = selection.read_with_since()

    async def export() -> int:
        async with looking_into(store) as opened:
            holdings = Holdings(await one_account(opened, store.account), targets, days, since)
            return await _export(ctx, holdings, chosen, output, partial=partial)

    missing = loop.run(export())
    if missing and days is not None:
        raise Failure(f"{count(missing, 'day')} missing", INCOMPLETE)


async def _export(
    ctx: click.Context, holdings: Holdings, form: Format, output: Path | None, *, partial: bool
) -> int:
    """Write the days, and return how many are missing."""
    days = holdings.days
    ranges = await holdings.ranges()
    missing = tell_missing(ctx, ranges, days)
    total = sum(len(part) for part, _ in ranges.values() if part is not None)
    if days is None and not total:
        raise UsageError("the store has no figures for these targets")
    if missing and days is not None and (not partial or missing == total):
        say("nothing is written because days are missing; use --partial to write the others")
        return missing
    with writing(form, output) as stream:
        if form == "csv":
            stream.write(",".join(COLUMNS) + "\n")
        for target, (part, _) in ranges.items():
            if part is not None:
                await holdings.write(target, part, form, stream)
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
        of = f"{total:,} days of {count(len(ranges), 'target')}"
        say(f"missing: {count(sum(missing.values()), 'day')} of {of}; see {status}")
    unknown = sum(part is None for part, _ in ranges.values())
    if unknown:
        say(f"left out: {count(unknown, 'target')} without any figures")
    return sum(missing.values())
