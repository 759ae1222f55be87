"""Groups of commands that load a command when it is called."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


class LazyGroup(click.Group):
    """A group whose commands are modules of a package, each with its ``command``.

    Attributes:
        package: the package.
        listed: the names of the commands, and what they do; a subclass sets both.
    """

    package: ClassVar[str]
    listed: ClassVar[Mapping[str, str]]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature of click
        """Return the names of the commands."""
        return list(self.listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Load a command."""
        if cmd_name not in self.listed:
            return None
        module: ModuleType = importlib.import_module(f"{self.package}.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.listed.items()))
