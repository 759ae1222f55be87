"""``hourlyclicks export``: the days in a store as CSV or JSON Lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.shared import path_type, with_range
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.model.dates import DateRange


@click.command(name="export", cls=StrictCommand)
@with_store
@with_targets
@with_range
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    help="Output format.  [default: by the name of FILE, else csv]",
)
@click.option("-o", "--output", metavar="FILE", type=path_type(), help="Write to FILE instead of stdout.")
@click.option("--partial", is_flag=True, help="Write the result even if days are missing.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    store: StoreChoice,
    selection: Selection,
    days: DateRange | None,
    form: str | None,
    output: Path | None,
    partial: bool,
) -> None:
    """Write the days in a store as CSV or JSON Lines (no requests).

    Needs no API key. Writes all targets unless you name some, and each target from its first known day to its
    last unless you give --from and --to. Missing days in between have the status "not_fetched".
    """
    from hourlyclicks.cli.actions import export  # noqa: PLC0415 - its help needs less

    export.run(ctx, store=store, selection=selection, days=days, form=form, output=output, partial=partial)
