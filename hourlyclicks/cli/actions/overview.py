"""What ``hourlyclicks status --summary`` does."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from hourlyclicks.cli.actions.stores import accounts, looking_into
from hourlyclicks.cli.console import loop
from hourlyclicks.cli.options.shared import present
from hourlyclicks.cli.output.files import writing
from hourlyclicks.render.overview import overview_lines, overview_object
from hourlyclicks.render.phrases import count
from hourlyclicks.store.overview import overview_of

if TYPE_CHECKING:
    from hourlyclicks.cli.actions.status import View
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.store.overview import Overview
    from hourlyclicks.store.reading import StoredAccount


def run(*, store: StoreChoice, view: View, form: str, everything: bool) -> None:
    """See the help of the command."""
    with writing("table" if form == "table" else "jsonl", None):
        found = loop.run(_overviews(store, view))
        if form == "json":
            objects = [
                {"account": account.short, **overview_object(overview, all_=everything)}
                for account, overview in found
            ]
            sys.stdout.write(json.dumps(objects, indent=2) + "\n")
            return
        sys.stdout.write("" if found else "The store is empty.\n")
        for account, overview in found:
            lines = [_heading(account, overview), *overview_lines(overview, all_=everything)]
            sys.stdout.write("".join(line + "\n" for line in lines))


async def _overviews(store: StoreChoice, view: View) -> list[tuple[StoredAccount, Overview]]:
    """Return what is known of each account."""
    async with looking_into(store, view.zone) as opened:
        return [(account, await overview(account, view)) for account in await accounts(opened, store.account)]


async def overview(account: StoredAccount, view: View) -> Overview:
    """Return what is known of the targets of an account that are looked at."""
    summaries = await account.summarize(view.targets or None, view.days, now=present())
    return overview_of(summaries, await account.parked(summaries))


def _heading(account: StoredAccount, overview: Overview) -> str:
    days = "" if overview.range is None else f", {overview.range}"
    return f"account {account.short}: {count(overview.targets, 'target')}{days}"
