"""The days of an account in a store, as commands write and draw them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.output import resume
from hourlyclicks.cli.output.formats import BINARY
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.quantities import count
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Target
from hourlyclicks.store.ledger import WITH_FIGURES
from hourlyclicks.store.stored_account import StoredAccount, chunks

if TYPE_CHECKING:
    import click

    from hourlyclicks.cli.output.rows import Shape, Writer
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


def _status(ctx: click.Context, days: DateRange | None, targets: int) -> str:
    """Return the command line that shows which days are missing."""
    summary = ("--summary",) if targets > _MANY else ()
    within = () if days is None else ("--from", str(days.start), "--to", str(days.end))
    return resume.status_of(ctx, *summary, *within)


def tell_not_stored(
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
