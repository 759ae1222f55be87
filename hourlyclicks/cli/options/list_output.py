"""Where a list of targets goes, and in which format; the command gets each option as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.types import path_type

if TYPE_CHECKING:
    from hourlyclicks.cli.options.types import Command


def with_listing(command: Command) -> Command:
    """Add ``--format`` and ``--output``; the command takes ``form`` and ``output``."""
    options = (
        click.option(
            "--format",
            "form",
            type=click.Choice(["csv", "jsonl"]),
            help="Output format.  [default: by the name of FILE, else csv]",
        ),
        click.option(
            "-o", "--output", metavar="FILE", type=path_type(), help="Write to FILE instead of stdout."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
