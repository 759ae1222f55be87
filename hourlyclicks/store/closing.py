"""Opening and closing a store: with ``async with``, once for all callers, and for one of its clients."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from hourlyclicks.errors import HourlyClicksError, StoreError, UsageError, name_of
from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from types import TracebackType

    from hourlyclicks.store.protocol import Store


class Managed(ABC):
    """What ``async with`` opens and closes."""

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @abstractmethod
    async def open(self) -> None:
        """Open it; what a failure has left is closed."""

    @abstractmethod
    async def close(self) -> None:
        """Close it."""


class Closing:
    """Closes one after the other; cancelling a caller does not stop them.

    What is being closed may be opened again meanwhile, and that close leaves it open. So a caller does not
    share a close that has begun. It shares the next one, which begins when the first has ended. Of what is
    opened once only, all callers share one close.

    Args:
        reopens: whether it can be opened again.
    """

    def __init__(self, *, reopens: bool = True) -> None:
        self._reopens = reopens
        self._task: asyncio.Task[None] | None = None
        self._begun = False

    async def wait(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait for a close in this event loop: one that begins now, or when the one under way has ended.

        Args:
            close: the operation. It does nothing if everything is closed.

        Raises:
            Exception: it failed, or the one that was under way.
        """
        loop = asyncio.get_running_loop()
        last = self._task
        if last is not None and (last.done() or last.get_loop() is not loop):
            last = None
        if last is None or (self._begun and self._reopens):
            self._begun = False
            last = self._task = loop.create_task(self._close_after(last, close))
        await wait_shielded(last)

    async def _close_after(
        self, earlier: asyncio.Task[None] | None, close: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._begun = True
        await close()
        if earlier is not None and not earlier.cancelled():
            earlier.result()


class StoreLatch:
    """A store that one client uses until the client is closed, and not afterwards.

    Foreign exceptions of a user's store are translated into a `StoreError`, so that the answer that could not
    be written is passed on with it.

    Args:
        store: the store; it is not closed here, so other clients can use it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shut = False

    def shut(self) -> None:
        """Reject every call from now on."""
        self._shut = True

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method: Callable[..., Awaitable[Any]] = getattr(self._store, name)

        async def call(*args: object, **options: object) -> Any:  # noqa: ANN401 - as the method returns
            if self._shut:
                raise UsageError("the client is closed", fatal=True)
            try:
                return await method(*args, **options)
            except HourlyClicksError:
                raise
            except Exception as error:  # noqa: BLE001 - a store of the user can raise anything
                failure = StoreError(f"the store failed with {name_of(error)}")
            raise failure

        setattr(self, name, call)  # cached as an attribute
        return call
