"""One account of a run: its lease, its key, its days; what ends it ends it alone.

The lease comes before the client, and the key before the lease: limits belong to a key, and a client of this
key that does not name the account is to keep them too.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.coordination.leases import TwinLease
from hourlyclicks.errors import LeaseLostError, StoreError
from hourlyclicks.fleet.account_reports import of_error, of_report, typed
from hourlyclicks.fleet.held_accounts import HeldAccount
from hourlyclicks.fleet.key_owners import same_key
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.model.fleet_report import AccountReport, AccountState
from hourlyclicks.model.zones import as_zone, last_ended
from hourlyclicks.store.leases import StoredLease
from hourlyclicks.wire.key import ApiKey, Secret

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from hourlyclicks.client import Client
    from hourlyclicks.coordination.leases import Leases
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.fleet.key_owners import KeyOwners
    from hourlyclicks.fleet.options import ClientOptions
    from hourlyclicks.fleet.shared_transport import SharedTransport
    from hourlyclicks.fleet.stats import AccountStats, FleetStats
    from hourlyclicks.model.report import BackfillReport

_log = logging.getLogger("hourlyclicks")


@attrs.frozen
class TakenAccount:
    """An account that this process holds.

    Args:
        lease: its lease.
        key: its API key.
    """

    lease: AccountLease
    key: Secret


class AccountRunner:
    """Runs accounts, one call each.

    Args:
        options: what their clients have in common.
        leases: the leases that this process holds.
        transport: sends the requests of all of them.
        owners: knows which account a key belongs to.
        stats: counts what they do.
        stop: ends them all when it is set.
    """

    def __init__(
        self,
        options: ClientOptions,
        *,
        leases: Leases,
        transport: SharedTransport,
        owners: KeyOwners,
        stats: FleetStats,
        stop: asyncio.Event,
    ) -> None:
        self._options = options
        self._leases = leases
        self._transport = transport
        self._owners = owners
        self._stats = stats
        self._stop = stop
        self._held: set[AccountLease] = set()
        self._lost: dict[str, AccountStats] = {}  # so that what is tried again is not counted twice

    @property
    def requests(self) -> int:
        """How many requests the accounts that are active still have to send, if none has to be repeated."""
        return sum(lease.runs.requests for lease in self._held)

    async def take(self, job: AccountJob) -> TakenAccount | AccountReport | HeldAccount:
        """Take the lease of an account, unless another process holds it, or its key is not its own.

        Raises:
            StoreError: the store cannot be used, which ends the run.
        """
        try:
            key = await job.key.key()
            self._owners.register(job.name, key)
            window = self._options.window_of(job)
            await self._owners.check(job.name, key, window=window)
            of_key = ApiKey(key).fingerprint
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one account must not end the others
            return of_error(job.name, typed(job.name, error))
        name = partial(fingerprint_of, job.name)
        lease = await self._leases.take(name, job.name, key=of_key, alone=window)
        if isinstance(lease, TwinLease):
            return of_error(job.name, same_key(job.name, lease.lease))
        if isinstance(lease, StoredLease):
            return HeldAccount(lease.account, AccountReport(name=job.name, state=AccountState.HELD))
        self._held.add(lease)
        return TakenAccount(lease, key)

    async def run(
        self, job: AccountJob, taken: TakenAccount, *, on_start: Callable[[], object]
    ) -> AccountReport | HeldAccount:
        """Fetch the days of an account, and give its lease back; another process may take it meanwhile.

        Args:
            job: the account.
            taken: its lease and its key.
            on_start: called when its first request is sent, or waits for its limits.

        Raises:
            StoreError: the store cannot be used, which ends the run.
            asyncio.CancelledError: the call was cancelled.
        """
        taken.lease.on_start = on_start
        try:
            return await self._run(job, taken)
        except LeaseLostError as error:
            return HeldAccount(taken.lease.account, of_error(job.name, error, AccountState.HELD))
        finally:
            await self._give_back(taken.lease)

    async def _give_back(self, lease: AccountLease) -> None:
        """Give a lease back; if that fails, what was fetched counts nevertheless, and the lease expires."""
        self._held.discard(lease)
        try:
            await self._leases.release(lease)
        except StoreError as error:
            _log.warning("the lease of %r could not be given back, and expires: %s", lease.label, error)

    async def _run(self, job: AccountJob, taken: TakenAccount) -> AccountReport:
        """Fetch the days of an account that this process holds."""
        hook = self._lost.pop(job.name, None) or self._stats.hook()
        try:
            network = self._transport.within(taken.lease)
            client = self._options.client(
                job, taken.key, store=taken.lease.store, transport=network, on_event=hook
            )
            async with client:
                found = of_report(job.name, await self._fetch(client, job))
        except LeaseLostError:
            if hook is not None:
                self._lost[job.name] = hook
            raise
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one account must not end the others
            found = of_error(job.name, typed(job.name, error))
        if hook is not None and found.report is not None:
            report = found.report
            hook.move(report.total, report.done + report.reused, report.failed + report.refused)
        return found

    async def _fetch(self, client: Client, job: AccountJob) -> BackfillReport:
        if job.start is None:
            return await client.sync(job.targets, since=job.since, stop=self._stop, label=job.name)
        zone = as_zone(job.timezone or self._options.timezone)
        end = job.end or last_ended(self._options.clock.wall(), zone)
        return await client.backfill(
            job.start, end, job.targets, since=job.since, stop=self._stop, label=job.name
        )
