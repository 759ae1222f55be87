"""``hourlyclicks export``: the days in a store as CSV, JSON Lines, Parquet or an Excel workbook."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.days import with_range
from hourlyclicks.cli.options.rows import with_rows
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.options.types import path_type
from hourlyclicks.cli.selection import with_targets


@click.command(name="export", cls=StrictCommand)
@with_store
@with_targets
@with_range
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet", "xlsx"]),
    help="Output format.  [default: by the name of FILE, else csv]",
)
@click.option(
    "--timezone",
    metavar="ZONE",
    help="Add a column with the moment of each hour; ZONE is the account's, such as Asia/Seoul.",
)
@with_rows
@click.option("-o", "--output", metavar="FILE", type=path_type(), help="Write to FILE instead of stdout.")
@click.option("--partial", is_flag=True, help="Write the result even if days are missing.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Write the days in a store as CSV, JSON Lines, Parquet or Excel (no requests).

    Needs no API key. Writes all targets unless you name some, and each target from its first known day to its
    last unless you give --from and --to. Missing days in between have the status "not_fetched".
    """
    from hourlyclicks.cli.actions import export  # noqa: PLC0415 - its help needs less

    export.run(ctx, export.Options(**options))
