"""Closing as one piece of work, shared by all who ask for it, and calls that may not come after it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import HourlyClicksError, StoreError, UsageError, name_of
from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from hourlyclicks.store.protocol import Store


class Closing:
    """One close at a time, which its callers share; it goes on when one of them is cancelled."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def wait(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait for the close that is under way in this event loop, or begin one.

        Args:
            close: does it. It is done again by a later call, also if it broke off with its event loop.
        """
        loop = asyncio.get_running_loop()
        task = self._task
        if task is None or task.done() or task.get_loop() is not loop:
            task = self._task = loop.create_task(close())
        await wait_shielded(task)


class StoreLatch:
    """A store that one client uses until the client is closed, and not afterwards.

    What a store of the user raises besides errors of ours is translated into a `StoreError`, so that the
    answer that could not be kept is handed over with it.

    Args:
        store: the store; what is not closed here can be used by others.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shut = False

    def shut(self) -> None:
        """Refuse every call from now on."""
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

        setattr(self, name, call)  # found there the next time
        return call
