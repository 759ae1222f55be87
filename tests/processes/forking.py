"""A process that forks while it has a client; it writes the errors of the child.

Its arguments are the address of the API, its key, the store, and when the client is used: ``before`` the fork
or ``after`` it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import warnings
from typing import TYPE_CHECKING

from hourlyclicks import Client, Limits, Link, Rate, UsageError
from hourlyclicks.errors import StoreError
from hourlyclicks.store.opening import store_of

if TYPE_CHECKING:
    from hourlyclicks.store.protocol import Store

LINK = Link("kYdr", "https://vvd.bz")
LIMITS = Limits((Rate(5, 3600.0),), concurrency=2)


async def fill(client: Client, first: str, last: str) -> None:
    """Fetch what the limit allows, and close."""
    async with client:
        await client.backfill(first, last, [LINK], deadline=0.6)


def after(client: Client) -> int:
    """Use a client in two children that was only made here."""
    for first, last in (("2024-03-01", "2024-03-08"), ("2024-04-01", "2024-04-08")):
        if not os.fork():
            asyncio.run(fill(client, first, last))
            os._exit(0)
    return max(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2))


def before(client: Client, where: str) -> int:
    """Use a client and a store here, then in a child, then here again."""
    store = store_of(where)
    runner = asyncio.Runner()  # not as a context: the child must not close the loop of its parent
    runner.run(client.day("2024-03-01", LINK))
    runner.run(store.open())
    if not os.fork():
        in_child(client, store)
        del client, store
        gc.collect()
        sys.exit()  # with everything an interpreter does in the end
    status = os.waitstatus_to_exitcode(os.wait()[1])
    day = runner.run(client.day("2024-03-02", LINK))
    assert day.clicks
    assert len(runner.run(store.accounts())) == 1
    runner.run(client.close())
    runner.run(store.close())
    runner.close()
    return status


def in_child(client: Client, store: Store) -> None:
    """Try to use what belongs to the parent, and close it."""
    errors = []
    for use in (client.day("2024-03-02", LINK), store.accounts()):
        try:
            asyncio.run(use)
        except (UsageError, StoreError) as error:
            errors.append(str(error))
    asyncio.run(client.close())
    asyncio.run(store.close())
    sys.stdout.write(json.dumps(errors))
    sys.stdout.flush()


if __name__ == "__main__":
    warnings.simplefilter("always", ResourceWarning)
    url, key, where, when = sys.argv[1:]
    client = Client(key, base_url=url, store=where, limits=LIMITS)
    sys.exit(after(client) if when == "after" else before(client, where))
