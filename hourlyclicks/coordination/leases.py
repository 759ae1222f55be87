"""The leases that a process holds, and one task that renews all of them.

An account has at most one holder, which keeps the limits of the account in its memory; see
`hourlyclicks.coordination.leased_backend`. A `Leases` object holds those of one process and one store:

::

    async with Leases(store) as leases:
        lease = await leases.take(key.fingerprint, "acme")
        if isinstance(lease, AccountLease):
            async with Client(key, store=lease.store, session=session) as client:
                await client.backfill(...)
            await leases.release(lease)

*Renewal.* Every third of a lease's life, one statement renews all leases. A holder trusts a lease only as
long as it can be sure of it: from before the statement was sent, by the monotonic clock and by the wall
clock, of which at least one goes on while the machine is suspended. After that nothing is sent until the
lease is renewed, or found to be lost.

*Back-pressure.* No slot is granted to an account while its requests in flight and its answers that wait to be
kept are two more than its concurrency, nor while `MOST_UNSAVED` answers of the process wait. So a process
that is killed loses at most so many requests.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self, cast

from hourlyclicks.clock import SECOND, SystemClock
from hourlyclicks.coordination.leased_runs import LeasedRuns
from hourlyclicks.coordination.processes import host_name, is_gone, process_of, this_process
from hourlyclicks.errors import HourlyClicksError, LeaseLostError, UsageError
from hourlyclicks.store.group_commit import GroupCommit
from hourlyclicks.store.leases import LIFE, Fence, Holder, StoredLease
from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from hourlyclicks.clock import Clock
    from hourlyclicks.store.leases import LeaseStore, TakenLease
    from hourlyclicks.store.protocol import Store

_log = logging.getLogger("hourlyclicks")

MOST_UNSAVED = 1_000
"""Answers of a process that may wait to be kept before no further slot is granted."""

_SPARE = 2
"""By how many the requests in flight and the answers that wait to be kept may exceed the concurrency."""
_PARTS = 3
"""A lease is renewed when this part of its life has passed."""
_TRUSTED = 0.9
"""The part of a lease's life for which its holder trusts it."""
_LOOK_AGAIN = 0.05
"""Seconds after which to try again to take a lease that was given back meanwhile."""
_RETRY = 1.0
"""Seconds after which a renewal that failed is repeated."""


class LeaseUser(Protocol):
    """What works within a lease, and is told what becomes of it."""

    def serve(self) -> None:
        """Go on: the lease was renewed, or an answer was kept."""
        ...

    def share(self) -> None:
        """Share the limits: another process has asked for it."""
        ...

    def lose(self, error: LeaseLostError) -> None:
        """End: the lease was lost."""
        ...


class AccountLease(Fence):
    """A lease that this process holds.

    Attributes:
        store: the store within this lease, for one `Client` at a time.
        holder: the name of the holder.
        ended_before: when the lease before it ended, on the clock of the limiter of the store.
        asked: whether another process asks for a share of the limits.
        error: why it was lost, if it was.
        runs: what its client runs.
    """

    store: Store

    def __init__(
        self, account: int, taken: TakenLease, label: str, *, fingerprint: str, salt: bytes, owner: Leases
    ) -> None:
        super().__init__(account, taken.token, label, fingerprint=fingerprint, salt=salt)
        self.ended_before = taken.ended
        self.asked = False
        self.error: LeaseLostError | None = None
        self.runs = LeasedRuns()
        self._owner = owner
        self._user: LeaseUser | None = None
        self._refused = False
        self._until = 0
        self._until_wall: dt.datetime

    @property
    def holder(self) -> str:
        """The name of its holder."""
        return self._owner.holder.name

    def use(self, user: LeaseUser) -> None:
        """Work within it from now on.

        Raises:
            UsageError: another client does.
            LeaseLostError: it was lost.
        """
        if self._user is not None:
            raise UsageError("another client uses this lease: close it first", fatal=True)
        if self.error is not None:
            raise self.error
        self._user = user

    def leave(self, user: LeaseUser) -> None:
        """Work within it no more."""
        if self._user is user:
            self._user = None

    def admits(self, now: int, in_flight: int, concurrency: int) -> bool:
        """Return whether another request may be sent; if not, `LeaseUser.serve` is called when it may.

        Args:
            now: the present moment, on the monotonic clock.
            in_flight: how many requests are in flight.
            concurrency: how many may be.
        """
        if in_flight + self.waiting < concurrency + _SPARE and self._owner.has_room(self):
            if self.trusted(now):
                return True
            self._owner.hurry()
        self._refused = True
        return False

    def trusted(self, now: int) -> bool:
        """Return whether it is certain at this moment, on the monotonic clock, that it has not expired."""
        return now < self._until and self._owner.clock.wall() < self._until_wall

    def trust(self, began: int, wall: dt.datetime, life: float) -> None:
        """Trust it as long as it is certain that it has not expired.

        Args:
            began: before it was taken or renewed, on the monotonic clock.
            wall: the same on the wall clock.
            life: the seconds until it expires.
        """
        self._until = began + round(life * _TRUSTED * SECOND)
        self._until_wall = wall + dt.timedelta(seconds=life * _TRUSTED)
        self.serve()

    def serve(self) -> None:
        """Let the client go on, if it was not admitted before."""
        if self._refused and self._user is not None:
            self._refused = False
            self._user.serve()

    def began(self) -> None:
        """See `Fence.began`."""
        self.waiting += 1
        self._owner.unsaved += 1

    def ended(self) -> None:
        """See `Fence.ended`."""
        self.waiting -= 1
        self._owner.unsaved -= 1
        self._owner.serve_blocked()
        self.serve()
        self.share()

    def share(self) -> None:
        """Let the client share the limits, if that was asked for."""
        if self.asked and self._user is not None:
            self._user.share()

    def was_asked(self) -> None:
        """See `Fence.was_asked`; it may be called in another thread."""
        self.asked = True

    def was_lost(self, error: LeaseLostError) -> None:
        """See `Fence.was_lost`."""
        if self.error is None:
            self.error = error
            self._owner.forget(self)
            if self._user is not None:
                self._user.lose(error)


class Leases:
    """The leases of accounts that this process holds in one store.

    Args:
        store: a store that can keep leases; it is opened and closed elsewhere.
        clock: what time it is.
        life: the seconds after which a lease expires that is not renewed.

    Attributes:
        clock: what time it is.
        holder: this process, as the store knows it.
        unsaved: how many writes of all leases wait to be kept.

    Raises:
        UsageError: the store keeps no leases.
    """

    def __init__(self, store: LeaseStore, *, clock: Clock | None = None, life: float = LIFE) -> None:
        if not callable(getattr(store, "take_leases", None)):
            raise UsageError(f"this store keeps no leases of accounts: {store!r}")
        self.clock: Clock = clock or SystemClock()
        self.holder = Holder(secrets.token_hex(8), host_name(), *this_process())
        self.unsaved = 0
        self._store = store
        self._life = life
        self._salt: bytes | None = None
        self._reading = asyncio.Lock()
        self._held: dict[int, AccountLease] = {}
        self._taking: set[int] = set()
        self._blocked: set[AccountLease] = set()
        self._finds: GroupCommit[tuple[str, str | None]] = GroupCommit(self._find_together)
        self._takes: GroupCommit[tuple[int, str]] = GroupCommit(self._take_together)
        self._releases: GroupCommit[AccountLease] = GroupCommit(self._release_together)
        self._returning: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._due = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def take(
        self, fingerprint: Callable[[bytes], str], label: str, *, key: Callable[[bytes], str] | None = None
    ) -> AccountLease | StoredLease:
        """Take the lease of an account; if another holder has it, return what the store knows of that.

        What is under way goes on when the call is cancelled; a lease that is taken then is given back.

        Args:
            fingerprint: makes the name of the account in the store, as `Secret.fingerprint` of its key does.
            label: what to call the account, in lists and messages.
            key: if that is the name that a user gave to the account, makes the one that its key has.

        Raises:
            StoreError: the store cannot be read or written.
        """
        taking = asyncio.ensure_future(self._take(fingerprint, label, key))
        try:
            return await wait_shielded(taking)
        except asyncio.CancelledError:
            returning = asyncio.ensure_future(self._give_back(taking))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)
            raise

    async def release(self, lease: AccountLease) -> None:
        """Give a lease back, after its client was closed; a lost one is given back already."""
        if self._held.get(lease.account) is lease:
            del self._held[lease.account]
            await self._releases.make(lease)

    async def close(self) -> None:
        """Give all leases back, and end the task that renews them."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if self._returning:
            await asyncio.wait(self._returning)
        await self._releases.drain()
        with suppress(HourlyClicksError):  # they expire
            await asyncio.gather(*[self.release(lease) for lease in tuple(self._held.values())])

    # -- as leases see it -------------------------------------------------------------------------------

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

    def hurry(self) -> None:
        """Renew the leases now: one of them is not certain any more."""
        self._due.set()
        self._begin()

    def forget(self, lease: AccountLease) -> None:
        """Renew a lease no more, which was lost."""
        if self._held.get(lease.account) is lease:
            del self._held[lease.account]

    # -- inside -----------------------------------------------------------------------------------------

    def _hold(self, lease: AccountLease, began: int, wall: dt.datetime) -> None:
        lease.trust(began, wall, self._life)
        self._held[lease.account] = lease
        self._begin()

    def _begin(self) -> None:
        """Begin to renew leases; also again, if a program has cancelled all tasks, and goes on."""
        if self._held and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._renew_in_time())

    async def _take(
        self, fingerprint: Callable[[bytes], str], label: str, key: Callable[[bytes], str] | None
    ) -> AccountLease | StoredLease:
        """Take a lease, or return that of another holder."""
        salt = await self._store_salt()
        name = fingerprint(salt)
        account: int = await self._finds.make((name, None if key is None else key(salt)))
        while account not in self._held and account not in self._taking:
            self._taking.add(account)
            try:
                began, wall = self.clock.monotonic(), self.clock.wall()
                taken: TakenLease | None = await self._takes.make((account, label))
                held = [] if taken else await self._store.leases(account)
                if held and is_gone(process_of(held[0].holder), process_of(self.holder)):
                    began, wall = self.clock.monotonic(), self.clock.wall()
                    gone = [held[0].holder.name]
                    won = await self._store.take_leases({account: label}, self.holder, self._life, gone=gone)
                    taken = won.get(account)
                if taken is not None:
                    lease = AccountLease(account, taken, label, fingerprint=name, salt=salt, owner=self)
                    lease.store = self._store.fenced(lease)
                    self._hold(lease, began, wall)
                    return lease
            finally:
                self._taking.discard(account)
            if held:
                return held[0]
            await self.clock.sleep(_LOOK_AGAIN)  # it was given back a moment ago
        return StoredLease(account, label, 0, self.holder, self._life)

    async def _give_back(self, taking: asyncio.Future[AccountLease | StoredLease]) -> None:
        """Release a lease that was taken for a call that was cancelled meanwhile."""
        with suppress(HourlyClicksError, asyncio.CancelledError):  # it expires
            lease = await taking
            if isinstance(lease, AccountLease):
                await self.release(lease)

    async def _store_salt(self) -> bytes:
        """Return what the store keys fingerprints with; it is read once."""
        async with self._reading:
            if self._salt is None:
                self._salt = await cast("Store", self._store).salt()
            return self._salt

    async def _find_together(self, wanted: Sequence[tuple[str, str | None]]) -> list[int]:
        numbers = await self._store.account_numbers(dict(wanted))
        return [numbers[name] for name, _ in wanted]

    async def _take_together(self, wanted: Sequence[tuple[int, str]]) -> list[TakenLease | None]:
        taken = await self._store.take_leases(dict(wanted), self.holder, self._life)
        return [taken.get(account) for account, _ in wanted]

    async def _release_together(self, leases: Sequence[AccountLease]) -> list[None]:
        await self._store.release_leases(leases)
        return [None] * len(leases)

    async def _renew_in_time(self) -> None:
        """Renew all leases every third of their life, as long as there are any."""
        pause = self._life / _PARTS
        while self._held:
            timer = self.clock.call_later(round(pause * SECOND), self._due.set)
            try:
                await self._due.wait()
            finally:
                timer.cancel()
            self._due.clear()
            pause = self._life / _PARTS
            try:
                await self._renew()
            except Exception as error:  # noqa: BLE001 - without renewals, all clients would wait for ever
                pause = min(pause, _RETRY)
                _log.warning("the leases of accounts could not be renewed, which is tried again: %s", error)

    async def _renew(self) -> None:
        leases = list(self._held.values())
        began, wall = self.clock.monotonic(), self.clock.wall()
        renewed = {each.account: each.asked for each in await self._store.renew_leases(leases, self._life)}
        for lease in leases:
            if self._held.get(lease.account) is not lease:
                continue
            if lease.account not in renewed:
                lease.was_lost(LeaseLostError(lease.label))
                continue
            lease.asked |= renewed[lease.account]
            lease.trust(began, wall, self._life)
            lease.share()


async def end_leases(store: LeaseStore, label: str) -> int:
    """Take leases away from their holders, and return how many.

    A holder learns of it when it writes next, or renews its leases. Others can take them as soon as they
    would have expired.

    Args:
        store: the store.
        label: what the holders call the account.
    """
    found = [lease for lease in await store.leases() if lease.label == label]
    for lease in found:
        await store.end_lease(lease.account)
    return len(found)
