"""``hourlyclicks fleet release``: takes an account away from the process that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.stores import with_whole_store
from hourlyclicks.cli.options.strict import StrictCommand

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice


@click.command(name="release", cls=StrictCommand)
@click.argument("name")
@with_whole_store
def command(*, name: str, store: StoreChoice) -> None:
    """Take an account away from the process that holds it (no requests).

    For a process that hangs, or whose machine is gone, before its lease expires by itself. NAME is what
    "fleet status" shows. The process stores nothing more of this account; it tries the account again after
    all others. The account can be taken when the lease would have expired, at most 15 seconds later.
    """
    from hourlyclicks.cli.actions.fleet import release  # noqa: PLC0415 - its help needs less

    release.run(store, name)
