"""Which account a key belongs to: two of them with one key would each keep the limits of the whole key.

Within a run, the first account with a key is its owner. Between processes, the store tells: it knows the key
of each account by a keyed hash. An account is refused while another one with its key is held, and until the
windows of that one are over. This is checked before its lease is taken, so that nothing is left behind where
the mistake is repeated again and again. Two processes can look at the same moment, so it is checked again in
the transaction that takes the lease: one of the two has it then, and the other one is refused.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from hourlyclicks.errors import UsageError
from hourlyclicks.model.fingerprints import fingerprint_of, keyed_hash
from hourlyclicks.store.grouped_leases import GroupedKeys
from hourlyclicks.wire.key import ApiKey

if TYPE_CHECKING:
    from hourlyclicks.store.leases import LeaseStore, StoredLease
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.wire.key import Secret

_TOGETHER = (
    "have the same key, and the limits belong to the key: make one account of them, with the targets of both"
)


def same_key(name: str, found: StoredLease) -> UsageError:
    """Return the error for an account whose key is that of another account, which is or was just held."""
    holder, holds = found.holder, "holds" if found.holder.name else "has just held"
    where = f"process {holder.pid} on {holder.host} {holds} {found.label!r}"
    return UsageError(f"the accounts {found.label!r} and {name!r} {_TOGETHER}; {where}")


class KeyOwners:
    """The owners of the keys of a run.

    Args:
        store: the store, which knows those of other processes.
    """

    def __init__(self, store: LeaseStore) -> None:
        self._store = store
        self._salt = os.urandom(16)
        self._names: dict[str, str] = {}
        self._store_salt = b""
        self._keys = GroupedKeys(store)

    def register(self, name: str, key: Secret) -> None:
        """Make an account the owner of a key.

        Raises:
            UsageError: another account of the run is.
        """
        other = self._names.setdefault(keyed_hash(key, self._salt), name)
        if other != name:
            raise UsageError(f"the accounts {other!r} and {name!r} {_TOGETHER}")

    async def check(self, name: str, key: Secret, *, window: float) -> None:
        """Check that no process holds another account with the same key.

        Args:
            name: the name of the account.
            key: its key.
            window: the seconds for which what was sent before counts.

        Raises:
            UsageError: one does, or did until so many seconds ago.
            StoreError: the store cannot be read.
        """
        salt = self._store_salt = self._store_salt or await cast("Store", self._store).salt()
        of_name, of_key = fingerprint_of(name, salt), ApiKey(key).fingerprint(salt)
        found = await self._keys.held(of_name, of_key, since=window)
        if found is not None:
            raise same_key(name, found)
