"""``hourlyclicks report``: one page of HTML about hourly clicks."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_access, with_endpoint
from hourlyclicks.cli.options.days import with_any_period
from hourlyclicks.cli.options.limits import with_rate
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.options.types import path_type
from hourlyclicks.cli.selection import with_targets


@click.command(name="report", cls=StrictCommand)
@with_store
@with_targets
@with_any_period
@click.option(
    "-o", "--output", metavar="FILE", type=path_type(), required=True, help="Write to FILE; - is stdout."
)
@click.option("--open", "show", is_flag=True, help="Open FILE in a browser.")
@click.option("--title", metavar="TEXT", help="The heading of the page.  [default: Hourly clicks]")
@with_rate
@with_access
@with_endpoint
@click.option(
    "--fail-fast", is_flag=True, help="Stop early after repeated failures instead of pausing and retrying."
)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Write a page of HTML about the days in a store, or fetched ones.

    With --store, the page shows the days in the store: of all targets unless you name some, and of each from
    its first known day to its last unless you name days. Nothing is requested, and no API key is needed.

    Without a store, name targets and days as for "fetch"; the days are fetched first.

    The page is one file that needs no network. Missing days are shown as such, in any case.
    """
    from hourlyclicks.cli.actions import report  # noqa: PLC0415 - its help needs less

    report.run(ctx, report.Options(**options))
