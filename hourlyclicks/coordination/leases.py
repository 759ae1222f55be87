"""The leases that a process holds: taken, given back, and ended for others.

An account has at most one holder, which keeps the limits of the account in its memory; see
`hourlyclicks.coordination.leased_backend`. A `Leases` object holds those of one process and one store:

::

    async with Leases(store) as leases:
        lease = await leases.take(key.fingerprint, "acme")
        if isinstance(lease, AccountLease):
            async with Client(key, store=lease.store, session=session) as client:
                await client.backfill(...)
            await leases.release(lease)

What a client may do within a lease is in `hourlyclicks.coordination.account_lease`; this is how the leases of
a process are taken and given back. `hourlyclicks.coordination.renewal` keeps them.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self, cast, overload

from hourlyclicks.clock import SystemClock
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.coordination.processes import host_name, is_gone, process_of, this_process
from hourlyclicks.coordination.renewal import LeaseRenewal
from hourlyclicks.errors import HourlyClicksError, UsageError
from hourlyclicks.store.grouped_leases import GroupedLeases
from hourlyclicks.store.leases import LIFE, Holder, StoredLease
from hourlyclicks.store.shield import wait_shielded

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hourlyclicks.clock import Clock
    from hourlyclicks.store.leases import LeaseStore
    from hourlyclicks.store.protocol import Store

_LOOK_AGAIN = 0.05
"""Seconds after which to try again to take a lease that was given back meanwhile."""


class TwinLease(NamedTuple):
    """Why an account cannot be taken that is to be alone with its key.

    Args:
        lease: the lease of another account with the same key, which may have ended a moment ago.
    """

    lease: StoredLease


class _Wanted(NamedTuple):
    """An account whose lease is to be taken.

    Args:
        account: the account in the store.
        label: what to call it.
        name: its fingerprint.
        key: that of its key, if it has a name.
        alone: for how many seconds no other account with the key may have been held; ``None``: it may be.
    """

    account: int
    label: str
    name: str
    key: str | None
    alone: float | None


class Leases:
    """The leases of accounts that this process holds in one store.

    Args:
        store: a store that can keep leases; it is opened and closed elsewhere.
        clock: what time it is.
        life: the seconds after which a lease expires that is not renewed.

    Attributes:
        holder: this process, as the store knows it.
        renewal: keeps the leases that were taken.

    Raises:
        UsageError: the store keeps no leases.
    """

    def __init__(self, store: LeaseStore, *, clock: Clock | None = None, life: float = LIFE) -> None:
        if not callable(getattr(store, "take_leases", None)):
            raise UsageError(f"this store keeps no leases of accounts: {store!r}")
        self._clock: Clock = clock or SystemClock()
        self.holder = Holder(secrets.token_hex(8), host_name(), *this_process())
        self._store = store
        self._life = life
        self._salt: bytes | None = None
        self._reading = asyncio.Lock()
        self.renewal = LeaseRenewal(store, self.holder, clock=self._clock, life=life)
        self._held = self.renewal.held
        self._taking: set[int] = set()
        self._grouped = GroupedLeases(store, self.holder, life)
        self._returning: set[asyncio.Future[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @overload
    async def take(
        self, fingerprint: Callable[[bytes], str], label: str, *, key: Callable[[bytes], str] | None = None
    ) -> AccountLease | StoredLease: ...

    @overload
    async def take(
        self, fingerprint: Callable[[bytes], str], label: str, *, key: Callable[[bytes], str], alone: float
    ) -> AccountLease | StoredLease | TwinLease: ...

    async def take(
        self,
        fingerprint: Callable[[bytes], str],
        label: str,
        *,
        key: Callable[[bytes], str] | None = None,
        alone: float | None = None,
    ) -> AccountLease | StoredLease | TwinLease:
        """Take the lease of an account; if another holder has it, return what the store knows of that.

        What is under way goes on when the call is cancelled; a lease that is taken then is given back.

        Args:
            fingerprint: makes the name of the account in the store, as `Secret.fingerprint` of its key does.
            label: what to call the account, in lists and messages.
            key: if that is the name that a user gave to the account, makes the one that its key has.
            alone: if given, it is not taken while another account with the same key is held, nor until so
                many seconds later.

        Raises:
            StoreError: the store cannot be read or written.
        """
        taking = asyncio.ensure_future(self._take(fingerprint, label, key, alone))
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
            await self._grouped.release(lease)

    async def close(self) -> None:
        """Give all leases back, and end the task that renews them."""
        await self.renewal.end()
        if self._returning:
            await asyncio.wait(self._returning)
        await self._grouped.drain()
        with suppress(HourlyClicksError):  # they expire
            await asyncio.gather(*[self.release(lease) for lease in tuple(self._held.values())])

    async def _take(
        self,
        fingerprint: Callable[[bytes], str],
        label: str,
        key: Callable[[bytes], str] | None,
        alone: float | None,
    ) -> AccountLease | StoredLease | TwinLease:
        """Take a lease, or return why it cannot be taken."""
        salt = await self._store_salt()
        name, of_key = fingerprint(salt), None if key is None else key(salt)
        account = await self._grouped.account_number(name, of_key)
        wanted = _Wanted(account, label, name, of_key, alone)
        while account not in self._held and account not in self._taking:
            self._taking.add(account)
            try:
                lease = await self._take_if_free(wanted, salt)
            finally:
                self._taking.discard(account)
            if lease is not None:
                return lease
            await self._clock.sleep(_LOOK_AGAIN)  # it was given back a moment ago
        return StoredLease(account, label, 0, self.holder, self._life)

    async def _take_if_free(
        self, wanted: _Wanted, salt: bytes
    ) -> AccountLease | StoredLease | TwinLease | None:
        """Take a lease, or return what keeps it from that; ``None``: nothing does any more."""
        began, wall = self._clock.monotonic(), self._clock.wall()
        account, label, alone = wanted.account, wanted.label, wanted.alone
        taken = await self._grouped.take(account, label, alone=alone)
        held = [] if taken else await self._store.leases(account)
        if held and is_gone(process_of(held[0].holder), process_of(self.holder)):
            began, wall = self._clock.monotonic(), self._clock.wall()
            taken = await self._grouped.take(account, label, alone=alone, gone=[held[0].holder.name])
        if taken is not None:
            lease = AccountLease(
                account,
                taken,
                label,
                fingerprint=wanted.name,
                salt=salt,
                manager=self.renewal,
                alone=alone is not None,
            )
            lease.store = self._store.fenced(lease)
            self.renewal.hold(lease, began, wall)
            return lease
        return held[0] if held else await self._twin(wanted)

    async def _twin(self, wanted: _Wanted) -> TwinLease | None:
        """Return the lease of another account with the same key, if that account is to be alone with it."""
        if wanted.key is None or wanted.alone is None:
            return None
        found = await self._store.leases_with_keys({wanted.name: wanted.key}, wanted.alone)
        return TwinLease(found[wanted.name]) if found else None

    async def _give_back(self, taking: asyncio.Future[AccountLease | StoredLease | TwinLease]) -> None:
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
