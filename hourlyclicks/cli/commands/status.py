"""``hourlyclicks status``: what a store holds, and what is missing."""

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
    help="What to write.",
)
@click.option("--all", "everything", is_flag=True, help="Name all days that are missing, not only the first.")
def command(
    *,
    store: StoreChoice,
    selection: Selection,
    days: DateRange | None,
    timezone: str | None,
    form: str,
    everything: bool,
) -> None:
    """Show what a store holds, and what is missing; sends nothing.

    Needs no key. Shows all accounts, each by the beginning of its fingerprint, which is also good for
    --account-name. Without --from and --to, each target is looked at from the first day that is known of it
    to the last.
    """
    from hourlyclicks.cli.actions import status  # noqa: PLC0415 - its help needs less

    status.run(
        store=store, selection=selection, days=days, timezone=timezone, form=form, everything=everything
    )
