"""What ``hourlyclicks status --summary`` does."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.steps.running_backfills import runs_of
from hourlyclicks.cli.steps.stores import accounts_of, looking_into
from hourlyclicks.errors import StoreError
from hourlyclicks.model.quantities import count
from hourlyclicks.render.overview import overview_lines, overview_object
from hourlyclicks.render.running import as_object, brief_lines
from hourlyclicks.store.backlog import backlogs_of, failures_of, summaries_of
from hourlyclicks.store.overview import overview_of

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.coordination.runs import RunningBackfill
    from hourlyclicks.store.backlog import Scope
    from hourlyclicks.store.overview import Overview
    from hourlyclicks.store.stored_account import StoredAccount


def run(*, store: StoreChoice, scope: Scope, form: str, everything: bool) -> None:
    """See the help of the command."""
    with writing("table" if form == "table" else "jsonl", None):
        found = loop.run(_overviews(store, scope))
        if form == "json":
            objects = [
                {
                    "account": account.short,
                    **overview_object(overview, all_=everything),
                    "running": None if isinstance(runs, StoreError) else list(map(as_object, runs)),
                }
                for account, overview, runs in found
            ]
            sys.stdout.write(json.dumps(objects, indent=2) + "\n")
            return
        sys.stdout.write("" if found else "The store is empty.\n")
        for account, overview, runs in found:
            running = brief_lines(runs, present())
            lines = [_heading(account, overview), *overview_lines(overview, running, all_=everything)]
            sys.stdout.write("".join(line + "\n" for line in lines))


async def _overviews(
    store: StoreChoice, scope: Scope
) -> list[tuple[StoredAccount, Overview, list[RunningBackfill] | StoreError]]:
    """Return what is known of each account, and its running backfills or why they are not known."""
    async with looking_into(store, scope.zone) as opened:
        return [
            (account, await overview(account, scope), await runs_of(account))
            for account in await accounts_of(opened, store.account, scope.targets)
        ]


async def overview(account: StoredAccount, scope: Scope) -> Overview:
    """Return what is known of the targets of an account that are looked at."""
    now = present()
    summaries = await summaries_of(account, scope, now=now)
    backlogs = await backlogs_of(account, summaries, scope, now=now)
    failures = await failures_of(account, summaries, scope)
    return overview_of(backlogs, await account.parked(summaries), failures)


def _heading(account: StoredAccount, overview: Overview) -> str:
    days = "" if overview.range is None else f", {overview.range}"
    return f"account {account.short}: {count(overview.targets, 'target')}{days}"
