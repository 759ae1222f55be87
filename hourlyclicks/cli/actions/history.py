"""What ``hourlyclicks history`` does."""

from __future__ import annotations

import json
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING

from hourlyclicks.cli.actions.stores import accounts, looking_into
from hourlyclicks.cli.console import loop
from hourlyclicks.cli.output.files import writing
from hourlyclicks.model.dates import DateRange
from hourlyclicks.render.history import as_objects, history_lines, latest

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.model.targets import Target

_NOTHING = "No figures were replaced.\n"
_NO_FIGURES = "There are no figures of this day.\n"


def run(
    *, store: StoreChoice, selection: Selection, day: dt.date | None, limit: int | None, form: str
) -> None:
    """See the help of the command."""
    targets, days = selection.read(), None if day is None else DateRange(day, day)
    with writing("table" if form == "table" else "jsonl", None):
        loop.run(_write(_pieces(store, targets, days, limit, form)))


async def _write(pieces: AsyncGenerator[str, None]) -> None:
    async with aclosing(pieces):
        async for piece in pieces:
            sys.stdout.write(piece)


async def _pieces(
    store: StoreChoice, targets: tuple[Target, ...], days: DateRange | None, limit: int | None, form: str
) -> AsyncGenerator[str, None]:
    """Yield the text, a target at a time."""
    empty = True
    async with looking_into(store) as opened:
        for account in await accounts(opened, store.account):
            heading = f"account {account.short}\n" if form == "table" else ""
            for target in targets or await account.targets():
                history = await account.history(target, days)
                if not history:
                    continue
                empty = False
                if form == "table":
                    yield heading + "".join(line + "\n" for line in history_lines(target, history, limit))
                    heading = ""
                else:
                    for each in as_objects(target, latest(history, limit)):
                        yield json.dumps({"account": account.short, **each}) + "\n"
    if empty and form == "table":
        yield _NOTHING if days is None else _NO_FIGURES
