"""Opening and closing: with ``async with``, and once for all callers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType


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
