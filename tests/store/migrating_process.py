"""Opens a store to write, which migrates it in small batches; a test kills this program meanwhile.

Prints a line after each batch, and waits for one before the next. Called with the name of the store.
"""

from __future__ import annotations

import asyncio
import sys

from hourlyclicks.store import postgres_migration, sqlite_migration
from hourlyclicks.store.opening import store_of


def tell(done: int, total: int) -> None:
    """Print how far it is."""
    sys.stdout.write(f"{done} of {total}\n")
    sys.stdout.flush()
    sys.stdin.readline()


async def main(where: str) -> None:
    """Migrate a store."""
    for module in (sqlite_migration, postgres_migration):
        vars(module)["BATCH"] = 3
    store = store_of(where, on_migration=tell)
    await store.open()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
