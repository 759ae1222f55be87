"""A reorder buffer: results arrive in any order and are taken in the order of their positions."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

R = TypeVar("R")


class ReorderBuffer(Generic[R]):
    """Where workers put results and one consumer takes them, in order or as they come.

    It has room for a bounded number of results that were not taken yet, counted from the one the consumer
    waits for, so that workers stop pulling when the consumer is slow or one result is long in coming.

    Args:
        size: how many results there are altogether.
        room: how far the workers may be ahead of the consumer.
        ordered: whether results are taken in the order of their positions.
    """

    def __init__(self, *, size: int, room: int, ordered: bool) -> None:
        self._size = size
        self._room = room
        self._ordered = ordered
        self._results: dict[int, R] = {}
        self._taken = 0
        self._space = asyncio.Event()
        self._filled = asyncio.Event()
        self._broken: BaseException | None = None

    async def make_room(self, position: int) -> None:
        """Wait until the result at a position may be worked on."""
        while position >= self._taken + self._room:
            self._space.clear()
            await self._space.wait()

    def put(self, position: int, result: R) -> None:
        """Lay down the result of a position."""
        self._results[position] = result
        self._filled.set()

    def give_up(self, error: BaseException) -> None:
        """Let the consumer see an error in place of what has not been put yet; the first one counts."""
        self._broken = self._broken or error
        self._filled.set()

    async def take(self) -> R:
        """Take the next result.

        Raises:
            StopAsyncIteration: there are no more, also once the error of `give_up` was raised.
        """
        while True:
            if self._taken == self._size:
                raise StopAsyncIteration
            position = self._taken if self._ordered else next(iter(self._results), -1)
            if position in self._results:
                break
            if self._broken is not None:
                self._close()
                raise self._broken
            self._filled.clear()
            await self._filled.wait()
        self._taken += 1
        self._space.set()
        if self._taken == self._size:
            self._close()
        return self._results.pop(position)

    def _close(self) -> None:
        """Let nobody wait for results any more."""
        self._taken = self._size
        self._filled.set()
