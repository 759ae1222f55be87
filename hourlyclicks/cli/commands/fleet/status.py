"""``hourlyclicks fleet status``: the accounts of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.stores import with_whole_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.options.types import path_type

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.cli.options.stores import StoreChoice


@click.command(name="status", cls=StrictCommand)
@with_whole_store
@click.option(
    "--accounts",
    metavar="FILE",
    type=path_type(),
    help="The file with the accounts: their names are shown, and which of them are not in the store.",
)
@click.option("--timezone", metavar="ZONE", help="The accounts' time zone; decides which days are stale.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option("--all", "everything", is_flag=True, help="Show also accounts with no day to request again.")
def command(
    *, store: StoreChoice, accounts: Path | None, timezone: str | None, as_json: bool, everything: bool
) -> None:
    """Show the accounts of a store, and what holds them (no requests).

    Needs no API key. The store has no names of accounts, only fingerprints: the names are those in the file
    of --accounts, or what the process that holds an account calls it.
    """
    from hourlyclicks.cli.actions.fleet import status  # noqa: PLC0415 - its help needs less

    status.run(store=store, accounts=accounts, timezone=timezone, as_json=as_json, everything=everything)
