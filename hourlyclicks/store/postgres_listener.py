"""Shared states of the limiter that need not be read again, because the server tells of each change (LISTEN).

A process that waits for others looks at the shared state again and again. As long as no change was notified,
the text that was read last is still the state, so such a look takes no query, however long the wait is.

A notification holds the number of the account and nothing else: any role of the database can hear and send
it, and a false one has no other effect than a query. Some may be lost with their connection, so a text is
used for `USED_FOR` at most.

This takes a connection of its own, made when a process looks at the state for the first time: one that is
alone with its store never does. Through a pooler, and as long as there is no such connection, every look is
a query.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from hourlyclicks.clock import SECOND
from hourlyclicks.store import postgres_connection

if TYPE_CHECKING:
    from hourlyclicks.store.postgres_database import Connection, LimiterStep

R = TypeVar("R")

Look: TypeAlias = Callable[["Connection"], Awaitable[tuple[R, int] | None]]

CHANNEL = "hourlyclicks_pacing"
USED_FOR = 5 * SECOND
"""Nanoseconds for which a text is used that no notification has outdated."""

_TRY_AGAIN = 60 * SECOND
"""Nanoseconds after which to try again to listen."""

_NEVER = 1 << 62

_log = logging.getLogger("hourlyclicks")


class ReadState(NamedTuple):
    """The state of an account as it was read.

    Args:
        text: its text.
        now: the moment, on the clock of the server.
        at: the same moment, on the clock of this machine.
    """

    text: str | None
    now: int
    at: int


class StateListener:
    """The states that were read, until the server tells that they have changed.

    Args:
        dsn: the address of the database.
        name: what the server calls its connection.
        read_only: whether it is opened read-only, which is for a few looks: each is a query.
    """

    def __init__(self, dsn: str, name: str, *, read_only: bool) -> None:
        self._dsn = dsn
        self._name = name
        self._first_try = _NEVER if read_only else 0
        self._db: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._try_at = self._first_try
        self._states: dict[int, ReadState] = {}
        self._changes: dict[int, int] = {}

    async def peek(
        self, step: LimiterStep[R], run: Callable[[Look[R]], Awaitable[tuple[R, int] | None]]
    ) -> tuple[R, int] | None:
        """Try a step on the state without a transaction; ``None``: it would change the state.

        Args:
            step: the step. Without a query it gets no ledger entry; when a day is stored, the state changes.
            run: runs an operation on a connection.
        """
        account = step.account
        state = self._states.get(account)
        listening = self._db if self._is_listening else None
        if state is not None and listening is not None and time.monotonic_ns() - state.at < USED_FOR:
            now = state.now + time.monotonic_ns() - state.at
            text, result = step.change(state.text, now, None)
            return (result, now) if text is None else None
        self._start()
        changes = self._changes.setdefault(account, 0)
        seen = await run(step.peek)
        unchanged = changes == self._changes[account] and listening is self._db
        if seen is not None and listening is not None and unchanged:
            self._states[account] = ReadState(step.text, seen[1], time.monotonic_ns())
        return seen

    def outdated(self, account: int) -> None:
        """Note that the state of an account has changed."""
        self._changes[account] = self._changes.get(account, 0) + 1
        self._states.pop(account, None)

    async def close(self) -> None:
        """Stop listening; it may begin again later."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        db, self._db = self._db, None
        self._states.clear()
        self._try_at = self._first_try
        if db is not None and not db.is_closed():
            db.terminate()

    def forget(self) -> list[Connection]:
        """Stop listening on an event loop that has ended; return the connections that were made there."""
        found = [] if self._db is None else [self._db]
        self._db = self._task = None
        self._states.clear()
        self._try_at = self._first_try
        return found

    # -- inside -----------------------------------------------------------------------------------------

    @property
    def _is_listening(self) -> bool:
        return self._db is not None and not self._db.is_closed()

    def _start(self) -> None:
        """Begin to listen, beside the query that is made in any case."""
        if self._is_listening or self._task is not None or time.monotonic_ns() < self._try_at:
            return
        self._try_at = time.monotonic_ns() + _TRY_AGAIN
        self._task = asyncio.get_running_loop().create_task(self._listen())
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None

    async def _listen(self) -> None:
        try:
            db = await postgres_connection.connect(self._dsn, name=self._name, pooled=False)
        except Exception as error:  # noqa: BLE001 - the state is read by queries then
            _log.debug("cannot listen to the database: %s", error)
            return
        try:
            if postgres_connection.is_pooled(db):
                self._try_at = _NEVER
            else:
                await db.add_listener(CHANNEL, self._notified)
                self._states.clear()
                self._db = db
        except Exception as error:  # noqa: BLE001 - likewise
            _log.debug("cannot listen to the database: %s", error)
        finally:
            if self._db is not db:
                db.terminate()

    def _notified(self, _db: object, _pid: int, _channel: str, payload: object) -> None:
        account = next((number for number in self._changes if str(number) == payload), None)
        if account is not None:
            self.outdated(account)
