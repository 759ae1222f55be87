"""``hourlyclicks status``: what a store holds, and what is missing."""

from __future__ import annotations

import datetime as dt
import json
import sys
import textwrap
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import attrs
import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.options.shared import present, with_range
from hourlyclicks.cli.options.stores import SHORT, accounts, looking_into, with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.selection import with_targets
from hourlyclicks.model.dates import DateRange, as_zone
from hourlyclicks.model.targets import Target
from hourlyclicks.render.words import count, safe, span
from hourlyclicks.store.coverage import ALL_DAYS, cover
from hourlyclicks.store.ledger import WITH_FIGURES, DayState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.store.coverage import Coverage
    from hourlyclicks.store.protocol import Store

_SHOWN = 10
_WIDTH = 80
_MONTHS = "J F M A M J J A S O N D"
_UNICODE = "·▁▂▃▄▅▆▇█"
_ASCII = "0123456789#"
"""From no day of a month to all of them; only a whole month gets the last one."""


@attrs.frozen
class View:
    """What is looked at.

    Args:
        targets: which targets; none: all.
        days: which days; ``None``: of each target from the first that is known to the last.
        zone: the account's time zone, if it is known.
    """

    targets: tuple[Target, ...]
    days: DateRange | None
    zone: dt.tzinfo | None

    async def of(self, store: Store, account: int) -> AsyncIterator[Coverage]:
        """Yield what is known of each target, one after the other."""
        now = present()
        for target in self.targets or await store.targets(account):
            marks = await store.entries(account, target, self.days or ALL_DAYS)
            coverage = cover(target, marks, self.days, now=now, zone=self.zone)
            if coverage.parked is not None and self.days is not None:
                states = await store.count_by_state(account, target, ALL_DAYS)
                if any(states[state] for state in WITH_FIGURES):  # on other days than those looked at
                    coverage = attrs.evolve(coverage, parked=None)
            yield coverage


@click.command(name="status", cls=StrictCommand)
@with_store
@with_targets
@with_range
@click.option("--timezone", metavar="ZONE", help="The account's time zone; decides which days are stale.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What to write.",
)
@click.option("--all", "everything", is_flag=True, help="Name all days that are missing, not only the first.")
def command(
    *,
    store: StoreChoice,
    selection: Selection,
    days: DateRange | None,
    timezone: str | None,
    form: str,
    everything: bool,
) -> None:
    """Show what a store holds, and what is missing; sends nothing.

    Needs no key. Shows all accounts, each by the beginning of its fingerprint, which is also good for
    --account-name. Without --from and --to, each target is looked at from the first day that is known of it
    to the last.
    """
    view = View(selection.read(), days, as_zone(timezone))
    with writing("table" if form == "table" else "jsonl", None) as stream:
        shades = shades_for(getattr(stream, "encoding", None))
        pieces = _as_json(store, view) if form == "json" else _as_table(store, view, shades, all_=everything)
        loop.run(_write(pieces))


async def _write(pieces: AsyncGenerator[str, None]) -> None:
    async with aclosing(pieces):
        async for piece in pieces:
            sys.stdout.write(piece)


async def _as_table(store: StoreChoice, view: View, shades: str, *, all_: bool) -> AsyncGenerator[str, None]:
    """Yield the text for people, a target at a time."""
    async with looking_into(store) as opened:
        known = await accounts(opened, store.account)
        if not known:
            yield "The store is empty.\n"
        for fingerprint, number in known.items():
            targets = await opened.targets(number)
            yield f"account {fingerprint[:SHORT]}: {count(len(targets), 'target')}\n"
            async for coverage in view.of(opened, number):
                yield "".join(line + "\n" for line in table(coverage, shades, all_=all_))


async def _as_json(store: StoreChoice, view: View) -> AsyncGenerator[str, None]:
    """Yield a JSON document, an object of its array at a time."""
    before = "[\n"
    async with looking_into(store) as opened:
        for fingerprint, number in (await accounts(opened, store.account)).items():
            async for coverage in view.of(opened, number):
                yield before + json.dumps({"account": fingerprint[:SHORT], **as_object(coverage)})
                before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def table(coverage: Coverage, shades: str, *, all_: bool) -> Iterator[str]:
    """Yield the lines about a target.

    Args:
        coverage: what is known of it.
        shades: the characters for months, see `shades_for`.
        all_: whether to name all days that are missing.
    """
    yield ""
    yield safe(str(coverage.target))
    if coverage.range is None:
        yield "  nothing is known"
        return
    yield f"  {coverage.range}, {count(len(coverage.range), 'day')}"
    yield from textwrap.wrap(_counted(coverage), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if coverage.parked is not None:
        yield f"  parked   every day is rejected: {safe(coverage.parked)}"
    yield from _calendar(coverage, shades)
    details = list(_details(coverage))
    yield from details if all_ else details[:_SHOWN]
    if len(details) > _SHOWN and not all_:
        yield f"  {len(details) - _SHOWN:,} more of these; --all shows them"


def _counted(coverage: Coverage) -> str:
    """Return how many days are in each state, in words."""
    counts = {
        **{state.value: coverage.states[state] for state in DayState},
        "missing": coverage.missing_days,
        "stale": coverage.stale_days,
    }
    return ", ".join(f"{number:,} {state}" for state, number in counts.items() if number)


def _calendar(coverage: Coverage, shades: str) -> Iterator[str]:
    """Yield a line for each year with a character for each month: how much of it has figures."""
    years = sorted({year for year, _ in coverage.months})
    if years:
        yield f"        {_MONTHS}"
    for year in years:
        months = [coverage.months.get((year, month)) for month in range(1, 13)]
        cells = [" " if month is None else shade(month.known, month.days, shades) for month in months]
        yield f"  {year:04}  {' '.join(cells)}".rstrip()


def shade(known: int, days: int, shades: str) -> str:
    """Return a character for a part of a month; only none of it gets the first, only all of it the last."""
    if known == days:
        return shades[-1]
    return shades[0] if not known else shades[1 + (known * (len(shades) - 2)) // days]


def shades_for(encoding: str | None) -> str:
    """Return the characters for months that a stream can show."""
    try:
        _UNICODE.encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        return _ASCII
    return _UNICODE


def _details(coverage: Coverage) -> Iterator[str]:
    """Yield a line for each stretch of days that is not as it should be."""
    for days in coverage.missing:
        yield f"  missing  {span(days.start, days.end)}"
    for days in coverage.stale:
        yield f"  stale    {span(days.start, days.end)}"
    for trouble in coverage.troubles:
        days = trouble.days
        yield f"  {trouble.state.value:<7}  {span(days.start, days.end)}: {safe(trouble.reason)}"


def as_object(coverage: Coverage) -> dict[str, Any]:
    """Return what is known of a target as JSON has it."""
    return {
        "target": str(coverage.target),
        "range": None if coverage.range is None else _ends(coverage.range),
        "days": {
            **{state.value: coverage.states[state] for state in DayState},
            "missing": coverage.missing_days,
            "stale": coverage.stale_days,
        },
        "parked": coverage.parked,
        "months": {
            f"{year:04}-{month:02}": {"days": part.days, "known": part.known}
            for (year, month), part in coverage.months.items()
        },
        "missing": [_ends(days) for days in coverage.missing],
        "stale": [_ends(days) for days in coverage.stale],
        "troubles": [
            {**_ends(trouble.days), "state": trouble.state.value, "reason": trouble.reason}
            for trouble in coverage.troubles
        ],
    }


def _ends(days: DateRange) -> dict[str, str]:
    return {"from": str(days.start), "to": str(days.end)}
