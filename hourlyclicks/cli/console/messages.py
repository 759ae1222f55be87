"""What a command says on stderr besides its result."""

from __future__ import annotations

from contextlib import suppress

import click

from hourlyclicks.render.phrases import safe


def say(line: str) -> None:
    """Write a line to stderr; whatever foreign text it holds cannot steer the terminal.

    That it cannot be written is no reason to lose the data it is about, whatever the error: stderr may be
    closed, or drawn on by a view.
    """
    with suppress(Exception):
        click.echo(safe(line), err=True)
