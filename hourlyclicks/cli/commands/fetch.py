"""``hourlyclicks fetch``: days in, a table, CSV or JSON Lines out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.access import with_access
from hourlyclicks.cli.options.shared import path_type, with_pace, with_period
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.cli.options.access import Access
    from hourlyclicks.cli.options.shared import Period, RateOptions
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection


@click.command(name="fetch", cls=StrictCommand)
@with_targets
@with_period
@with_pace
@with_access
@with_store
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "jsonl"]),
    help="What to write.  [default: by the name of FILE; on stdout, table]",
)
@click.option("-o", "--output", metavar="FILE", type=path_type(), help="Write there instead of stdout.")
@click.option("--partial", is_flag=True, help="Write what was fetched even if days are missing.")
@click.option(
    "--fail-fast", is_flag=True, help="Give up when much fails, instead of waiting for better times."
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    selection: Selection,
    period: Period,
    pace: RateOptions | None,
    access: Access,
    store: StoreChoice,
    form: str | None,
    output: Path | None,
    partial: bool,
    fail_fast: bool,
) -> None:
    """Fetch the hours of some days: a table, CSV or JSON Lines.

    Targets are named by --link with --domain, --group and --account, or listed in a FILE. Several are fetched
    one after the other, and written so: the column target tells them apart.

    The API key is read from the environment variable HOURLYCLICKS_API_KEY, or from a file that only you can
    read: the one named by --key-file, or "key" in the folder for the configuration of hourlyclicks.

    The result goes to stdout or into FILE, everything else to stderr. --last counts back from yesterday in
    the account's --timezone; if that is not known, from the last day that is over everywhere on Earth.

    With --store, days that it has for good are taken from there, and what is fetched is kept in it.
    """
    from hourlyclicks.cli.actions import fetch  # noqa: PLC0415 - its help needs less

    fetch.run(
        ctx,
        selection=selection,
        period=period,
        pace=pace,
        access=access,
        store=store,
        form=form,
        output=output,
        partial=partial,
        fail_fast=fail_fast,
    )
