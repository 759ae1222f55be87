"""The store of a command: where it is, and the name of the account in it."""

from __future__ import annotations

import functools
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from click.core import ParameterSource

from hourlyclicks.cli.options.collisions import check_apart
from hourlyclicks.errors import StoreError
from hourlyclicks.store.file_names import check_name, holds_password
from hourlyclicks.store.opening import is_address

if TYPE_CHECKING:
    from hourlyclicks.cli.options.types import Command

STORE_VARIABLE = "HOURLYCLICKS_STORE"
"""The environment variable that says where the store is."""


@attrs.frozen
class StoreChoice:
    """What was said about the store.

    Args:
        where: the path of a file, or a ``postgresql://`` address; ``None``: nothing was said.
        account: the name of the account in it, if it has one.
        by_option: whether the store was named on the command line, and not in the environment.
    """

    where: str | None
    account: str | None
    by_option: bool

    def needed(self) -> str:
        """Return where the store is; that nothing was said is a mistake."""
        if self.where is None:
            raise click.UsageError(f"no store given: use --store, or set {STORE_VARIABLE}")
        return self.where

    def check_folder(self) -> None:
        """Check that the store is named, and that a file can be in its folder.

        Raises:
            StoreError: there is no such folder.
        """
        where = self.needed()
        if is_address(where):
            return
        check_name(where)
        with suppress(ValueError):  # a NUL; it will be said what is wrong with it
            if not Path(where).resolve().parent.is_dir():
                raise StoreError(f"the store {where}: there is no such folder: make it, or name another file")

    @property
    def exists(self) -> bool:
        """Whether the store is there; a database is taken to be, and an empty file is none."""
        where = self.needed()
        if is_address(where):
            return True
        check_name(where)
        try:
            return Path(where).stat().st_size > 0 or not Path(where).is_file()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False
        except OSError:
            return True  # it will be said what is wrong with it


def with_store(command: Command) -> Command:
    """Add ``--store`` and ``--account-name``; the command takes ``store``."""
    named = click.option("--account-name", metavar="NAME", help="The name of the account in the store.")
    return with_whole_store(named(command))


def with_whole_store(command: Command) -> Command:
    """Add ``--store``; the command takes ``store``, and means all accounts in it."""

    @click.option(
        "--store",
        metavar="PATH|URL",
        envvar=STORE_VARIABLE,
        help=f"A SQLite file, or a postgresql:// address.  [environment: {STORE_VARIABLE}]",
    )
    @functools.wraps(command)
    def folded(
        *args: Any,  # noqa: ANN401 - whatever the command takes and gives
        store: str | None,
        account_name: str | None = None,
        **rest: Any,  # noqa: ANN401 - likewise
    ) -> Any:  # noqa: ANN401 - likewise
        context = click.get_current_context()
        _check_apart(context)
        source = context.get_parameter_source("store")
        by_option = source is ParameterSource.COMMANDLINE
        if by_option and store is not None and holds_password(store):
            raise click.UsageError(
                "--store holds a password, and every user of this machine can see the arguments of a process;"
                f" put the address into the environment variable {STORE_VARIABLE}"
            )
        if account_name is not None and not account_name.strip():
            raise click.UsageError("--account-name is empty: name the account, or leave the option out")
        if account_name is not None and store is None:
            raise click.UsageError(
                f"--account-name names an account in a store: use --store, or set {STORE_VARIABLE}"
            )
        return command(*args, store=StoreChoice(store, account_name, by_option), **rest)

    return folded


def _check_apart(context: click.Context) -> None:
    """Refuse a command whose output is its store or another file it needs; see `check_apart`."""
    given = {name: context.params.get(name) for name in ("store", "output", "targets", "key_file")}
    given["output"] = context.params.get("report", given["output"])
    stdout = Path("-")  # for the targets it is stdin
    check_apart(
        **{name: None if value == stdout and name != "targets" else value for name, value in given.items()}
    )
