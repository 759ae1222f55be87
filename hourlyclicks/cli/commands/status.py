"""``hourlyclicks status``: which days a store holds, and which are missing."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.days import read_span, with_range
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets


@click.command(name="status", cls=StrictCommand)
@with_store
@with_targets
@with_range
@click.option("--timezone", metavar="ZONE", help="The account's time zone; decides which days are stale.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@click.option("--running", is_flag=True, help="Show only the runs in progress.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List all missing days, and all of many targets; with --summary, all incomplete targets.",
)
@click.option(
    "--summary",
    is_flag=True,
    help="Show all targets together: days by state, the newest complete day, targets that lack most.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Print one line, and end with exit code 10 if days have failed or are missing.",
)
@click.option(
    "--max-age",
    metavar="2d",
    type=read_span,
    help="With --check: also if the newest complete day of a target is more than N days (2d) or weeks ago.",
)
def command(**options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Show which days a store holds and which are missing (no requests).

    Needs no API key. Shows all accounts, each by the first 8 digits of its fingerprint, which --account-name
    accepts. Without --from and --to, each target is shown from its first known day to its last.
    Runs in progress on the store are shown as well.
    """
    from hourlyclicks.cli.actions import status  # noqa: PLC0415 - its help needs less

    status.run(status.Options(**options))
