"""``hourlyclicks links``: the links of the account, as a list of targets."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_access
from hourlyclicks.cli.options.days import read_period
from hourlyclicks.cli.options.limits import with_rate
from hourlyclicks.cli.options.list_output import with_listing
from hourlyclicks.cli.options.strict import StrictCommand


@click.command(name="links", cls=StrictCommand)
@click.option(
    "--created", metavar="FROM..TO", type=read_period, help="Only links created on these days, both included."
)
@with_rate
@with_listing
@with_access
def command(**options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """List the account's links, as a file for --targets.

    Needs the Premium plan or a larger one. The column "since" is the day on which a link was created;
    backfill, sync, fetch and estimate request no earlier day of a target in such a file. The requests count
    against the limit of all requests, not against that of the statistics.
    """
    from hourlyclicks.cli.actions import lists  # noqa: PLC0415 - its help needs less

    lists.run(lists.Options(name="links", **options))
