"""What ``hourlyclicks status`` does."""

from __future__ import annotations

import datetime as dt
import json
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.cli.actions.running import lines_about
from hourlyclicks.cli.actions.stores import accounts, looking_into
from hourlyclicks.cli.console import loop
from hourlyclicks.cli.options.shared import present
from hourlyclicks.cli.output.files import writing
from hourlyclicks.model.dates import DateRange, as_zone
from hourlyclicks.model.targets import Target
from hourlyclicks.render.coverage import as_object, shades_for, table
from hourlyclicks.render.phrases import count

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.store.coverage import Coverage
    from hourlyclicks.store.reading import StoredAccount


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

    def of(self, account: StoredAccount) -> AsyncGenerator[Coverage, None]:
        """Yield what is known of each target, one after the other."""
        return account.coverages(self.targets or None, self.days, now=present())


def view_of(selection: Selection, days: DateRange | None, timezone: str | None) -> View:
    """Return what is looked at, as the options of the command say it."""
    return View(selection.read(), days, as_zone(timezone))


def run(*, store: StoreChoice, view: View, form: str, everything: bool) -> None:
    """See the help of the command."""
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
    async with looking_into(store, view.zone) as opened:
        known = await accounts(opened, store.account)
        if not known:
            yield "The store is empty.\n"
        for account in known:
            targets = await account.targets()
            yield f"account {account.short}: {count(len(targets), 'target')}\n"
            yield "".join(line + "\n" for line in await lines_about(account))
            async for coverage in view.of(account):
                yield "".join(line + "\n" for line in table(coverage, shades, all_=all_))


async def _as_json(store: StoreChoice, view: View) -> AsyncGenerator[str, None]:
    """Yield a JSON document, an object of its array at a time."""
    before = "[\n"
    async with looking_into(store, view.zone) as opened:
        for account in await accounts(opened, store.account):
            async for coverage in view.of(account):
                yield before + json.dumps({"account": account.short, **as_object(coverage)})
                before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
