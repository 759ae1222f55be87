"""The store that an argument names; only the module of that kind of store is imported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hourlyclicks.errors import StoreError, UsageError

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock
    from hourlyclicks.store.protocol import Store

_POSTGRES = ("postgresql://", "postgres://")


def store_of(
    where: Store | str | os.PathLike[str], clock: Clock | None = None, *, read_only: bool = False
) -> Store:
    """Return the store that an argument names, not opened yet.

    Args:
        where: a store; the address of a PostgreSQL database, which begins with ``postgresql://``; or the path
            of a SQLite file.
        clock: the clock of the limiter that a SQLite file shares; a PostgreSQL server has its own clock.
        read_only: whether the store must neither be created nor changed.

    Raises:
        UsageError: it is none of these, or asyncpg is not installed.
        StoreError: what a store needs cannot be imported, for instance because too many files are open.
    """
    try:
        return _store_of(where, clock, read_only=read_only)
    except ModuleNotFoundError:
        raise
    except (OSError, ImportError) as error:
        raise StoreError(f"what a store needs cannot be imported: {error}") from None


def _store_of(where: Store | str | os.PathLike[str], clock: Clock | None, *, read_only: bool) -> Store:
    if isinstance(where, str) and is_address(where):
        return _postgres(where, read_only=read_only)
    if isinstance(where, str | os.PathLike):
        return _sqlite(where, clock, read_only=read_only)
    if not callable(getattr(where, "pace", None)):
        raise UsageError(f"a store is a Store, a path or a postgresql:// address, not {where!r}")
    return where


def is_address(where: str) -> bool:
    """Return whether a text is the address of a PostgreSQL database."""
    return where.lower().startswith(_POSTGRES)


def _sqlite(path: str | os.PathLike[str], clock: Clock | None, *, read_only: bool) -> Store:
    from hourlyclicks.store.sqlite import SqliteStore  # noqa: PLC0415 - many runs use no store

    text: object = os.fspath(path)  # a PathLike may return bytes
    if not isinstance(text, str) or "\0" in text:
        raise UsageError("a store needs the path of a file, without a character NUL")
    return SqliteStore(path, clock=clock, read_only=read_only)


def _postgres(address: str, *, read_only: bool) -> Store:
    try:
        from hourlyclicks.store.postgres import PostgresStore  # noqa: PLC0415 - asyncpg is an extra
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        said = "a store in PostgreSQL needs asyncpg: pip install 'hourlyclicks[postgres]'"
        raise UsageError(said) from None
    return PostgresStore(address, read_only=read_only)
