"""The events of a client as an async iterator, in place of a hook."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from hourlyclicks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hourlyclicks.events.dispatcher import Dispatcher, Subscription
    from hourlyclicks.events.event import Event


class EventStream:
    """The events of a client, one after the other. Made by `Client.events`.

    An async context manager and an async iterator. Events are kept from entering the block on, until they are
    read. If there are more than `size`, the oldest are dropped, so that a slow reader neither holds up the
    client nor fills the memory. The iteration ends when the client is closed.

    Args:
        dispatcher: sends the events.
        size: how many events to keep.
        check: called on entering; raises unless the client can be used here and now.

    Attributes:
        dropped: how many events were dropped so far, because they were not read in time.
    """

    def __init__(self, dispatcher: Dispatcher, *, size: int, check: Callable[[], None]) -> None:
        self.dropped = 0
        self._dispatcher = dispatcher
        self._check = check
        self._kept: deque[Event] = deque(maxlen=size)
        self._subscription: Subscription | None = None
        self._changed = asyncio.Event()
        self._ended = False

    async def __aenter__(self) -> Self:
        self._check()
        if self._subscription is not None:
            raise UsageError("a stream of events can be entered only once")
        self._subscription = self._dispatcher.subscribe(self._receive)
        self._dispatcher.attach(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._dispatcher.detach(self)
        self._kept.clear()
        self.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._subscription is None:
            raise UsageError("events are read inside of an `async with client.events()` block")
        while not self._kept:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._kept.popleft()

    def end(self) -> None:
        """Let the iteration end after the events that are there."""
        self._ended = True
        if self._subscription is not None:
            self._subscription.cancel()
        with suppress(RuntimeError):  # the event loop of a reader has ended, and the reader with it
            self._changed.set()

    def _receive(self, event: Event) -> None:
        self.dropped += len(self._kept) == self._kept.maxlen
        self._kept.append(event)
        self._changed.set()
