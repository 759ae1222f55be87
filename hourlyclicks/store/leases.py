"""Leases of accounts: the right of one process to be alone with an account for a while, renewed in time.

A lease has a *fencing token*, a number that is raised whenever the lease is taken, or taken away. Everything
that its holder writes checks the token in the same transaction. So a holder that was stopped for longer than
its lease, and goes on without knowing, can store nothing.

A lease that has expired stays with its holder until another process takes it: renewing it later is right,
because nothing has happened meanwhile.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hourlyclicks.errors import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hourlyclicks.store.protocol import Store


ANY: Mapping[int, float] = MappingProxyType({})
"""Accounts that need not be alone with their keys: all of them."""

LIFE = 15.0
"""Seconds after which a lease expires that is not renewed."""

RENEWALS = 3
"""How often a lease is renewed in its life."""

LONGEST_LIFE = 600.0
"""Seconds; one that expires later than this was taken before the clock was set back."""


class Holder(NamedTuple):
    """A process that takes leases.

    Args:
        name: its name, which no other one has; empty: none.
        host: the name of its machine.
        machine: what only processes that see each other have in common; empty: it is not known.
        pid: its process id there.
        started: when it was started, in ticks since the machine was; 0: it is not known.
    """

    name: str
    host: str
    machine: str
    pid: int
    started: int


class StoredLease(NamedTuple):
    """A lease as the store has it.

    Args:
        account: the number of the account.
        label: what the holder calls the account.
        token: its fencing token.
        holder: the process that holds it.
        left: the seconds until it expires; 0 or less: it has.
    """

    account: int
    label: str
    token: int
    holder: Holder
    left: float


class TakenLease(NamedTuple):
    """A lease that was just taken.

    Args:
        token: its fencing token.
        ended: when the lease before it ended, in nanoseconds on the clock of the limiter.
    """

    token: int
    ended: int


class Renewal(NamedTuple):
    """A lease that was renewed, or that a write has checked.

    Args:
        account: the number of the account.
        asked: whether another process asks for a share of its limit.
    """

    account: int
    asked: bool


class Fence:
    """What each write of a holder checks, in the transaction that it is made in.

    Args:
        account: the account.
        token: the fencing token.
        label: what the holder calls the account.

    Attributes:
        fingerprint: by what the store knows the account.
        salt: what the store keys fingerprints with.
        waiting: how many writes wait to be kept.
    """

    def __init__(self, account: int, token: int, label: str, *, fingerprint: str, salt: bytes) -> None:
        self.account = account
        self.token = token
        self.label = label
        self.fingerprint = fingerprint
        self.salt = salt
        self.waiting = 0

    def check(self, token: int | None) -> None:
        """Raise `LeaseLostError` if the token in the store is another one, or there is none."""
        if token != self.token:
            raise LeaseLostError(self.label)

    def began(self) -> None:
        """Note that a write waits to be kept."""
        self.waiting += 1

    def ended(self) -> None:
        """Note that a write was kept, or has failed."""
        self.waiting -= 1

    def was_asked(self) -> None:
        """Note that another process asks for a share of the limit."""

    def was_lost(self, error: LeaseLostError) -> None:
        """Note that the lease was lost."""


class LeaseStore(Protocol):
    """A store that can keep leases, besides what `hourlyclicks.store.protocol.Store` does."""

    async def account_numbers(self, wanted: Mapping[str, str | None]) -> dict[str, int]:
        """Return the numbers of accounts, each of which is created if necessary.

        An account with a name is that of its key as well: what the store has of the key alone becomes that of
        the name, and `hourlyclicks.store.protocol.Store.account` finds it by both.

        Args:
            wanted: the fingerprint of the key of each account, by that of its name; ``None``: it has no name.
        """
        ...

    async def take_leases(
        self,
        wanted: Mapping[int, str],
        holder: Holder,
        life: float,
        *,
        gone: Collection[str] = (),
        alone: Mapping[int, float] = ANY,
    ) -> dict[int, TakenLease]:
        """Take those leases of accounts that are free, and return them by their accounts.

        Args:
            wanted: what the holder calls each account.
            holder: the process that takes them.
            life: the seconds until they expire.
            gone: holders that are known to have ended, whose leases are free.
            alone: accounts that are not free while another account with the same key is held, and for how
                many seconds its lease still counts after its end. Of two that are wanted at the same moment,
                one is taken.
        """
        ...

    async def renew_leases(self, fences: Sequence[Fence], life: float) -> list[Renewal]:
        """Renew leases, and return those that were not lost.

        Args:
            fences: the leases.
            life: the seconds until they expire.
        """
        ...

    async def release_leases(self, fences: Sequence[Fence]) -> None:
        """Release those of some leases that were not lost."""
        ...

    async def leases(self, account: int | None = None) -> list[StoredLease]:
        """Return the leases that were not released, of all accounts or of one.

        One that was taken away and has not expired has no holder.
        """
        ...

    async def leases_with_keys(self, wanted: Mapping[str, str], since: float) -> dict[str, StoredLease]:
        """Return leases of other accounts with the same keys, by the fingerprints of the names wanted.

        Args:
            wanted: the fingerprint of the key of each account, by that of its name.
            since: for how many seconds a lease still counts after its end.
        """
        ...

    async def ask_holder(self, account: int, *, gone: Collection[str] = ()) -> int | None:
        """Ask the holder of an account for a share of the limit, or end its lease if that has expired.

        Args:
            account: the account.
            gone: holders that are known to have ended, whose leases have expired.

        Returns:
            When the lease ended, in nanoseconds on the clock of the limiter; ``None``: the holder has it.
        """
        ...

    async def end_lease(self, account: int) -> None:
        """Take a lease away from its holder; it can be taken when it would have expired."""
        ...

    def fenced(self, fence: Fence) -> Store:
        """Return the same store, in which each write checks a lease."""
        ...
