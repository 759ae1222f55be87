"""``hourlyclicks groups``: the groups of the account, as a list of targets."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_access
from hourlyclicks.cli.options.limits import with_rate
from hourlyclicks.cli.options.list_output import with_listing
from hourlyclicks.cli.options.strict import StrictCommand


@click.command(name="groups", cls=StrictCommand)
@with_rate
@with_listing
@with_access
def command(**options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """List the account's groups, as a file for --targets.

    Needs the Premium plan or a larger one. The column "since" is the day on which a group was created; see
    links.
    """
    from hourlyclicks.cli.actions import lists  # noqa: PLC0415 - its help needs less

    lists.run(lists.Options(name="groups", **options))
