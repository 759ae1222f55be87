"""A run whose shards are done by the processes of an engine, as the process that began it sees it.

It makes the shards, adds up what they tell of their progress, and makes one report of theirs. If a shard
fails, the others are stopped, and the error has the report of all that was done.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, Self

from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import HourlyClicksError, carry
from hourlyclicks.events import AccountEnded, Dispatcher, FleetProgress
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.fleet.shards import Shard
from hourlyclicks.fleet.sources import JobsRef, all_jobs
from hourlyclicks.fleet.task_options import check_options, share_of
from hourlyclicks.model.checks import check_type, check_whole
from hourlyclicks.model.deadlines import seconds_until
from hourlyclicks.model.fleet_report import AccountReport, AccountState, FleetReport
from hourlyclicks.model.report import StopReason
from hourlyclicks.pacing.plans import as_rate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sized

    from hourlyclicks.events import Hooks
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.fleet.sources import Jobs
    from hourlyclicks.pacing.plans import Rate

_LOOK_AFTER = 1.0
"""Seconds after which to look again whether there are processes to do the work."""
_SUMS = ("running", "held", "complete", "failed", "days", "done", "failed_days")


class SharedEvent(Protocol):
    """An event that all processes of an engine see."""

    async def set(self) -> Any:  # noqa: ANN401 - of the engine
        """Set it."""
        ...

    async def clear(self) -> Any:  # noqa: ANN401 - of the engine
        """Clear it."""
        ...


class ShardedRun:
    """The run.

    Args:
        jobs: the accounts, or where the shards find them.
        store: a reference to the store.
        at_once: how many accounts may be active in all shards together.
        rate: how many requests all of them may send in a stretch of time.
        deadline: when to stop.
        stop: stops the run when it is set.
        on_event: receives the events.
        options: the other options of `run_jobs`.

    Raises:
        UsageError: an argument is invalid.
    """

    def __init__(  # those of the engines' own functions
        self,
        jobs: list[AccountJob] | JobsRef,
        *,
        store: KeyRef,
        at_once: int,
        rate: Rate | str | None,
        deadline: float | dt.timedelta | dt.datetime | None,
        stop: asyncio.Event | None,
        on_event: Hooks,
        options: Mapping[str, Any],
    ) -> None:
        check_type("store", store, KeyRef)
        check_whole("at_once", at_once, least=1)
        check_options(options)
        now = SystemClock().wall()
        self._jobs, self._store, self._stop = jobs, store, stop
        self._at_once, self._rate = at_once, None if rate is None else as_rate(rate)
        self._left = seconds_until(deadline, now)
        until = None if self._left is None else now + dt.timedelta(seconds=self._left)
        self._options = {"deadline": until, **options}
        self._dispatch = Dispatcher(on_event)
        names = [] if isinstance(jobs, JobsRef) else [job.name for job in jobs]
        accounts = tuple(AccountReport(name=name, state=AccountState.UNSTARTED) for name in names)
        self._reports = [FleetReport(accounts=accounts, seconds=0.0)]
        self._heard: dict[int, FleetProgress] = {}

    @classmethod
    async def of(cls, jobs: Jobs, **options: Any) -> Self:  # noqa: ANN401 - the other arguments
        """Make one of jobs that are read to their end first, unless the shards read them."""
        listed = jobs if isinstance(jobs, JobsRef) else [job async for job in all_jobs(jobs)]
        return cls(listed, **options)

    def shards(self, number: int) -> list[Shard]:
        """Divide the accounts into so many shards; into fewer, if there are fewer accounts."""
        jobs = self._jobs
        parts = number if isinstance(jobs, JobsRef) else max(1, min(number, len(jobs)))
        options = {
            "at_once": max(1, self._at_once // parts),
            "rate": share_of(self._rate, parts),
            **self._options,
        }
        shares = [jobs if isinstance(jobs, JobsRef) else jobs[first::parts] for first in range(parts)]
        return [
            Shard(jobs=share, number=each, of=parts, store=self._store, options=options)
            for each, share in enumerate(shares)
        ]

    def hear(self, number: int, progress: FleetProgress) -> None:
        """Receive the progress of a shard, and pass on that of all."""
        self._heard[number] = progress
        heard = self._heard.values()
        read = isinstance(self._jobs, JobsRef)
        self._dispatch(
            FleetProgress(
                accounts=sum(each.accounts for each in heard) if read else len(self._reports[0].accounts),
                listed=not read,
                seconds=max(each.seconds for each in heard),
                **{name: sum(getattr(each, name) for each in heard) for name in _SUMS},
            )
        )

    async def done(
        self, work: Coroutine[Any, Any, FleetReport], workers: Callable[[], Awaitable[Sized]]
    ) -> FleetReport:
        """Do the work; if it is to stop, and no process is there that could hear of it, return what was done.

        Args:
            work: makes the tasks, and returns what `collect` makes of them.
            workers: returns the processes that there are now.
        """
        working = asyncio.create_task(work)
        waiting = asyncio.create_task(self._given_up(workers))
        try:
            await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            given_up = FleetReport(accounts=(), seconds=0.0, stopped=waiting.result())
            return FleetReport.merged([*self._reports, given_up])
        finally:
            waiting.cancel()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            self._dispatch.end()

    async def collect(self, tasks: Iterable[Awaitable[FleetReport]], ended: SharedEvent) -> FleetReport:
        """Wait for all shards, and return the report of all accounts.

        Args:
            tasks: return the reports of the shards.
            ended: tells the shards to stop.

        Raises:
            Exception: a shard has failed; its `fleet_report` says what had been done.
        """
        stopping = None if self._stop is None else asyncio.create_task(_set_after(self._stop, ended))
        try:
            found = await asyncio.gather(*(self._result(task, ended) for task in tasks))
        finally:
            if stopping is not None:
                stopping.cancel()
            # Ends the waits of shards that are done: the scheduler of Dask does not know that they were
            # cancelled, and would log an error for each when it is closed.
            await ended.set()
            await ended.clear()
        report = FleetReport.merged(self._reports)
        errors = [each for each in found if each is not None]
        if errors:
            errors.sort(key=lambda error: not isinstance(error, HourlyClicksError))
            carry(errors[0], fleet_report=report)
            raise errors[0]
        return report

    async def _result(self, task: Awaitable[FleetReport], ended: SharedEvent) -> Exception | None:
        """Wait for a shard; if it fails, stop the others, and return the error."""
        try:
            report = await task
        except BaseException as error:
            await ended.set()
            if not isinstance(error, Exception):
                raise
            if isinstance(error, HourlyClicksError) and error.fleet_report is not None:
                self._reports.append(error.fleet_report)
            return error
        self._reports.append(report)
        for account in report.accounts:
            self._dispatch(AccountEnded(report=account))
        return None

    async def _given_up(self, workers: Callable[[], Awaitable[Sized]]) -> StopReason:
        """Wait until the run is to stop and there is no process, and return why it is to stop."""
        reason = StopReason.STOPPED
        try:
            async with asyncio.timeout(self._left):
                await (self._stop or asyncio.Event()).wait()
        except TimeoutError:
            reason = StopReason.DEADLINE
        while True:
            with suppress(OSError):  # the scheduler is gone, which ends the work as well
                if not len(await workers()):
                    return reason
            await asyncio.sleep(_LOOK_AFTER)


async def _set_after(stop: asyncio.Event, ended: SharedEvent) -> None:
    """Tell the shards to stop when an event is set."""
    await stop.wait()
    await ended.set()
