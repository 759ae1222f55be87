"""``hourlyclicks export``: the days in a store as CSV, JSON Lines, Parquet or an Excel workbook."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.shared import path_type, with_range
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
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
@click.option(
    "--by",
    type=click.Choice(["hour", "day", "week", "month"]),
    default="hour",
    show_default=True,
    help="What a row is. Longer periods than hours have clicks, but no unique users.",
)
@click.option("--wide", is_flag=True, help="Write a row for each day, with the clicks of its 24 hours.")
@click.option(
    "--bom", is_flag=True, help="Begin a CSV with a byte order mark, so that Excel reads it as UTF-8."
)
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
