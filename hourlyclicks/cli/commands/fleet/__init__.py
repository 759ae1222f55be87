"""``hourlyclicks fleet``: many accounts, each with its own key, over one store."""

from __future__ import annotations

import click

from hourlyclicks.cli.lazy_group import LazyGroup

COMMANDS = {
    "run": "Fetch the days of all accounts in a file into one store.",
    "demo": "Fetch the days of 200 accounts with two processes, one of which is killed.",
    "status": "Show the accounts of a store, and what holds them (no requests).",
    "release": "Take an account away from the process that holds it (no requests).",
}
"""The names of the commands, each a module of this package, and what they do."""


class FleetGroup(LazyGroup):
    """The commands for many accounts."""

    package = "hourlyclicks.cli.commands.fleet"
    listed = COMMANDS


@click.group(name="fleet", cls=FleetGroup)
def command() -> None:
    """Fetch the days of many accounts, each with its own key, into one store.

    The rate limits belong to a key, so that accounts do not slow each other down. Several processes, on one
    or more machines, may run the same command on the same PostgreSQL database at the same time.
    """
