"""The leases of one process, kept: one task renews all of them, and what waits in all of them is bounded.

Every third of a lease's life, one statement renews all leases. A lease that is not among the renewed ones has
been lost.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import LeaseLostError
from hourlyclicks.store.leases import RENEWALS

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.account_lease import AccountLease
    from hourlyclicks.store.leases import Holder, LeaseStore

_log = logging.getLogger("hourlyclicks")

MOST_UNSAVED = 1_000
"""Answers of a process that may wait to be kept before no further slot is granted."""

_RETRY = 1.0
"""Seconds after which a renewal that failed is repeated."""


class LeaseRenewal:
    """Keep the leases of a process; see `hourlyclicks.coordination.account_lease.LeaseManager`.

    Args:
        store: where the leases are.
        holder: this process, as the store knows it.
        clock: what time it is.
        life: the seconds after which a lease expires that is not renewed.

    Attributes:
        holder: this process.
        clock: what time it is.
        held: the leases, by account.
        unsaved: how many writes of all leases wait to be kept.
    """

    def __init__(self, store: LeaseStore, holder: Holder, *, clock: Clock, life: float) -> None:
        self.holder = holder
        self.clock = clock
        self.held: dict[int, AccountLease] = {}
        self.unsaved = 0
        self._store = store
        self._life = life
        self._blocked: set[AccountLease] = set()
        self._task: asyncio.Task[None] | None = None
        self._due = asyncio.Event()

    def hold(self, lease: AccountLease, began: int, wall: dt.datetime) -> None:
        """Keep a lease that was taken after that moment, on the monotonic and on the wall clock."""
        lease.trust(began, wall, self._life)
        self.held[lease.account] = lease
        self._begin()

    def forget(self, lease: AccountLease) -> None:
        """Renew a lease no more, which was lost."""
        if self.held.get(lease.account) is lease:
            del self.held[lease.account]

    def hurry(self) -> None:
        """Renew the leases now: one of them is not certain any more."""
        self._due.set()
        self._begin()

    def has_room(self, lease: AccountLease) -> bool:
        """Return whether another answer may wait to be kept; if not, the lease is served when it may."""
        if self.unsaved < MOST_UNSAVED:
            return True
        self._blocked.add(lease)
        return False

    def serve_blocked(self) -> None:
        """Let leases go on for which there was no room."""
        if self._blocked and self.unsaved < MOST_UNSAVED:
            blocked, self._blocked = self._blocked, set()
            for lease in blocked:
                lease.serve()

    async def end(self) -> None:
        """End the task that renews the leases."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _begin(self) -> None:
        """Begin to renew leases; also again, if a program has cancelled all tasks, and goes on."""
        if self.held and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._renew_in_time())

    async def _renew_in_time(self) -> None:
        """Renew all leases every third of their life, as long as there are any."""
        pause = self._life / RENEWALS
        while self.held:
            timer = self.clock.call_later(round(pause * SECOND), self._due.set)
            try:
                await self._due.wait()
            finally:
                timer.cancel()
            self._due.clear()
            pause = self._life / RENEWALS
            try:
                await self._renew()
            except Exception as error:  # noqa: BLE001 - without renewals, all clients would wait forever
                pause = min(pause, _RETRY)
                _log.warning("the leases of accounts could not be renewed, which is tried again: %s", error)

    async def _renew(self) -> None:
        leases = list(self.held.values())
        began, wall = self.clock.monotonic(), self.clock.wall()
        renewed = {each.account: each.asked for each in await self._store.renew_leases(leases, self._life)}
        for lease in leases:
            if self.held.get(lease.account) is not lease:
                continue
            if lease.account not in renewed:
                lease.was_lost(LeaseLostError(lease.label))
                continue
            lease.asked |= renewed[lease.account]
            lease.trust(began, wall, self._life)
            lease.share()
