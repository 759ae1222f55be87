"""Files for the tests of the store in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.store.sqlite import SqliteStore
from tests.model.strategies import a_day
from tests.store.answers import ALL, ME

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.store.sqlite_file import SqliteFile


PAGE = 4096


async def me(store: SqliteStore) -> int:
    """Return an account."""
    return await store.account("me")


async def filled(path: Path) -> None:
    """Make a file with some days."""
    store = SqliteStore(path)
    account = await me(store)
    await store.put_days(account, ME, [a_day(date) for date in list(ALL)[:200]], requests=1)
    await store.close()


async def error_of(path: Path, **options: Any) -> str:  # noqa: ANN401 - those of the store
    """Return the error of using a file that must not work."""
    store = SqliteStore(path, **options)
    try:
        with pytest.raises(StoreError) as caught:
            await store.count_by_state(await me(store), ME, ALL)
    finally:
        await store.close()
    return str(caught.value).removeprefix(f"the store {path}: ")


def content(path: Path) -> bytes:
    """Return what is in a file."""
    return path.read_bytes()


def put(path: Path, content: bytes) -> None:
    """Write a file."""
    path.write_bytes(content)


def pragma(name: str) -> Any:  # noqa: ANN401 - a function for `SqliteStore._run`
    """Return a setting of the store's own connection."""

    def ask(file: SqliteFile) -> object:
        return file._one(f"PRAGMA {name}")

    return ask
