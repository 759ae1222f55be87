"""Read a store without an API key: open it, and find its accounts.

Nothing is sent, and nothing in the store is made or changed unless it was opened with ``read_only=False``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from hourlyclicks.errors import UsageError
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.store.closing import Managed
from hourlyclicks.store.stored_account import SHORT, StoredAccount

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from hourlyclicks.store.fleets import FleetStore, StoredFleet
    from hourlyclicks.store.leases import LeaseStore, StoredLease
    from hourlyclicks.store.protocol import Store

_FINGERPRINT = re.compile(rf"[0-9a-f]{{{SHORT},32}}")


class StoreReader(Managed):
    """A store that is being read; see `open_store`.

    Args:
        store: the store.
        owned: whether to close it in the end.
        zone: the time zone of the accounts, if it is known.
    """

    def __init__(self, store: Store, *, owned: bool, zone: dt.tzinfo | None = None) -> None:
        self._store = store
        self._owned = owned
        self._zone = zone

    async def open(self) -> None:
        """Open the store, as ``async with`` does.

        Raises:
            StoreError: there is no store, or it cannot be read.
        """
        await self._store.open()

    async def close(self) -> None:
        """Close the store, unless it was given as a `Store`."""
        if self._owned:
            await self._store.close()

    async def accounts(self) -> tuple[StoredAccount, ...]:
        """Return all accounts, in the order in which they came into the store.

        Raises:
            StoreError: the store cannot be read.
        """
        return tuple(
            StoredAccount(fingerprint, number, self._store, self._zone)
            for fingerprint, number in (await self._store.accounts()).items()
        )

    async def account(self, name: str | None = None) -> StoredAccount:
        """Return one account.

        Args:
            name: the name that ``Client(account=…)`` gave it, or at least the first 8 digits of its
                fingerprint; ``None``: the only account there is.

        Raises:
            UsageError: there is no such account, or there are several and none was named.
            StoreError: the store cannot be read.
        """
        found = await self._named(name) if name is not None else None
        if found is not None:
            return found
        known = await self.accounts()
        if name is not None:
            raise UsageError(f"the store has no account named {name!r}{there_are(known)}")
        if len(known) != 1:
            raise UsageError(f"the store has {len(known)} accounts: name one{there_are(known)}")
        return known[0]

    async def find(self, fingerprint: Callable[[bytes], str]) -> StoredAccount | None:
        """Return the account of a fingerprint, or ``None`` if the store does not know it.

        Args:
            fingerprint: makes the fingerprint, 32 hexadecimal digits, from the salt of the store.
        """
        wanted = fingerprint(await self._store.salt())
        return next((each for each in await self.accounts() if each.fingerprint == wanted), None)

    async def leases(self) -> list[StoredLease]:
        """Return the leases of accounts that processes hold, also those that have expired.

        One whose holder has no name was taken away from it, and cannot be taken yet.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._lease_store.leases() if self._keeps_leases else []

    async def end_leases(self, label: str) -> list[StoredLease]:
        """Take an account away from its holder, and return the leases that this ended.

        The holder learns of it when it writes next, or renews its leases. Others can take the account when
        the lease would have expired.

        Args:
            label: what the holder calls the account.

        Raises:
            StoreError: the store cannot be written, or was opened to read only.
        """
        found = [lease for lease in await self.leases() if lease.label == label and lease.holder.name]
        for lease in found:
            await self._lease_store.end_lease(lease.account)
        return found

    async def fleets(self) -> list[StoredFleet]:
        """Return the runs over many accounts, as they have reported last.

        Raises:
            StoreError: the store cannot be read.
        """
        return await cast("FleetStore", self._store).fleets() if self._keeps_leases else []

    async def ask_fleets_to_stop(self, runs: list[str]) -> None:
        """Ask runs over many accounts to stop; each sees it with its next report.

        Args:
            runs: what `fleets` calls them.

        Raises:
            StoreError: the store cannot be written, or was opened to read only.
        """
        await cast("FleetStore", self._store).stop_fleets(runs)

    @property
    def _keeps_leases(self) -> bool:
        """Whether the store can keep leases; one of a user's own may not."""
        return callable(getattr(self._store, "leases", None))

    @property
    def _lease_store(self) -> LeaseStore:
        return cast("LeaseStore", self._store)

    async def fingerprints(self, names: Iterable[str]) -> dict[str, str]:
        """Return by which fingerprints this store knows, or would know, accounts with these names."""
        salt = await self._store.salt()
        return {name: fingerprint_of(name, salt) for name in names}

    async def _named(self, name: str) -> StoredAccount | None:
        found = await self.find(lambda salt: fingerprint_of(name, salt))
        if found is None and _FINGERPRINT.fullmatch(name):
            known = [each for each in await self.accounts() if each.fingerprint.startswith(name)]
            return known[0] if len(known) == 1 else None
        return found


def there_are(accounts: tuple[StoredAccount, ...]) -> str:
    """Return the end of a sentence: which accounts there are."""
    if not accounts:
        return ": it is empty"
    return "; by their fingerprints there are: " + ", ".join(each.short for each in accounts)
