"""Run the backfills of accounts as jobs of procrastinate, whose queue is in PostgreSQL.

A job is a backfill of one account. Its arguments in the table of jobs are names and references. The jobs of a
worker share a store and its connections. Two jobs of an account neither run nor wait at the same time, by
procrastinate's locks; where a worker was stopped and goes on, they do, and the lease in the store decides.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.clock import SystemClock
from hourlyclicks.fleet.job_values import as_values
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.fleet.queued_backfill import QueuedBackfill
from hourlyclicks.fleet.repetition import repeat_at
from hourlyclicks.fleet.sources import all_jobs
from hourlyclicks.fleet.task_options import STORE
from hourlyclicks.model.checks import check_type, check_whole
from hourlyclicks.model.extras import needing

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
    from hourlyclicks.fleet.sources import Jobs
    from hourlyclicks.fleet.task_options import TaskOptions
    from hourlyclicks.pacing.plans import Rate


def tasks(
    app: Blueprint,
    store: KeyRef = STORE,
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
    work = QueuedBackfill(store, rate, options)

    @app.task(name="hourlyclicks.backfill", queue=queue, retry=_Repetition(attempts))
    async def backfill(*, job: dict[str, Any]) -> dict[str, Any]:
        """Fetch the days of an account."""
        return await work.run(job)

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
        now = SystemClock().wall()
        when = repeat_at(exception, before=job.attempts, most=self._attempts, now=now)
        return None if when is None else RetryDecision(retry_at=when)
