"""What ``hourlyclicks status --check`` does: one line, and an exit code for an alarm."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.exits import INCOMPLETE, CommandError
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.steps.stores import accounts_of, looking_into
from hourlyclicks.errors import StoreError
from hourlyclicks.model.zones import today
from hourlyclicks.render.check import check_line, check_object, unreadable_object
from hourlyclicks.store.backlog import summaries_of
from hourlyclicks.store.check import check
from hourlyclicks.store.target_summary import TargetSummary

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.store.backlog import Scope
    from hourlyclicks.store.check import Check


def run(*, store: StoreChoice, scope: Scope, form: str, max_age: int | None) -> None:
    """See the help of the command.

    Args:
        store: which store.
        scope: which targets and days.
        form: ``"table"`` or ``"json"``.
        max_age: how many days before today the newest complete day of a target may be.
    """
    with writing("table" if form == "table" else "jsonl", None):
        try:
            found = loop.run(_check(store, scope, max_age))
        except StoreError as error:
            if form == "json":
                sys.stdout.write(json.dumps(unreadable_object(str(error))) + "\n")
            raise
        if form == "json":
            sys.stdout.write(json.dumps(check_object(found)) + "\n")
        elif found.ok:
            sys.stdout.write(check_line(found) + "\n")
    if not found.ok:
        raise CommandError(check_line(found), INCOMPLETE)


async def _check(store: StoreChoice, scope: Scope, max_age: int | None) -> Check:
    now = present()
    async with looking_into(store, scope.zone) as opened:
        summaries: list[TargetSummary] = []
        parked = 0
        for account in await accounts_of(opened, store.account, scope.targets):
            found = await summaries_of(account, scope, now=now)
            summaries += found
            parked += len(await account.parked(found))
    if not summaries:
        summaries = [TargetSummary.unknown(target, scope.days) for target in scope.targets]
    return check(summaries, parked=parked, today=today(now, scope.zone), max_age=max_age)
