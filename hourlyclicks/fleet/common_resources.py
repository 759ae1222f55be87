"""What the jobs of one process have in common while some of them run: the store and the connections.

A queue runs each job of a process with a call of `run_jobs`. With a pool of connections each, 25 of them
would fill a database server. So the first one that runs opens what all of them use, and the last closes it.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.client.resources import Network
from hourlyclicks.clock import SystemClock
from hourlyclicks.fleet.shared_transport import SharedTransport
from hourlyclicks.store.opening import store_of
from hourlyclicks.store.protocol import Store
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from yarl import URL

    from hourlyclicks.fleet.keys import KeyRef
    from hourlyclicks.pacing.plans import Rate


@attrs.frozen
class OpenResources:
    """What is open.

    Args:
        store: the store.
        transport: sends the requests.
        ends: closes both.
    """

    store: Store
    transport: SharedTransport
    ends: AsyncExitStack


class CommonResources:
    """Open them for the first job, and close them after the last.

    Args:
        store: where the store is.
        rate: how many requests all jobs together may send in a stretch of time.
        proxy: the URL of an HTTP proxy.
        timeout: the time limits of each request.
    """

    def __init__(
        self,
        store: KeyRef,
        *,
        rate: Rate | None = None,
        proxy: str | URL | None = None,
        timeout: Timeout = Timeout(),
    ) -> None:
        self._store, self._rate, self._proxy, self._timeout = store, rate, proxy, timeout
        self._users = 0
        self._opening: asyncio.Task[OpenResources] | None = None

    @asynccontextmanager
    async def used(self) -> AsyncIterator[OpenResources]:
        """Use them for as long as the context lasts.

        Raises:
            UsageError: the reference to the store leads nowhere.
            StoreError: the store cannot be opened.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        self._users, opening = self._users + 1, self._opening
        try:
            yield await asyncio.shield(opening)  # a job that is cancelled leaves it to the others
        finally:
            self._users -= 1
            if not self._users:
                self._opening = None
                await asyncio.shield(asyncio.create_task(_close(opening)))

    async def _open(self) -> OpenResources:
        async with AsyncExitStack() as opened:
            own = Network.of(None, session=None, proxy=self._proxy, timeout=self._timeout)
            opened.push_async_callback(own.transport.close)
            store = store_of(await self._store.text())
            opened.push_async_callback(store.close)
            await store.open()
            transport = SharedTransport(own.transport, rate=self._rate, clock=SystemClock())
            return OpenResources(store, transport, opened.pop_all())
        raise AssertionError  # no callback above swallows an error


async def _close(opening: asyncio.Task[OpenResources]) -> None:
    """Close what was opened."""
    await asyncio.wait([opening])
    if opening.exception() is None:
        await opening.result().ends.aclose()
