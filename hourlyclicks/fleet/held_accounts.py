"""Accounts that other processes hold: put aside, and tried again when their leases have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hourlyclicks.coordination.processes import is_gone, process_of
from hourlyclicks.model.fleet_report import AccountReport
from hourlyclicks.store.leases import LONGEST_LIFE

if TYPE_CHECKING:
    from hourlyclicks.coordination.leases import Leases
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.store.leases import LeaseStore, StoredLease

LOOK_AFTER = 2.0
"""Seconds after which to look at the leases again; it takes one statement for all of them."""


@attrs.frozen
class HeldAccount:
    """An account that another process holds.

    Args:
        account: its number in the store.
        report: what is to be reported of it if it is not tried again.
    """

    account: int
    report: AccountReport


class HeldJobs:
    """The jobs that were put aside.

    Args:
        store: the store, which has the leases.
        leases: those of this process.
    """

    def __init__(self, store: LeaseStore, leases: Leases) -> None:
        self._store = store
        self._leases = leases
        self._jobs: dict[int, tuple[AccountJob, int]] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, account: int, job: AccountJob, number: int) -> None:
        """Put a job aside.

        Args:
            account: the account in the store.
            job: the job.
            number: the number of the job in the run.
        """
        self._jobs[account] = job, number

    async def take_free(self) -> list[tuple[AccountJob, int]]:
        """Return the jobs, with their numbers, of accounts that no process holds any more.

        Raises:
            StoreError: the store cannot be read.
        """
        if not self._jobs:
            return []
        held = {lease.account for lease in await self._store.leases() if self._is_valid(lease)}
        return [self._jobs.pop(account) for account in tuple(self._jobs) if account not in held]

    def _is_valid(self, lease: StoredLease) -> bool:
        """Return whether the holder may still work; one on this machine may have been killed."""
        holder = lease.holder
        killed = bool(holder.name) and is_gone(process_of(holder), process_of(self._leases.holder))
        # One that lasts longer was taken before the clock was set back; taking it corrects that.
        return 0 < lease.left <= LONGEST_LIFE and not killed
