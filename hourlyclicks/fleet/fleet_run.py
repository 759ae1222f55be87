"""Run the accounts of one process: begin each when there is room, and end them all when it is time.

Accounts are read one by one, and only so many are active at once: each of them holds a client and its state
in memory, and one that is done holds nothing but its report.

Each active account is held by a lease, so that several processes may run the same accounts at the same time.
One that another process holds is put aside. It is tried again when all others have begun and the lease is
released, or has expired: then its days are read from the store, and what is missing is requested.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError, carry
from hourlyclicks.fleet.held_accounts import LOOK_AFTER, HeldAccount
from hourlyclicks.fleet.one_account import TakenAccount
from hourlyclicks.fleet.outcomes import AccountOutcomes
from hourlyclicks.fleet.sources import all_jobs
from hourlyclicks.jobs.stopping import Stopper
from hourlyclicks.model.report import StopReason

if TYPE_CHECKING:
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.fleet.admission import Admission, AdmittedAccount
    from hourlyclicks.fleet.held_accounts import HeldJobs
    from hourlyclicks.fleet.one_account import AccountRunner
    from hourlyclicks.fleet.shared_transport import SharedTransport
    from hourlyclicks.fleet.sources import JobsInHand
    from hourlyclicks.fleet.stats import FleetStats
    from hourlyclicks.jobs.stopping import StopCondition
    from hourlyclicks.model.fleet_report import AccountReport, FleetReport


class FleetRun:
    """One run.

    Args:
        jobs: the accounts.
        runner: fetches the days of each.
        held: takes those that other processes hold.
        network: what they share.
        stats: counts what they do.
        halt: ends them all when it is set.
        admission: lets them begin.
    """

    def __init__(
        self,
        jobs: JobsInHand,
        runner: AccountRunner,
        *,
        held: HeldJobs,
        network: SharedTransport,
        stats: FleetStats,
        halt: asyncio.Event,
        admission: Admission,
    ) -> None:
        self._jobs = jobs
        self._runner = runner
        self._held = held
        self._network = network
        self._stats = stats
        self._halt = halt
        self._admission = admission
        self._outcomes = AccountOutcomes(stats)
        if isinstance(jobs, Collection):  # all are known, also those that a run does not come to
            for number, job in enumerate(jobs):
                self._outcomes.add(job, number)
            stats.listed = True
        self._reading: asyncio.Task[None] | None = None
        self._taking: set[asyncio.Task[None]] = set()
        self._one_ended = asyncio.Event()

    async def run(self, condition: StopCondition) -> FleetReport:
        """Run until every account is done, or until it is to stop."""
        self._clock = condition.clock
        stopper = Stopper(condition.clock, self._stop)
        try:
            with stopper.watch(condition):
                async with asyncio.TaskGroup() as group:
                    self._reading = group.create_task(self._read(group))
        except asyncio.CancelledError as error:
            self._stop(StopReason.STOPPED)
            carry(error, fleet_report=self._outcomes.report())
            raise
        finally:
            self._stats.stop_waiting()
        self._stats.tell()
        report, failure = self._outcomes.report(), self._outcomes.error
        if failure is not None:
            carry(failure, fleet_report=report)
            raise failure
        return report

    @property
    def counts(self) -> tuple[int, int, int]:
        """See `hourlyclicks.fleet.reporting.ReportedRun.counts`."""
        active = self._admission.active
        return active, self._stats.unfinished - active, self._runner.requests

    def stop_asked(self) -> None:
        """See `hourlyclicks.fleet.reporting.ReportedRun.stop_asked`."""
        self._stop(StopReason.STOPPED)

    def _stop(self, reason: StopReason, error: Exception | None = None) -> None:
        """Begin no account any more, and let those that are active end as a backfill does."""
        self._outcomes.end(reason, error)
        self._halt.set()
        self._network.end()
        if self._reading is not None:
            self._reading.cancel()
        for task in tuple(self._taking):
            task.cancel()

    async def _read(self, group: asyncio.TaskGroup) -> None:
        """Read the accounts, and begin each when there is room for it."""
        number = 0
        try:
            if self._halt.is_set():  # the deadline had passed before
                return
            async with aclosing(all_jobs(self._jobs)) as jobs:
                async for job in jobs:
                    await self._begin(group, job, number)
                    number += 1
            self._stats.listed = True
            await self._try_held(group)
        except Exception as error:  # noqa: BLE001 - what a source of the user raises is raised by the run
            self._stop(StopReason.ERROR, error)

    async def _try_held(self, group: asyncio.TaskGroup) -> None:
        """Begin the accounts that other processes held, as they become free, until there are none."""
        while self._admission.active or self._held:
            for job, number in await self._held.take_free():
                self._stats.held = len(self._held)
                await self._begin(group, job, number)
            if self._held:
                await self._clock.sleep(LOOK_AFTER)
            elif self._admission.active:
                self._one_ended.clear()
                await self._one_ended.wait()

    async def _begin(self, group: asyncio.TaskGroup, job: AccountJob, number: int) -> None:
        self._outcomes.add(job, number)
        admitted = await self._admission.admit()
        group.create_task(self._work(job, number, admitted))

    async def _work(self, job: AccountJob, number: int, admitted: AdmittedAccount) -> None:
        try:
            found = await self._counted(job, admitted)
        except HourlyClicksError as error:  # of the store
            self._outcomes.interrupted(number, error)
            self._stop(StopReason.ERROR, error)
        except asyncio.CancelledError as error:
            self._outcomes.interrupted(number, error)
            raise
        else:
            self._end(job, number, found)
        finally:
            admitted.leave()
            self._one_ended.set()

    async def _counted(self, job: AccountJob, admitted: AdmittedAccount) -> AccountReport | HeldAccount:
        """Fetch the days of an account, which is active until then: its end is reported without it."""
        self._stats.running += 1
        try:
            return await self._fetch(job, admitted)
        finally:
            self._stats.running -= 1

    async def _fetch(self, job: AccountJob, admitted: AdmittedAccount) -> AccountReport | HeldAccount:
        """Fetch the days of an account; while its key or its lease is awaited, the end cancels it."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs is in a task
        self._taking.add(task)
        try:
            taken = await self._runner.take(job)
        finally:
            self._taking.discard(task)
        if isinstance(taken, TakenAccount):
            return await self._runner.run(job, taken, on_start=admitted.started)
        return taken

    def _end(self, job: AccountJob, number: int, found: AccountReport | HeldAccount) -> None:
        """Note what came of an account; one that another process holds is tried again."""
        if isinstance(found, HeldAccount):
            self._held.add(found.account, job, number)
            self._stats.held = len(self._held)
            self._outcomes.aside(number, found.report)
        else:
            self._outcomes.ended(number, found)
