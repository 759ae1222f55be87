"""``hourlyclicks status``: which days a store holds, and which are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.shared import with_range
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.model.dates import DateRange


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
@click.option("--running", is_flag=True, help="Show only the running backfills.")
@click.option("--all", "everything", is_flag=True, help="List all missing days, not only the first ones.")
def command(
    *,
    store: StoreChoice,
    selection: Selection,
    days: DateRange | None,
    timezone: str | None,
    form: str,
    everything: bool,
    running: bool,
) -> None:
    """Show which days a store holds and which are missing (no requests).

    Needs no API key. Shows all accounts, each by the first 8 digits of its fingerprint, which --account-name
    accepts. Without --from and --to, each target is shown from its first known day to its last.
    Backfills that run on the store are shown as well.
    """
    if running:
        from hourlyclicks.cli.actions import running as only_running  # noqa: PLC0415 - as below

        only_running.run(store, form)
        return
    from hourlyclicks.cli.actions import status  # noqa: PLC0415 - its help needs less

    status.run(
        store=store, selection=selection, days=days, timezone=timezone, form=form, everything=everything
    )
