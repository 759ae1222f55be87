"""``hourlyclicks backfill``: years of many targets into a store, in one run or several."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_access, with_endpoint
from hourlyclicks.cli.options.days import with_period
from hourlyclicks.cli.options.limits import with_rate
from hourlyclicks.cli.options.runs import with_run_options
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets


@click.command(name="backfill", cls=StrictCommand)
@with_store
@with_targets
@with_period
@with_rate
@with_run_options
@click.option("--refresh", is_flag=True, help="Request final days again, too.")
@with_access
@with_endpoint
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Fetch years of many targets into a store, in one run or several.

    Requests every day that is not final in the store; days that failed in an earlier run come first. You can
    run it again after any exit, and run several processes at once. After Ctrl-C, SIGTERM or SIGHUP, it sends
    nothing more and saves the responses to requests already sent.

    Name targets with --link and --domain, --group or --account, or list them in a FILE: CSV with the columns
    link and domain, group or target, or TOML with a [[target]] for each; --all-links adds all links of the
    account. The API key is read from the environment variable HOURLYCLICKS_API_KEY, or from a file that only
    you can read.
    """
    from hourlyclicks.cli.actions import backfill  # noqa: PLC0415 - its help needs less

    backfill.run(ctx, backfill.Options(**options))
