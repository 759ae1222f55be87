"""Which process holds which accounts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from hourlyclicks.store.opening import store_of

if TYPE_CHECKING:
    from hourlyclicks.store.leases import LeaseStore, StoredLease


def held(where: str) -> dict[int, list[str]]:
    """Return the accounts that processes hold in a store, by the ids of these."""

    async def read() -> list[StoredLease]:
        store = store_of(where, read_only=True)
        await store.open()
        try:
            return list(await cast("LeaseStore", store).leases())
        finally:
            await store.close()

    found: dict[int, list[str]] = {}
    for lease in asyncio.run(read()):
        if lease.holder.name and lease.left > 0:
            found.setdefault(lease.holder.pid, []).append(lease.label)
    return found
