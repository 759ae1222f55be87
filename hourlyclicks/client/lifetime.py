"""When a client may be used: in one process, on one event loop, until it is closed.

The process and the event loop are those in which it is used first. It can be closed anywhere. Three cases:

* On its own event loop, closing waits for everything that was begun.
* From another thread while that loop runs, closing is done there.
* When that loop has ended, its tasks never will. Closing does not wait for them, and releases the rest.

In a child process that was forked after the first use, nothing is closed, see `hourlyclicks.forks`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from hourlyclicks import forks
from hourlyclicks.client.preload import load_all
from hourlyclicks.errors import UsageError
from hourlyclicks.store.closing import Closing

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from hourlyclicks.model.state import ClientStatus


class Close(Protocol):
    """Closes a client."""

    def __call__(self, *, lost: bool = False, grace: float | None = None) -> Coroutine[Any, Any, None]:
        """Close; `lost`: the event loop it was used on has ended; `grace`: see `Lifetime.close`."""
        ...


class Lifetime:
    """The life of a client.

    Args:
        close: ends it.

    Attributes:
        closed: whether it must not be used any more.
    """

    def __init__(self, close: Close) -> None:
        self.closed = False
        self._close = close
        self._closing = Closing(reopens=False)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._generation = 0

    @property
    def status(self) -> ClientStatus:
        """Whether the client is used."""
        if self.closed:
            return "closed"
        return "unused" if self._loop is None else "open"

    def check(self) -> None:
        """Raise `UsageError` unless the client can be used here and now."""
        if self.closed:
            raise UsageError("the client is closed", fatal=True)
        if self._inherited:
            raise UsageError(
                "the client was used before this process was forked; make a new one in the child process"
            )
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._begin(loop)
        elif self._loop is not loop:
            raise UsageError(
                "a client belongs to the event loop it was first used on; make a new client for this one"
            )

    async def close(self, *, grace: float | None = None) -> None:
        """Close, or wait for the close in progress; it continues when a caller is cancelled.

        Args:
            grace: the seconds for which requests in flight may be answered; ``None``: as is usual.
        """
        self.closed = True
        if self._inherited:
            return
        home, close = self._loop, partial(self._close, grace=grace)
        if home is None or home is asyncio.get_running_loop():
            await self._closing.wait(close)
        elif home.is_running():
            closing = asyncio.run_coroutine_threadsafe(self._closing.wait(close), home)
            await asyncio.wrap_future(closing)
        else:
            await self._closing.wait(partial(self._close, lost=True))

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._generation = forks.generation()
        forks.hold(self)
        load_all()

    @property
    def _inherited(self) -> bool:
        """Whether the client was used in the process that this one was forked from."""
        return self._loop is not None and self._generation != forks.generation()
