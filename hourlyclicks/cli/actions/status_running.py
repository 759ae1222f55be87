"""What ``hourlyclicks status --running`` does."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.steps.stores import accounts, looking_into
from hourlyclicks.coordination.fleet_runs import running_fleets
from hourlyclicks.coordination.runs import running_backfills
from hourlyclicks.render.running import as_object, fleet_as_object, fleet_lines, running_lines

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice


def run(store: StoreChoice, form: str) -> None:
    """See ``--running`` in the help of the command."""
    with writing("table" if form == "table" else "jsonl", None):
        sys.stdout.write(loop.run(_text(store, form)))


async def _text(store: StoreChoice, form: str) -> str:
    now = present()
    async with looking_into(store) as opened:
        found = [
            (account, await running_backfills(account, now=now))
            for account in await accounts(opened, store.account)
        ]
        fleets = [] if store.account else await running_fleets(opened, now=now)
    if form == "json":
        objects = [{"account": account.short, **as_object(run)} for account, runs in found for run in runs]
        objects += [{"account": None, **fleet_as_object(run)} for run in fleets]
        return json.dumps(objects, indent=1) + "\n"
    lines = ["many accounts", *fleet_lines(fleets, now)] if fleets else []
    lines += [
        line
        for account, runs in found
        if runs
        for line in (f"account {account.short}", *running_lines(runs, now))
    ]
    return "\n".join(lines or ["No backfill is running."]) + "\n"
