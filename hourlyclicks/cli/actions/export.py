"""What ``hourlyclicks export`` does."""

from __future__ import annotations

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
from hourlyclicks.store.reading import StoredAccount, chunks

if TYPE_CHECKING:
    import click

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.output.files import Format
    from hourlyclicks.cli.selection import Selection


@attrs.define
class Holdings:
    """The days of one account in a store.

    Args:
        account: the account; ``None``: the store is empty.
        targets: which targets; none: all it has.
        days: which days; ``None``: of each target from the first that is known to the last.
    """

    account: StoredAccount | None
    targets: tuple[Target, ...]
    days: DateRange | None

    async def ranges(self) -> dict[Target, tuple[DateRange | None, int]]:
        """Return for each target its days, and how many of them are missing; ``None``: nothing is known."""
        targets = self.targets
        if not targets and self.account is not None:
            targets = tuple(await self.account.targets())
        return {target: await self._range(target) for target in targets}

    async def _range(self, target: Target) -> tuple[DateRange | None, int]:
        if self.account is None:
            return self.days, len(self.days or ())
        if self.days is not None:
            states = await self.account.count_by_state(target, self.days)
            return self.days, len(self.days) - sum(states[state] for state in WITH_FIGURES)
        entries = await self.account.entries(target)
        known = [entry.date for entry in entries if entry.state in WITH_FIGURES]
        if not known:
            return None, 0
        days = DateRange(known[0], known[-1])
        return days, len(days) - len(known)

    async def write(self, target: Target, days: DateRange, form: Format, stream: IO[str]) -> None:
        """Write every hour of a target, a stretch of days at a time."""
        for chunk in chunks(days):
            series = (
                merge_days(chunk, (), target=target)
                if self.account is None
                else await self.account.series(chunk.start, chunk.end, target)
            )
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
    targets = selection.read()
    status = resume.status_of(ctx)
    missing = loop.run(_export(store, targets, days, chosen, output, partial=partial, status=status))
    if missing and days is not None:
        raise Failure(f"{count(missing, 'day')} missing", INCOMPLETE)


async def _export(
    store: StoreChoice,
    targets: tuple[Target, ...],
    days: DateRange | None,
    form: Format,
    output: Path | None,
    *,
    partial: bool,
    status: str,
) -> int:
    """Write the days, and return how many are missing."""
    async with looking_into(store) as opened:
        account = Holdings(await one_account(opened, store.account), targets, days)
        ranges = await account.ranges()
        missing = _tell_missing(ranges, status)
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
                    await account.write(target, part, form, stream)
    return missing


def _tell_missing(ranges: dict[Target, tuple[DateRange | None, int]], status: str) -> int:
    """Say on stderr what is not in the store, and return how many days that are."""
    missing = {target: number for target, (_, number) in ranges.items() if number}
    if missing:
        total = sum(len(part) for part, _ in ranges.values() if part is not None)
        of = f"{total:,} days of {count(len(ranges), 'target')}"
        say(f"missing: {count(sum(missing.values()), 'day')} of {of}; see {status}")
    unknown = sum(part is None for part, _ in ranges.values())
    if unknown:
        say(f"left out: {count(unknown, 'target')} without any figures")
    return sum(missing.values())
