"""What ``hourlyclicks fleet release`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.exits import NOT_RUNNING, CommandError
from hourlyclicks.errors import StoreError
from hourlyclicks.store.opening import open_store

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.store.leases import StoredLease


def run(store: StoreChoice, name: str) -> None:
    """See the help of the command."""
    if not store.exists:
        raise StoreError(f"there is no store {store.where}")
    released = loop.run(_release(store, name))
    if not released:
        raise CommandError(
            f"no process holds the account {name!r}; fleet status shows those that are held", NOT_RUNNING
        )
    for lease in released:
        click.echo(f"released: {lease.label}, which process {lease.holder.pid} on {lease.holder.host} held")


async def _release(store: StoreChoice, name: str) -> list[StoredLease]:
    """End the leases of an account; a store in which there is none is not opened to write."""
    async with open_store(store.needed()) as opened:
        if name not in {lease.label for lease in await opened.leases() if lease.holder.name}:
            return []
    async with open_store(store.needed(), read_only=False) as opened:
        return await opened.end_leases(name)
