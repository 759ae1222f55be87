"""The store that an argument names; only the module of that kind of store is imported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypedDict

from hourlyclicks.errors import StoreError, UsageError

if TYPE_CHECKING:
    import datetime as dt
    from typing import Unpack

    from hourlyclicks.clock import Clock
    from hourlyclicks.store.migration import OnMigration
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.store.reader import StoreReader


class _Options(TypedDict):
    """What both kinds of stores are made with; see `store_of`."""

    read_only: bool
    on_migration: OnMigration | None


_POSTGRES = ("postgresql://", "postgres://")


def store_of(
    where: Store | str | os.PathLike[str],
    clock: Clock | None = None,
    *,
    read_only: bool = False,
    on_migration: OnMigration | None = None,
) -> Store:
    """Return the store that an argument names, not opened yet.

    Args:
        where: a store; the address of a PostgreSQL database, which begins with ``postgresql://``; or the path
            of a SQLite file.
        clock: the clock of the client, which becomes that of the limiter that a store in SQLite shares,
            unless the store was made with another one; a PostgreSQL server has its own clock.
        read_only: whether the store must neither be created nor changed.
        on_migration: called with the number of days that are copied, and that of all days, while older tables
            are migrated; not of a store that was given.

    Raises:
        UsageError: it is none of these, or asyncpg is not installed.
        StoreError: what a store needs cannot be imported, for instance because too many files are open.
    """
    try:
        return _store_of(where, clock, read_only=read_only, on_migration=on_migration)
    except ModuleNotFoundError:
        raise
    except (OSError, ImportError) as error:
        raise StoreError(f"what a store needs cannot be imported: {error}") from None


def _store_of(
    where: Store | str | os.PathLike[str], clock: Clock | None, **options: Unpack[_Options]
) -> Store:
    if isinstance(where, str) and is_address(where):
        return _postgres(where, **options)
    if isinstance(where, str | os.PathLike):
        return _sqlite(where, clock, **options)
    if not callable(getattr(where, "pace", None)):
        raise UsageError(f"a store is a Store, a path or a postgresql:// address, not {where!r}")
    if clock is not None:
        from hourlyclicks.store.shared_clock import SharedClock  # noqa: PLC0415 - the help of commands needs none

        shared = getattr(where, "shared_clock", None)
        if isinstance(shared, SharedClock):
            shared.follow(clock)
    return where


def open_store(
    where: Store | str | os.PathLike[str],
    *,
    timezone: str | dt.tzinfo | None = None,
    read_only: bool = True,
) -> StoreReader:
    """Return a reader of a store; ``async with`` opens and closes it. It needs no API key and sends nothing.

    ::

        async with open_store("clicks.db") as store:
            account = await store.account()
            series = await account.series("2025-04-01", "2025-04-30", link)

    Args:
        where: the path of a SQLite file, a ``postgresql://`` address, or a `Store`, which is never closed.
        timezone: the time zone of the accounts, an IANA name or a `tzinfo`; decides which days are stale.
            If it is unknown, the states that are stored count.
        read_only: whether nothing is made or changed. With ``False`` a store that is not there is made, and
            one of an older version is brought up to date, as `Client` does it.

    Raises:
        UsageError: an argument is invalid, or asyncpg is not installed.
        StoreError: what a store needs cannot be imported. Entering raises it, too: there is no store, or it
            cannot be read.
    """
    from hourlyclicks.model.zones import as_zone  # noqa: PLC0415 - most stores are opened to be written
    from hourlyclicks.store.reader import StoreReader  # noqa: PLC0415 - likewise

    owned = isinstance(where, str | os.PathLike)
    return StoreReader(store_of(where, read_only=read_only), owned=owned, zone=as_zone(timezone))


def is_address(where: str) -> bool:
    """Return whether a text is the address of a PostgreSQL database."""
    return where.lower().startswith(_POSTGRES)


def _sqlite(path: str | os.PathLike[str], clock: Clock | None, **options: Unpack[_Options]) -> Store:
    from hourlyclicks.store.sqlite import SqliteStore  # noqa: PLC0415 - many runs use no store

    text: object = os.fspath(path)  # a PathLike may return bytes
    if not isinstance(text, str) or "\0" in text:
        raise UsageError("a store needs the path of a file, without a character NUL")
    return SqliteStore(path, clock=clock, **options)


def _postgres(address: str, **options: Unpack[_Options]) -> Store:
    try:
        from hourlyclicks.store.postgres import PostgresStore  # noqa: PLC0415 - asyncpg is an extra
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        said = "a store in PostgreSQL needs asyncpg: pip install 'hourlyclicks[postgres]'"
        raise UsageError(said) from None
    return PostgresStore(address, **options)
