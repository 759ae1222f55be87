"""``hourlyclicks audit``: the hours in a store against the sums of days."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_access
from hourlyclicks.cli.options.days import with_period
from hourlyclicks.cli.options.limits import with_rate
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets


@click.command(name="audit", cls=StrictCommand)
@with_store
@with_targets
@with_period
@with_rate
@with_access
@click.option("--refresh", is_flag=True, help="Request also sums that are final in the store.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    show_default=True,
    help="Output format.",
)
def command(**options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Compare the hours in a store with the sums of days.

    The clicks of the 24 hours of each day are added up and compared with the clicks of the day that the API
    computes. A request asks for the sums of several days, as many as the plan allows.

    A day that differs becomes provisional: its figures are kept, and the next backfill or sync requests it
    again. The exit code is 10 if a day differs, if sums could not be fetched, or if no day of a target is
    final in the store; otherwise 13 if the API rejects every day of a target, while the others are compared.
    """
    from hourlyclicks.cli.actions import audit  # noqa: PLC0415 - its help needs less

    audit.run(audit.Options(**options))
