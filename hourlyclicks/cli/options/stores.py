"""The store of a command: where it is, and whose days are looked at.

Commands that only look never make or change anything: neither a file, nor its tables, nor an account.
"""

from __future__ import annotations

import functools
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from click.core import ParameterSource

from hourlyclicks.cli.options.collisions import check_apart
from hourlyclicks.cli.options.keys import key_if_any
from hourlyclicks.errors import StoreError, UsageError
from hourlyclicks.store.names import check_name, holds_password
from hourlyclicks.store.opening import is_address, store_of
from hourlyclicks.wire.key import ApiKey, fingerprint_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from hourlyclicks.cli.options.shared import Command
    from hourlyclicks.store.protocol import Store

STORE_VARIABLE = "HOURLYCLICKS_STORE"
"""The environment variable that says where the store is."""

SHORT = 8
"""How many digits of an account's fingerprint are shown, and are enough to name it."""

_FINGERPRINT = re.compile(rf"[0-9a-f]{{{SHORT},32}}")


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
            raise click.UsageError(f"which store? Say --store, or set {STORE_VARIABLE}")
        return self.where

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

    @click.option(
        "--store",
        metavar="PATH|URL",
        envvar=STORE_VARIABLE,
        help=f"A SQLite file, or a postgresql:// address.  [environment: {STORE_VARIABLE}]",
    )
    @click.option("--account-name", metavar="NAME", help="The name of the account in the store.")
    @functools.wraps(command)
    def folded(*args: Any, store: str | None, account_name: str | None, **rest: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
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
                f"--account-name names an account in a store: say --store, or set {STORE_VARIABLE}"
            )
        return command(*args, store=StoreChoice(store, account_name, by_option), **rest)

    return folded


def _check_apart(context: click.Context) -> None:
    """Refuse a command whose output is its store or another file it needs; see `check_apart`."""
    given = {name: context.params.get(name) for name in ("store", "output", "targets", "key_file")}
    check_apart(**{name: None if value == Path("-") else value for name, value in given.items()})


@asynccontextmanager
async def looking_into(choice: StoreChoice) -> AsyncIterator[Store]:
    """Open a store that is there, to read only, and close it in the end.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    store = store_of(choice.needed(), read_only=True)
    if not choice.exists:
        raise StoreError(f"there is no store {choice.where}")
    try:
        await store.open()
        yield store
    finally:
        await store.close()


async def accounts(store: Store, name: str | None) -> Mapping[str, int]:
    """Return the accounts that are meant, by their fingerprints: the one that was named, or all.

    Args:
        store: the store.
        name: the name of an account, or the beginning of its fingerprint.

    Raises:
        UsageError: there is no such account.
    """
    known = await store.accounts()
    if name is None:
        return known
    number = await _named(store, known, name)
    if number is None:
        raise UsageError(f"the store has no account named {name!r}{_there_are(known)}")
    return {fingerprint: each for fingerprint, each in known.items() if each == number}


async def one_account(store: Store, name: str | None) -> int | None:
    """Return the account that is meant; ``None`` when the store is empty.

    That is the one that was named, else the only one, else that of the key.

    Raises:
        UsageError: it cannot be told.
    """
    found = await accounts(store, name)
    if len(found) > 1:
        number = await account_of_key(store, found)
        if number is None:
            raise UsageError(f"whose days? Say --account-name{_there_are(found)}")
        return number
    return next(iter(found.values()), None)


async def account_to_fill(store: Store, name: str | None) -> int | None:
    """Return the account that a backfill would fill; ``None`` when the store does not know it yet.

    That is the one that was named, else that of the key; who has no key means the only account there is.

    Raises:
        UsageError: it cannot be told.
    """
    known = await store.accounts()
    if name is not None:
        return await _named(store, known, name)
    if key_if_any() is not None:
        return await account_of_key(store, known)
    return await one_account(store, None)


async def account_of_key(store: Store, known: Mapping[str, int]) -> int | None:
    """Return the account of the API key; ``None`` when there is no key, or the store does not know it."""
    key = key_if_any()
    return None if key is None else known.get(ApiKey(key).fingerprint(await store.salt()))


async def _named(store: Store, known: Mapping[str, int], name: str) -> int | None:
    """Return the account of a name, or else the only one whose fingerprint begins like that."""
    number = known.get(fingerprint_of(name, await store.salt()))
    if number is None and _FINGERPRINT.fullmatch(name):
        found = [each for fingerprint, each in known.items() if fingerprint.startswith(name)]
        return found[0] if len(found) == 1 else None
    return number


def _there_are(known: Mapping[str, int]) -> str:
    if not known:
        return ": it is empty"
    return "; by their fingerprints there are: " + ", ".join(each[:SHORT] for each in known)
