"""Statements about leases that come together are one: a run begins and ends hundreds of accounts a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.store.group_commit import GroupCommit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hourlyclicks.store.leases import Fence, Holder, LeaseStore, StoredLease, TakenLease


class _Wanted(NamedTuple):
    """An account whose lease is to be taken; see `GroupedLeases.take`."""

    account: int
    label: str
    alone: float | None


class _Key(NamedTuple):
    """An account and its key; see `GroupedKeys.held`."""

    name: str
    key: str
    since: float


class GroupedLeases:
    """Find, take and release the leases of one holder.

    Args:
        store: keeps the leases.
        holder: the process that takes them.
        life: the seconds after which a lease expires that is not renewed.
    """

    def __init__(self, store: LeaseStore, holder: Holder, life: float) -> None:
        self._store = store
        self._holder = holder
        self._life = life
        self._finds: GroupCommit[tuple[str, str | None]] = GroupCommit(self._find)
        self._takes: GroupCommit[_Wanted] = GroupCommit(self._take)
        self._releases: GroupCommit[Fence] = GroupCommit(self._release)

    async def account_number(self, name: str, key: str | None) -> int:
        """Return the number of an account, which is created if necessary.

        Args:
            name: the fingerprint of its name.
            key: that of its key; ``None``: it has no name, and the first one is that of its key.
        """
        number: int = await self._finds.make((name, key))
        return number

    async def take(
        self, account: int, label: str, *, alone: float | None, gone: Collection[str] = ()
    ) -> TakenLease | None:
        """Take a lease if it is free.

        Args:
            account: the account.
            label: what to call it.
            alone: for how many seconds no other account with the key may have been held; ``None``: it may be.
            gone: holders that are known to have ended, whose leases are free.
        """
        wanted = _Wanted(account, label, alone)
        if gone:
            (found,) = await self._take([wanted], gone=gone)
            return found
        taken: TakenLease | None = await self._takes.make(wanted)
        return taken

    async def release(self, fence: Fence) -> None:
        """Release a lease, unless it was lost."""
        await self._releases.make(fence)

    async def drain(self) -> None:
        """Wait until all leases are released whose release has begun."""
        await self._releases.drain()

    async def _find(self, wanted: Sequence[tuple[str, str | None]]) -> list[int]:
        numbers = await self._store.account_numbers(dict(wanted))
        return [numbers[name] for name, _ in wanted]

    async def _take(
        self, wanted: Sequence[_Wanted], *, gone: Collection[str] = ()
    ) -> list[TakenLease | None]:
        labels = {each.account: each.label for each in wanted}
        alone = {each.account: each.alone for each in wanted if each.alone is not None}
        taken = await self._store.take_leases(labels, self._holder, self._life, gone=gone, alone=alone)
        return [taken.get(each.account) for each in wanted]

    async def _release(self, fences: Sequence[Fence]) -> list[None]:
        await self._store.release_leases(fences)
        return [None] * len(fences)


class GroupedKeys:
    """Look for other accounts with the same keys.

    Args:
        store: keeps the leases.
    """

    def __init__(self, store: LeaseStore) -> None:
        self._store = store
        self._reads: GroupCommit[_Key] = GroupCommit(self._read)

    async def held(self, name: str, key: str, *, since: float) -> StoredLease | None:
        """Return the lease of another account with the same key, if there is one.

        Args:
            name: the fingerprint of the name of the account.
            key: that of its key.
            since: for how many seconds a lease still counts after its end.
        """
        found: StoredLease | None = await self._reads.make(_Key(name, key, since))
        return found

    async def _read(self, wanted: Sequence[_Key]) -> list[StoredLease | None]:
        keys = {each.name: each.key for each in wanted}
        leases = await self._store.leases_with_keys(keys, max(each.since for each in wanted))
        found = [(leases.get(each.name), each) for each in wanted]
        return [None if lease is None or lease.left <= -each.since else lease for lease, each in found]
