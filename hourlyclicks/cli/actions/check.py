"""What ``hourlyclicks status --check`` does: one line, and an exit code for an alarm."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from hourlyclicks.cli.actions.stores import accounts, looking_into, one_account
from hourlyclicks.cli.console import loop
from hourlyclicks.cli.exits import INCOMPLETE, Failure
from hourlyclicks.cli.options.shared import present
from hourlyclicks.cli.output.files import writing
from hourlyclicks.model.dates import today
from hourlyclicks.render.check import check_line, check_object
from hourlyclicks.store.check import check
from hourlyclicks.store.summary import TargetSummary

if TYPE_CHECKING:
    from hourlyclicks.cli.actions.status import View
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.store.check import Check
    from hourlyclicks.store.reading import StoredAccount, StoreReader


def run(*, store: StoreChoice, view: View, form: str, max_age: int | None) -> None:
    """See the help of the command.

    Args:
        store: which store.
        view: which targets and days.
        form: ``"table"`` or ``"json"``.
        max_age: how many days before today the newest complete day of a target may be.
    """
    with writing("table" if form == "table" else "jsonl", None):
        found = loop.run(_check(store, view, max_age))
        if form == "json":
            sys.stdout.write(json.dumps(check_object(found)) + "\n")
        elif found.ok:
            sys.stdout.write(check_line(found) + "\n")
    if not found.ok:
        raise Failure(check_line(found), INCOMPLETE)


async def _check(store: StoreChoice, view: View, max_age: int | None) -> Check:
    now = present()
    async with looking_into(store, view.zone) as opened:
        summaries: list[TargetSummary] = []
        parked = 0
        for account in await _accounts(opened, store.account, view):
            found = await account.summarize(view.targets or None, view.days, now=now)
            summaries += found
            parked += len(await account.parked(found))
    if not summaries:
        summaries = [TargetSummary.unknown(target, view.days) for target in view.targets]
    return check(summaries, parked=parked, today=today(now, view.zone), max_age=max_age)


async def _accounts(opened: StoreReader, name: str | None, view: View) -> tuple[StoredAccount, ...]:
    """Return the accounts to check; targets that are named belong to one account."""
    if not view.targets:
        return await accounts(opened, name)
    account = await one_account(opened, name)
    return () if account is None else (account,)
