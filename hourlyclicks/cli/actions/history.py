"""What ``hourlyclicks history`` does."""

from __future__ import annotations

import json
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.steps.stores import accounts, looking_into
from hourlyclicks.model.dates import DateRange
from hourlyclicks.render.history import as_objects, history_lines, in_order, latest

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.model.targets import Target

_NOTHING = "No figures were replaced.\n"
_NO_FIGURES = "There are no figures of this day.\n"


class _Order(NamedTuple):
    """Which days of a target are shown, and in which order.

    Args:
        limit: how many, the last ones; ``None``: all.
        newest_first: whether they begin with the last one.
    """

    limit: int | None
    newest_first: bool


def run(
    *,
    store: StoreChoice,
    selection: Selection,
    day: dt.date | None,
    limit: int | None,
    newest_first: bool,
    form: str,
) -> None:
    """See the help of the command."""
    order = _Order(limit, newest_first)
    targets, days = selection.read(), None if day is None else DateRange(day, day)
    with writing("table" if form == "table" else "jsonl", None):
        loop.run(_write(_pieces(store, targets, days, order, form)))


async def _write(pieces: AsyncGenerator[str, None]) -> None:
    async with aclosing(pieces):
        async for piece in pieces:
            sys.stdout.write(piece)


async def _pieces(
    store: StoreChoice, targets: tuple[Target, ...], days: DateRange | None, order: _Order, form: str
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
                    lines = history_lines(target, history, order.limit, newest_first=order.newest_first)
                    yield heading + "".join(line + "\n" for line in lines)
                    heading = ""
                else:
                    last = in_order(latest(history, order.limit), newest_first=order.newest_first)
                    for each in as_objects(target, last):
                        yield json.dumps({"account": account.short, **each}) + "\n"
    if empty and form == "table":
        yield _NOTHING if days is None else _NO_FIGURES
