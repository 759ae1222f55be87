"""``hourlyclicks fetch``: hourly clicks as a table, CSV, JSON Lines, Parquet or Excel."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_access, with_endpoint
from hourlyclicks.cli.options.days import with_period
from hourlyclicks.cli.options.limits import with_rate
from hourlyclicks.cli.options.rows import with_rows
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.options.types import path_type
from hourlyclicks.cli.selection import with_targets


@click.command(name="fetch", cls=StrictCommand)
@with_targets
@with_period
@with_rate
@with_access
@with_endpoint
@with_store
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "jsonl", "parquet", "xlsx"]),
    help="Output format.  [default: by the name of FILE; on stdout, table]",
)
@with_rows
@click.option("-o", "--output", metavar="FILE", type=path_type(), help="Write to FILE instead of stdout.")
@click.option("--daily", is_flag=True, help="Fetch sums: clicks and unique users of whole days.")
@click.option("--partial", is_flag=True, help="Write the result even if days are missing.")
@click.option(
    "--fail-fast", is_flag=True, help="Stop early after repeated failures instead of pausing and retrying."
)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Fetch hourly clicks as a table, CSV, JSON Lines, Parquet or Excel.

    Name targets with --link and --domain, --group or --account, or list them in a FILE. Several targets are
    fetched and written one after the other; the column "target" identifies them.

    The API key is read from the environment variable HOURLYCLICKS_API_KEY, or from a file that only you can
    read: the one named by --key-file, or "key" in the folder for the configuration of hourlyclicks.

    The result goes to stdout or FILE, all messages to stderr. --last counts back from yesterday in the
    account's --timezone; without --timezone, from the last day that has ended everywhere on Earth.

    With --daily, a request asks for several days, as many as the plan allows. The unique users are those of
    the day, which no sum over hours gives.

    With --store, final days are read from the store, and fetched days are saved in it.
    """
    from hourlyclicks.cli.actions import fetch  # noqa: PLC0415 - its help needs less

    fetch.run(ctx, fetch.Options(**options))
