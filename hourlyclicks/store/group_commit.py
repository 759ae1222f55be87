"""Group commit: changes that come together are made in one transaction.

A commit waits for the disk, and takes the same time whatever is in it. So the changes of a few turns of the
event loop, and those that come while a transaction is under way, share the next one. If one of them fails,
the transaction is undone, and each is made in a transaction of its own, so that it fails alone.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

C = TypeVar("C")

_TURNS = 4
"""Turns of the event loop in which the callers learn the last results, and make their next changes."""
_RESUME_AFTER = 0.25
"""Seconds after which the changes of a cancelled task go on. `asyncio.run` cancels all tasks at its end, too;
by then it has closed the event loop, even on a busy machine."""
_MOST = 100
"""Changes of one transaction."""


class _Group(Generic[C]):
    """The changes of one event loop."""

    def __init__(self) -> None:
        self.pending: list[tuple[C, asyncio.Future[Any]]] = []
        self.task: asyncio.Task[None] | None = None


class GroupCommit(Generic[C]):
    """Make changes in as few transactions as possible.

    Args:
        commit: makes changes in one transaction, and returns their results; when it raises an exception, none
            of them is made.
    """

    def __init__(self, commit: Callable[[Sequence[C]], Awaitable[Sequence[Any]]]) -> None:
        self._commit = commit
        self._groups: WeakKeyDictionary[asyncio.AbstractEventLoop, _Group[C]] = WeakKeyDictionary()

    async def make(self, change: C) -> Any:  # noqa: ANN401 - what the change returns
        """Make a change with others, and return its result; it is made even if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        group = self._groups.setdefault(loop, _Group())
        future: asyncio.Future[Any] = loop.create_future()
        group.pending.append((change, future))
        if group.task is None:
            self._start(group)
        return await wait_shielded(future)

    async def drain(self) -> None:
        """Wait until all changes of this event loop are made."""
        group = self._groups.get(asyncio.get_running_loop())
        while group is not None and (group.pending or group.task is not None):
            self._resume(group)
            if group.task is not None:
                await asyncio.wait([group.task])

    def _start(self, group: _Group[C]) -> None:
        group.task = asyncio.get_running_loop().create_task(self._run(group))
        group.task.add_done_callback(partial(self._end, group))

    def _end(self, group: _Group[C], task: asyncio.Task[None]) -> None:
        """Go on if changes are left: the task may have been cancelled, even before it began.

        Then it is done a little later, since the event loop may be about to end.
        """
        group.task = None
        if task.cancelled():
            asyncio.get_running_loop().call_later(_RESUME_AFTER, self._resume, group)
        else:
            self._resume(group)

    def _resume(self, group: _Group[C]) -> None:
        if group.pending and group.task is None:
            self._start(group)

    async def _run(self, group: _Group[C]) -> None:
        together: list[tuple[C, asyncio.Future[Any]]] = []
        try:
            while group.pending:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                together, group.pending = group.pending[:_MOST], group.pending[_MOST:]
                await self._make(together)
        except asyncio.CancelledError:  # as when a program cancels all tasks, and goes on
            for _, future in together:
                future.cancel()
            raise

    async def _make(self, together: Sequence[tuple[C, asyncio.Future[Any]]]) -> None:
        try:
            results = await self._commit([change for change, _ in together])
        except Exception as error:  # noqa: BLE001 - the caller of each change raises its own
            if len(together) == 1:
                together[0][1].set_exception(error)
                return
            for each in together:
                await self._make([each])
            return
        for (_, future), result in zip(together, results, strict=True):
            future.set_result(result)
