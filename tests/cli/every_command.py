"""All commands by the words that call them, those of groups included."""

from __future__ import annotations

import click

from hourlyclicks.cli.app import app
from hourlyclicks.cli.lazy_group import LazyGroup


def commands_of(group: LazyGroup = app, before: str = "") -> dict[str, click.Command]:
    """Return the commands of a group, and of the groups in it."""
    found: dict[str, click.Command] = {}
    for name in group.listed:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found[f"{before}{name}"] = command
        if isinstance(command, LazyGroup):
            found |= commands_of(command, f"{before}{name} ")
    return found


EVERY_COMMAND = commands_of()
"""The commands, such as ``"fetch"`` and ``"fleet run"``."""

WITH_OPTIONS = {
    name: command for name, command in EVERY_COMMAND.items() if not isinstance(command, click.Group)
}
"""Those of them that do something by themselves."""
