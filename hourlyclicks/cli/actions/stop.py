"""What ``hourlyclicks stop`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.exits import NOT_RUNNING, CommandError
from hourlyclicks.cli.steps.stores import accounts, looking_into
from hourlyclicks.coordination.fleet_runs import running_fleets, stop_fleets
from hourlyclicks.coordination.runs import running_backfills, stop_backfills
from hourlyclicks.render.running import process_of
from hourlyclicks.store.opening import open_store

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.coordination.fleet_runs import RunningFleet
    from hourlyclicks.coordination.runs import RunningBackfill


def run(store: StoreChoice, name: str | None) -> None:
    """See the help of the command."""
    asked = loop.run(_stop(store, name))
    for each in asked:
        click.echo(f"{'killed before' if each.gone else 'asked to stop'}: {process_of(each)}")
    if all(each.gone for each in asked):
        named = "" if name is None else f" with the name {name!r}"
        raise CommandError(f"no run is in progress on the store{named}", NOT_RUNNING)


async def _stop(store: StoreChoice, name: str | None) -> list[RunningBackfill | RunningFleet]:
    """Ask the runs to stop, and return them; a store on which none runs is not opened to write.

    A run over many accounts is none of the account that was chosen, if one was.
    """
    async with looking_into(store) as opened:
        found = [
            account.fingerprint
            for account in await accounts(opened, store.account)
            if any(name in {None, each.name} for each in await running_backfills(account))
        ]
        fleets = () if store.account else await running_fleets(opened)
    if not found and not any(name in {None, each.name} for each in fleets):
        return []
    async with open_store(store.needed(), read_only=False) as opened:
        asked: list[RunningBackfill | RunningFleet] = []
        if fleets:
            asked += await stop_fleets(opened, name=name)
        for account in await opened.accounts():
            if account.fingerprint in found:
                asked += await stop_backfills(account, name=name)
        return asked
