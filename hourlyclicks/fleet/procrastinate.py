"""Run the backfills of accounts as jobs of procrastinate, whose queue is in PostgreSQL.

A job is a backfill of one account. Its arguments in the table of jobs are names and references. The jobs of a
worker share a store and its connections. Two jobs of an account neither run nor wait at the same time, by
procrastinate's locks; where a worker was stopped and goes on, they do, and the lease in the store decides.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import AuthenticationError, HourlyClicksError, PlanError, UsageError
from hourlyclicks.fleet.cancellation import stopping_when_cancelled
from hourlyclicks.fleet.common_resources import CommonResources
from hourlyclicks.fleet.job_values import as_values, from_values
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.fleet.run import all_jobs, run_jobs
from hourlyclicks.fleet.task_options import check_options
from hourlyclicks.model.checks import check_type, check_whole
from hourlyclicks.model.extras import needing
from hourlyclicks.model.fleet_report import AccountState
from hourlyclicks.pacing.plans import as_rate
from hourlyclicks.transport.protocol import Timeout

with needing("procrastinate", extra="procrastinate"):
    from procrastinate import BaseRetryStrategy, RetryDecision
    from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
    from procrastinate.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from procrastinate import Blueprint, JobContext
    from procrastinate.jobs import Job, JobDeferrer
    from procrastinate.tasks import ConfigureTaskOptions

    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.fleet.run import Jobs
    from hourlyclicks.fleet.task_options import TaskOptions
    from hourlyclicks.model.fleet_report import AccountReport
    from hourlyclicks.pacing.plans import Rate

_STORE = KeyRef.env("HOURLYCLICKS_STORE")
_FOR_GOOD = (AuthenticationError, PlanError, UsageError)
"""Errors that a repetition does not cure."""
_FIRST, _LONGEST = 30, 3600
"""Seconds until a job that has failed is repeated: the first time, doubled each time, and at most."""


def tasks(
    app: Blueprint,
    store: KeyRef = _STORE,
    *,
    queue: str = "hourlyclicks",
    attempts: int = 10,
    rate: Rate | str | None = None,
    stalled: str = "* * * * *",
    stalled_after: float = 30.0,
    **options: Unpack[TaskOptions],
) -> FleetTasks:
    """Register the tasks of this package with an app of procrastinate, or with a blueprint.

    Call it where the app is made, in every process: those that defer jobs, and the workers. Keys and the
    address of the store are read on the workers, from their references.

    A job that fails is repeated after 30 seconds, and then after twice as long each time, up to an hour; not
    before there is something to request. It is not repeated after a rejected key, a plan without access, or
    an invalid argument. The jobs of a worker that is gone are repeated by a periodic task, which is done
    before all others of its queue.

    Args:
        app: the app or the blueprint.
        store: a reference to the path or address of the store, which all workers can reach.
        queue: the queue of the tasks.
        attempts: how often a job is run until it has failed.
        rate: how many requests all jobs of a worker together may send in a stretch of time.
        stalled: when to look for jobs of workers that are gone, as for cron.
        stalled_after: the seconds without a heartbeat after which a worker is taken to be gone; at least
            three times the ``update_heartbeat_interval`` of the workers.
        options: the options of `run_jobs` that are plain values; see `TaskOptions`.

    Raises:
        UsageError: an argument is invalid, or procrastinate is not installed.
    """
    check_type("store", store, KeyRef)
    check_whole("attempts", attempts, least=1)
    check_options(options)
    common = CommonResources(
        store,
        rate=None if rate is None else as_rate(rate),
        proxy=options.pop("proxy", None),
        timeout=options.get("timeout", Timeout()),
    )

    @app.task(name="hourlyclicks.backfill", queue=queue, retry=_Repetition(attempts))
    async def backfill(*, job: dict[str, Any]) -> dict[str, Any]:
        """Fetch the days of an account."""
        account = from_values(job)
        async with common.used() as used:
            stop = asyncio.Event()
            run = run_jobs([account], store=used.store, transport=used.transport, stop=stop, **options)
            report = await stopping_when_cancelled(run, stop)
        return _result(report.accounts[0])

    @app.periodic(cron=stalled)
    @app.task(
        name="hourlyclicks.repeat_stalled",
        queue=queue,
        queueing_lock="hourlyclicks.repeat_stalled",
        priority=100,
        pass_context=True,
    )
    async def repeat_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - it is passed
        """Repeat the jobs of workers that are gone."""
        manager = context.app.job_manager
        found = await manager.get_stalled_jobs(task_name=backfill.name, seconds_since_heartbeat=stalled_after)
        for job in found:
            with suppress(ConnectorException):  # it has just ended, or another worker has repeated it
                await manager.retry_job(job)

    return FleetTasks(backfill)


@attrs.frozen
class FleetTasks:
    """The tasks of this package in an app.

    Args:
        backfill: the task that fetches the days of an account.
    """

    backfill: Task[..., Any, ...]

    def configure(self, job: AccountJob, **options: Unpack[ConfigureTaskOptions]) -> JobDeferrer:
        """Return what defers a job, with the locks of its account.

        Args:
            job: the account.
            options: those of ``Task.configure``, such as ``schedule_at``, ``priority`` or ``connection``.
        """
        lock = f"hourlyclicks.{job.name}"
        locked: ConfigureTaskOptions = {"lock": lock, "queueing_lock": lock, **options}
        locked["task_kwargs"] = {"job": as_values(job)}
        return self.backfill.configure(**locked)

    async def defer_async(self, jobs: Jobs, **options: Unpack[ConfigureTaskOptions]) -> int:
        """Defer jobs, and return how many; an account that waits in the queue already keeps its job.

        Args:
            jobs: the accounts, as for `run_jobs`.
            options: as for `configure`.

        Raises:
            UsageError: one of the jobs is none, or its name has occurred before.
        """
        number = 0
        async for job in all_jobs(jobs):
            with suppress(AlreadyEnqueued):
                await self.configure(job, **options).defer_async()
                number += 1
        return number

    def defer(self, jobs: Iterable[AccountJob], **options: Unpack[ConfigureTaskOptions]) -> int:
        """Do the same from synchronous code."""
        number = 0
        for job in jobs:
            with suppress(AlreadyEnqueued):
                self.configure(job, **options).defer()
                number += 1
        return number


class _Repetition(BaseRetryStrategy):
    """When a job that has failed is repeated.

    Args:
        attempts: how often it is run.
    """

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """See `BaseRetryStrategy`."""
        if isinstance(exception, asyncio.CancelledError):  # the worker is shut down
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, _FOR_GOOD) or job.attempts + 1 >= self._attempts:
            return None
        now = SystemClock().wall()
        when = now + dt.timedelta(seconds=min(_LONGEST, _FIRST * 2 ** min(job.attempts, 10)))
        report = exception.report if isinstance(exception, HourlyClicksError) else None
        opens = None if report is None else report.resume_at
        return RetryDecision(retry_at=when if opens is None else max(when, opens))


def _result(found: AccountReport) -> dict[str, Any]:
    """Return what the log shows of an account that is complete; raise the error of another one."""
    if found.state is not AccountState.COMPLETE:
        error = found.error or HourlyClicksError(str(found))
        error.report = found.report
        raise error
    report = found.report
    return {"account": found.name, "days": 0 if report is None else report.total}
