"""One account of a run: its lease, its key, its days; what ends it ends it alone.

The lease comes before the client, and the key before the lease: limits belong to a key, and a client of this
key that does not name the account is to keep them too.
"""

from __future__ import annotations

import copy
import logging
import os
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import attrs

from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.errors import HourlyClicksError, LeaseLostError, StoreError, UsageError, name_of
from hourlyclicks.fleet.held import PutAside
from hourlyclicks.model.dates import as_zone, last_ended
from hourlyclicks.model.fingerprints import fingerprint_of, keyed_hash
from hourlyclicks.model.fleet_report import AccountReport, AccountState
from hourlyclicks.store.leases import StoredLease
from hourlyclicks.wire.key import ApiKey, Secret

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from hourlyclicks.client import Client
    from hourlyclicks.coordination.leases import Leases
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.fleet.options import ClientOptions
    from hourlyclicks.fleet.shared_transport import SharedTransport
    from hourlyclicks.fleet.stats import AccountStats, FleetStats
    from hourlyclicks.model.report import BackfillReport

_K = TypeVar("_K")
_V = TypeVar("_V")
_E = TypeVar("_E", bound=HourlyClicksError)

_log = logging.getLogger("hourlyclicks")
_KEPT = 100
"""How many failures, and how many parked targets, of an account are in the report of a run."""


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
        stats: counts what they do.
        stop: ends them all when it is set.
    """

    def __init__(
        self,
        options: ClientOptions,
        *,
        leases: Leases,
        transport: SharedTransport,
        stats: FleetStats,
        stop: asyncio.Event,
    ) -> None:
        self._options = options
        self._leases = leases
        self._transport = transport
        self._stats = stats
        self._stop = stop
        self._salt = os.urandom(16)
        self._names: dict[str, str] = {}
        self._lost: dict[str, AccountStats] = {}  # so that what is tried again is not counted twice

    async def take(self, job: AccountJob) -> TakenAccount | AccountReport | PutAside:
        """Take the lease of an account, unless it has no key or another process holds it.

        Raises:
            StoreError: the store cannot be used, which ends the run.
        """
        try:
            key = await job.key.key()
            self._check_key(job.name, key)
            of_key = ApiKey(key).fingerprint
        except Exception as error:  # noqa: BLE001 - one account must not end the others
            return _of_error(job.name, _typed(job.name, error))
        lease = await self._leases.take(partial(fingerprint_of, job.name), job.name, key=of_key)
        if isinstance(lease, StoredLease):
            return PutAside(lease.account, AccountReport(name=job.name, state=AccountState.HELD))
        return TakenAccount(lease, key)

    async def run(self, job: AccountJob, taken: TakenAccount) -> AccountReport | PutAside:
        """Fetch the days of an account, and give its lease back; another process may take it meanwhile.

        Raises:
            StoreError: the store cannot be used, which ends the run.
            asyncio.CancelledError: the call was cancelled.
        """
        try:
            return await self._run(job, taken)
        except LeaseLostError as error:
            return PutAside(taken.lease.account, _of_error(job.name, error, AccountState.HELD))
        finally:
            await self._give_back(taken.lease)

    async def _give_back(self, lease: AccountLease) -> None:
        """Give a lease back; if that fails, what was fetched counts nevertheless, and the lease expires."""
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
                found = _of_report(job.name, await self._fetch(client, job))
        except LeaseLostError:
            if hook is not None:
                self._lost[job.name] = hook
            raise
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one account must not end the others
            found = _of_error(job.name, _typed(job.name, error))
        if hook is not None and found.report is not None:
            report = found.report
            hook.move(report.total, report.done + report.reused, report.failed + report.refused)
        return found

    def _check_key(self, name: str, key: Secret) -> None:
        """Raise `UsageError` if another account of the run has the same key."""
        other = self._names.setdefault(keyed_hash(key, self._salt), name)
        if other != name:
            raise UsageError(
                f"the accounts {other!r} and {name!r} have the same key, and the limits belong to the key:"
                " make one account of them, with the targets of both"
            )

    async def _fetch(self, client: Client, job: AccountJob) -> BackfillReport:
        if job.start is None:
            return await client.sync(job.targets, since=job.since, stop=self._stop, label=job.name)
        zone = as_zone(job.timezone or self._options.timezone)
        end = job.end or last_ended(self._options.clock.wall(), zone)
        return await client.backfill(
            job.start, end, job.targets, since=job.since, stop=self._stop, label=job.name
        )


def _typed(name: str, error: Exception) -> HourlyClicksError:
    """Return what a report says of an error; one that should not occur is logged."""
    if isinstance(error, HourlyClicksError):
        return error
    _log.error("the account %r has ended with %s", name, name_of(error))
    return HourlyClicksError(f"unexpected: {name_of(error)}")


def _of_report(name: str, report: BackfillReport) -> AccountReport:
    error = None if report.error is None else _plain(report.error)
    state = AccountState.COMPLETE if report.complete else AccountState.INCOMPLETE
    if error is not None:
        state = AccountState.FAILED
    return AccountReport(name=name, state=state, report=_shortened(report), error=error)


def _of_error(
    name: str, error: HourlyClicksError, state: AccountState = AccountState.FAILED
) -> AccountReport:
    report = None if error.report is None else _shortened(error.report)
    return AccountReport(name=name, state=state, report=report, error=_plain(error))


def of_interrupted(error: BaseException, before: AccountReport) -> AccountReport:
    """Return the report of an account that ended with the run; what it was before, if it had not begun.

    Args:
        error: what ended the run: that it was cancelled, or an error of the store.
        before: what was to be reported of the account before.
    """
    report: BackfillReport | None = getattr(error, "report", None)
    if report is None:
        return before
    return AccountReport(name=before.name, state=AccountState.INCOMPLETE, report=_shortened(report))


def _plain(error: _E) -> _E:
    """Return an error without its traceback, which holds the client, and without its report.

    Where tblib is at work, as with Dask, a copy has the traceback as well.
    """
    plain = copy.copy(error)
    plain.__traceback__ = plain.__cause__ = plain.__context__ = None
    plain.report = None
    return plain


def _shortened(report: BackfillReport) -> BackfillReport:
    """Return a report with the first of its failures only, since there are thousands of reports."""
    return attrs.evolve(
        report,
        failures={query: _plain(error) for query, error in _first(report.failures).items()},
        parked={target: _plain(error) for target, error in _first(report.parked).items()},
        error=None if report.error is None else _plain(report.error),
    )


def _first(mapping: Mapping[_K, _V]) -> dict[_K, _V]:
    return dict(islice(mapping.items(), _KEPT))
