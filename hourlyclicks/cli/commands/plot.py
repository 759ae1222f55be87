"""``hourlyclicks plot``: pictures of hourly clicks."""

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


@click.command(name="plot", cls=StrictCommand)
@click.argument("kind", type=click.Choice(["calendar", "week", "trend", "compare"]), metavar="KIND")
@with_store
@with_targets
@with_any_period
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=path_type(),
    required=True,
    help="Write to FILE, a .png, .svg or .pdf; - is stdout.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["png", "svg", "pdf"]),
    help="Output format.  [default: by the name of FILE]",
)
@click.option(
    "--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True, help="The colours."
)
@with_rate
@with_access
@with_endpoint
@click.option(
    "--fail-fast", is_flag=True, help="Stop early after repeated failures instead of pausing and retrying."
)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Draw a picture of the days in a store, or of days that are fetched for it.

    KIND is "calendar" (every hour), "week" (hours of the week), "trend" (clicks of each day), each of one
    target, or "compare" (several targets below each other).

    With --store, the picture shows the days in the store: from the first known day of a target to its last
    unless you name days, and all targets unless you name some. Needs no API key, and sends no requests.

    Without a store, name targets and days as for "fetch"; the days are fetched first.

    Missing days are hatched.
    """
    from hourlyclicks.cli.actions import plot  # noqa: PLC0415 - its help needs less

    plot.run(ctx, plot.Options(**options))
