"""Run the backfills of many accounts in one process.

Accounts are read one by one, and only so many are active at once: each of them holds a client and its place
in memory, and one that is done holds nothing but its report. They share a store, a session, and what limits
all of them together. Nothing is kept between runs: what is missing is read from the store, so that a run that
is begun again goes on where the last one ended.

Each active account is held by a lease, so that several processes may run the same accounts at the same time.
One that another process holds is put aside. It is tried again when all others have begun and the lease is
released, or has expired: then its days are read from the store, and what is missing is requested.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, TypeAlias, cast

import attrs

from hourlyclicks.client.resources import Carrier, Environment
from hourlyclicks.errors import HourlyClicksError, UsageError, carry
from hourlyclicks.events import Dispatcher
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.fleet.accounts import AccountJob
from hourlyclicks.fleet.held import LOOK_AFTER, HeldAccounts, PutAside
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.fleet.one_account import AccountRunner, TakenAccount, of_interrupted
from hourlyclicks.fleet.options import ClientOptions
from hourlyclicks.fleet.shared_leases import leases_of
from hourlyclicks.fleet.shared_transport import SharedTransport
from hourlyclicks.fleet.stats import FleetStats
from hourlyclicks.jobs.stopping import StopCondition, Stopper
from hourlyclicks.model.checks import check_whole
from hourlyclicks.model.fleet_report import AccountReport, AccountState, FleetReport
from hourlyclicks.model.report import StopReason
from hourlyclicks.pacing.plans import as_rate
from hourlyclicks.store.opening import store_of
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    import datetime as dt
    import os
    from random import Random

    import aiohttp
    from yarl import URL

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Hooks
    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.pacing.plans import Limits, Rate
    from hourlyclicks.store.leases import LeaseStore
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.transport.protocol import Transport

Jobs: TypeAlias = "Iterable[AccountJob] | AsyncIterable[AccountJob]"


async def run_jobs(  # noqa: PLR0913 - keyword options with defaults, those of `Client`
    jobs: Jobs,
    *,
    store: Store | str | os.PathLike[str] | KeyRef,
    at_once: int = 500,
    rate: Rate | str | None = None,
    deadline: float | dt.timedelta | dt.datetime | None = None,
    stop: asyncio.Event | None = None,
    on_event: Hooks = None,
    base_url: str | URL = "https://vivoldi.com",
    retry: RetryPolicy = RetryPolicy(),
    timeout: Timeout = Timeout(),  # noqa: ASYNC109 - of each request, as for a client
    endpoint: EndpointChoice = "v2",
    timezone: str | dt.tzinfo | None = None,
    user_agent: str | None = None,
    limits: Limits | None = None,
    proxy: str | URL | None = None,
    session: aiohttp.ClientSession | None = None,
    transport: Transport | None = None,
    allow_http: bool = False,
    clock: Clock | None = None,
    random: Random | None = None,
) -> FleetReport:
    """Fetch the days of many accounts into one store.

    It can be run again after any end, and requests what is missing then. What concerns one account ends that
    account only and stands in the report: a key that is rejected or cannot be read, a plan without access, a
    link that does not exist.

    Args:
        jobs: the accounts, from an iterable or async iterable, which is read as accounts come to an end. Each
            name and each key may occur once.
        store: as for `Client`, or a `KeyRef` to its path or address. The store of a path or an address is
            opened once for all accounts, and closed in the end.
        at_once: how many accounts may be active at the same time.
        rate: how many requests all accounts together may send in a stretch of time, such as ``"500/1"``.
        deadline: when to stop: after so many seconds or a timedelta, or at an aware datetime.
        stop: stop when this event is set.
        on_event: a hook, or several, for `hourlyclicks.events.FleetProgress` and
            `hourlyclicks.events.AccountEnded`.
        base_url: as for `Client`, like the arguments after it.
        retry: how often and when to retry.
        timeout: the time limits of each request.
        endpoint: which version of the endpoint for hours to ask.
        timezone: the time zone of accounts that name none.
        user_agent: the name of your application.
        limits: the limits of accounts that have neither a plan nor limits.
        proxy: the URL of an HTTP proxy.
        session: an aiohttp session to use; it is never closed.
        transport: sends the requests in place of aiohttp; it is never closed.
        allow_http: whether `base_url` may be plain http on another host than loopback.
        clock: measures time in place of the machine's clocks.
        random: draws the jitter of waits.

    Raises:
        UsageError: an argument is invalid.
        StoreError: the store cannot be used; its `fleet_report` says what had been done before.
        asyncio.CancelledError: the call was cancelled; its `fleet_report` says what had been done before.
    """
    check_whole("at_once", at_once, least=1)
    environment = Environment.of(clock, random, None)
    options = ClientOptions(
        base_url=base_url,
        retry=retry,
        timeout=timeout,
        endpoint=endpoint,
        timezone=timezone,
        user_agent=user_agent,
        limits=limits,
        allow_http=allow_http,
        clock=environment.clock,
        random=environment.random,
    )
    stats = FleetStats(Dispatcher(on_event), environment.clock)
    condition = StopCondition(environment.clock, deadline, stop)
    cap = None if rate is None else as_rate(rate)
    source = _checked(jobs)
    async with AsyncExitStack() as opened:
        carrier = Carrier.of(transport, session=session, proxy=proxy, timeout=timeout)
        if carrier.owned:
            opened.push_async_callback(carrier.transport.close)
        where = await store.text() if isinstance(store, KeyRef) else store
        kept = store_of(where, environment.clock)
        if kept is not where:
            opened.push_async_callback(kept.close)
        await kept.open()
        network = SharedTransport(carrier.transport, rate=cap, clock=environment.clock)
        halt = asyncio.Event()
        with_leases = cast("LeaseStore", kept)  # that it is one, is checked here:
        leases = await opened.enter_async_context(leases_of(with_leases, environment.clock))
        runner = AccountRunner(options, leases=leases, transport=network, stats=stats, stop=halt)
        held = HeldAccounts(with_leases, leases)
        run = FleetRun(source, runner, held=held, network=network, stats=stats, halt=halt, at_once=at_once)
        return await run.run(condition)


class FleetRun:
    """One run.

    Args:
        jobs: the accounts.
        runner: fetches the days of each.
        held: takes those that other processes hold.
        network: what they share.
        stats: counts what they do.
        halt: ends them all when it is set.
        at_once: how many may be active.
    """

    def __init__(
        self,
        jobs: Jobs,
        runner: AccountRunner,
        *,
        held: HeldAccounts,
        network: SharedTransport,
        stats: FleetStats,
        halt: asyncio.Event,
        at_once: int,
    ) -> None:
        self._jobs = jobs
        self._runner = runner
        self._held = held
        self._network = network
        self._stats = stats
        self._halt = halt
        self._places = asyncio.Semaphore(at_once)
        self._reports: dict[int, AccountReport] = {}
        if isinstance(jobs, Collection):  # all are known, also those that a run does not come to
            for number, job in enumerate(jobs):
                self._known(job, number)
            stats.listed = True
        self._stopped = StopReason.COMPLETE
        self._error: Exception | None = None
        self._reading: asyncio.Task[None] | None = None
        self._active = 0
        self._taking: set[asyncio.Task[None]] = set()
        self._one_ended = asyncio.Event()

    async def run(self, condition: StopCondition) -> FleetReport:
        """Run until every account is done, or until it is to stop."""
        self._clock = condition.clock
        stopper = Stopper(condition.clock, self._stop)
        try:
            with stopper.watch(condition.left, condition.event, condition.until):
                async with asyncio.TaskGroup() as group:
                    self._reading = group.create_task(self._read(group))
        except asyncio.CancelledError as error:
            self._stop(StopReason.STOPPED)
            carry(error, fleet_report=self._report())
            raise
        self._stats.tell()
        if self._error is not None:
            carry(self._error, fleet_report=self._report())
            raise self._error
        return self._report()

    def _stop(self, reason: StopReason, error: Exception | None = None) -> None:
        """Begin no account any more, and let those that are active end as a backfill does."""
        if self._stopped is StopReason.COMPLETE:
            self._stopped, self._error = reason, error
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
        while self._active or self._held:
            for job, number in await self._held.take_free():
                self._stats.held = len(self._held)
                await self._begin(group, job, number)
            if self._held:
                await self._clock.sleep(LOOK_AFTER)
            elif self._active:
                self._one_ended.clear()
                await self._one_ended.wait()

    async def _begin(self, group: asyncio.TaskGroup, job: AccountJob, number: int) -> None:
        if number not in self._reports:
            self._known(job, number)
        await self._places.acquire()
        self._active += 1
        group.create_task(self._work(job, number))

    def _known(self, job: AccountJob, number: int) -> None:
        """Note that there is an account."""
        self._stats.accounts += 1
        self._reports[number] = AccountReport(name=job.name, state=AccountState.UNSTARTED)

    async def _work(self, job: AccountJob, number: int) -> None:
        self._stats.running += 1
        try:
            found = await self._fetch(job)
        except HourlyClicksError as error:  # of the store
            self._reports[number] = of_interrupted(error, self._reports[number])
            self._stop(StopReason.ERROR, error)
        except asyncio.CancelledError as error:
            self._reports[number] = of_interrupted(error, self._reports[number])
            raise
        else:
            self._end(job, number, found)
        finally:
            self._stats.running -= 1
            self._active -= 1
            self._places.release()
            self._one_ended.set()

    async def _fetch(self, job: AccountJob) -> AccountReport | PutAside:
        """Fetch the days of an account; while its key or its lease is awaited, the end cancels it."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs is in a task
        self._taking.add(task)
        try:
            taken = await self._runner.take(job)
        finally:
            self._taking.discard(task)
        return await self._runner.run(job, taken) if isinstance(taken, TakenAccount) else taken

    def _end(self, job: AccountJob, number: int, found: AccountReport | PutAside) -> None:
        """Note what came of an account; one that another process holds is tried again."""
        if isinstance(found, PutAside):
            self._held.add(found.account, job, number)
            self._stats.held = len(self._held)
            self._reports[number] = found.report
            return
        self._reports[number] = self._told(found)
        self._stats.ended(found)

    def _told(self, found: AccountReport) -> AccountReport:
        """Return a report that tells why the run has ended."""
        report = found.report
        if report is None or report.stopped is not StopReason.STOPPED or not self._halt.is_set():
            return found
        return attrs.evolve(found, report=attrs.evolve(report, stopped=self._stopped))

    def _report(self) -> FleetReport:
        return FleetReport(
            accounts=tuple(self._reports.values()),
            seconds=self._stats.seconds,
            stopped=self._stopped,
            listed=self._stats.listed,
        )


def _checked(jobs: Jobs) -> Jobs:
    """Return jobs that are read as they are needed; those of a collection are checked before."""
    given: object = jobs
    if isinstance(given, str | AccountJob) or not isinstance(given, Iterable | AsyncIterable):
        raise UsageError(f"jobs are several, such as [AccountJob(...)], not {given!r}")
    if isinstance(given, Collection):
        names: set[str] = set()
        for job in given:
            _check(job, names)
    return jobs


async def all_jobs(jobs: Jobs) -> AsyncGenerator[AccountJob, None]:
    """Yield the jobs, and close an async generator of them, which may have a connection to a database.

    Raises:
        UsageError: one of them is none, or its name has occurred before.
    """
    names: set[str] = set()
    async with AsyncExitStack() as opened:
        if isinstance(jobs, AsyncGenerator):
            opened.push_async_callback(jobs.aclose)
        if isinstance(jobs, AsyncIterable):
            async for job in jobs:
                yield _check(job, names)
        else:
            for job in jobs:
                yield _check(job, names)


def _check(job: AccountJob, names: set[str]) -> AccountJob:
    """Return a job that is one, and whose name is new.

    Raises:
        UsageError: it is none, or its name has occurred before.
    """
    if not isinstance(job, AccountJob):
        raise UsageError(f"jobs are AccountJob values, not {type(job).__name__}")
    if job.name in names:
        raise UsageError(f"there are two jobs for the account {job.name!r}")
    names.add(job.name)
    return job
