"""``hourlyclicks backfill``: years of many targets into a store, in one run or several."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_access
from hourlyclicks.cli.options.deadlines import read_deadline
from hourlyclicks.cli.options.shared import with_period, with_rate, with_run_name
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets


@click.command(name="backfill", cls=StrictCommand)
@with_store
@with_targets
@with_period
@with_rate
@click.option(
    "--deadline",
    metavar="45m|06:00",
    type=read_deadline,
    help="Stop after a duration (45m, 2h, 1h30m) or at a local time of day.",
)
@click.option("--max-requests", metavar="N", type=click.IntRange(0), help="Stop after N requests.")
@click.option(
    "--order",
    type=click.Choice(["oldest", "newest"]),
    default="oldest",
    show_default=True,
    help="Which days of a target to fetch first.",
)
@click.option("--refresh", is_flag=True, help="Request final days again, too.")
@click.option("--retry-refused", is_flag=True, help="Request days again that the API rejected.")
@with_run_name("A name for this run, by which status shows it and stop finds it.")
@with_access
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Fetch years of many targets into a store, in one run or several.

    Requests every day that is not final in the store; days that failed in an earlier run come first. You can
    run it again after any exit, and run several processes at once. After Ctrl-C, SIGTERM or SIGHUP, it sends
    nothing more and saves the responses to requests already sent.

    Name targets with --link and --domain, --group or --account, or list them in a FILE: CSV with the columns
    link and domain, group or target, or TOML with a [[target]] for each. The API key is read from the
    environment variable HOURLYCLICKS_API_KEY, or from a file that only you can read.
    """
    from hourlyclicks.cli.actions import backfill  # noqa: PLC0415 - its help needs less

    backfill.run(ctx, backfill.Options(**options))
