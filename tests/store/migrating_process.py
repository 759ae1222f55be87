"""What a process of the tests does that is killed while it migrates a store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.store import postgres_migration, sqlite_migration
from hourlyclicks.store.opening import store_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from hourlyclicks.store.protocol import Store


def migrate(where: str, progress: Connection) -> None:
    """Open a store to write, which migrates it in small batches.

    Args:
        where: the name of the store.
        progress: gets the number of days copied after each batch, and brings the word to go on.
    """
    for module in (sqlite_migration, postgres_migration):
        vars(module)["BATCH"] = 3

    def tell(done: int, _total: int) -> None:
        progress.send(done)
        progress.recv()

    asyncio.run(_open(store_of(where, on_migration=tell)))


async def _open(store: Store) -> None:
    await store.open()
    await store.close()
