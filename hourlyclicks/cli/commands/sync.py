"""``hourlyclicks sync``: bring many targets in a store up to date."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_access, with_endpoint
from hourlyclicks.cli.options.days import read_span
from hourlyclicks.cli.options.limits import with_rate
from hourlyclicks.cli.options.runs import with_run_options
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets


@click.command(name="sync", cls=StrictCommand)
@with_store
@with_targets
@click.option(
    "--new",
    metavar="365d",
    type=read_span,
    default="365d",
    show_default=True,
    help=(
        "How far to go back for a target of which the store has no day: days (365d) or weeks (52w). "
        "A target with a first day, as in the column since, begins there instead."
    ),
)
@with_rate
@with_run_options
@with_access
@with_endpoint
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Fetch each target in a store from its first gap to yesterday.

    The first gap of a target is its first day that is missing, has failed, or may have changed. The
    command names no days, so that the same one can be run every night. Everything else is as for backfill.

    Name targets with --link and --domain, --group or --account, or list them in a FILE: CSV with the columns
    link and domain, group, target or url, TOML with a [[target]] for each, or an address in each line. The
    column since is the first day of a target. --all-links adds all links of the account.
    """
    from hourlyclicks.cli.actions import sync  # noqa: PLC0415 - its help needs less

    sync.run(ctx, sync.Options(**options))
